import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { twoFacedJpeg } from '../../test/fuzz/two-faced-jpeg.ts';
import { decodeImage, readImageSize } from './decode.ts';

const PLACE = { file: 'a.tfrec', record: 3, offset: 99 };
const SIZE = { height: 16, width: 24 };

/** A picture of one colour. */
function plain(background: string | { r: number; g: number; b: number; alpha: number }, size = SIZE): Sharp {
  return sharp({ create: { ...size, channels: typeof background === 'string' ? 3 : 4, background } });
}

async function decode(picture: Buffer | Sharp, size = SIZE, autoOrient = false): Promise<Buffer> {
  const out = Buffer.alloc(size.height * size.width * 3, 77);
  await decodeImage(Buffer.isBuffer(picture) ? picture : await picture.toBuffer(), size, out, PLACE, { autoOrient });
  return out;
}

const pixel = (pixels: Buffer, at = 0) => [...pixels.subarray(3 * at, 3 * at + 3)];

function assertNear(received: readonly number[], expected: readonly number[], tolerance: number): void {
  const worst = Math.max(...received.map((value, i) => Math.abs(value - expected[i])));
  assert.ok(worst <= tolerance, `${received.join(' ')} is not within ${tolerance} of ${expected.join(' ')}`);
}

test('every format gives the same RGB pixels', async () => {
  const colour = plain('#ff8000');
  const formats = { jpeg: colour.jpeg(), png: colour.png(), webp: colour.webp({ lossless: true }), gif: colour.gif() };
  for (const picture of Object.values(formats)) {
    const pixels = await decode(picture);
    assertNear(pixel(pixels), [255, 128, 0], 3);
    assertNear(pixel(pixels, SIZE.width * SIZE.height - 1), [255, 128, 0], 3);
  }
});

test('greyscale JPEG and PNG become RGB', async () => {
  const grey = plain('#646464').toColourspace('b-w');
  assertNear(pixel(await decode(grey.clone().jpeg())), [100, 100, 100], 1);
  const png = await grey.clone().png().toBuffer();
  assert.equal((await sharp(png).metadata()).channels, 1);
  assert.deepEqual(pixel(await decode(png)), [100, 100, 100]);
  assert.deepEqual(pixel(await decode(png, { height: 8, width: 8 })), [100, 100, 100]);
});

test('a JPEG that says two sizes is taken for the one that is decoded', async () => {
  const square = { height: 16, width: 16 };
  const small = await decode(await twoFacedJpeg(16, { height: 8, width: 8 }), square);
  // Of the memory that was given, 77s, nothing is left.
  assert.ok(small.every((value) => Math.abs(value - 128) < 3));
  // Three bytes a pixel of these wrap round 2^32 to 556, so that the decoder thinks it has room for them all.
  const huge = await twoFacedJpeg(16, { height: 43_811, width: 65_356 });
  await assert.rejects(decode(huge, square), { code: 'BAD_IMAGE', message: /exceeds pixel limit/ });
});

test('a CMYK JPEG keeps its colour', async () => {
  const cmyk = await plain('#3060c0').toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer();
  assert.equal((await sharp(cmyk).metadata()).space, 'cmyk');
  // Through an ink profile blue is less blue, but it stays blue.
  const [red, green, blue] = pixel(await decode(cmyk));
  assert.ok(blue > 140 && blue > green + 40 && green > red, `${red} ${green} ${blue}`);
});

test('16-bit and palette PNG become 8-bit RGB', async () => {
  const deep = await plain('#3060c0').toColourspace('rgb16').png().toBuffer();
  assert.equal((await sharp(deep).metadata()).depth, 'ushort');
  assert.deepEqual(pixel(await decode(deep)), [0x30, 0x60, 0xc0]);
  assert.deepEqual(pixel(await decode(plain('#3060c0').png({ palette: true }))), [0x30, 0x60, 0xc0]);
});

test('alpha is laid over black', async () => {
  const half = plain({ r: 200, g: 100, b: 0, alpha: 0.5 }).png();
  assertNear(pixel(await decode(half)), [100, 50, 0], 2);
});

test('a progressive JPEG is decoded', async () => {
  assertNear(pixel(await decode(plain('#ff8000').jpeg({ progressive: true }))), [255, 128, 0], 3);
});

test('another size is cropped at the centre and resized', async () => {
  // Red, green and blue thirds side by side: a centre crop to a square keeps the green one.
  const thirds = sharp({ create: { width: 90, height: 30, channels: 3, background: '#00ff00' } }).composite([
    { input: await plain('#ff0000', { width: 30, height: 30 }).png().toBuffer(), left: 0, top: 0 },
    { input: await plain('#0000ff', { width: 30, height: 30 }).png().toBuffer(), left: 60, top: 0 },
  ]);
  const pixels = await decode(thirds.png(), { height: 10, width: 10 });
  for (let at = 0; at < 100; at++) assertNear(pixel(pixels, at), [0, 255, 0], 40);
});

test('a colour profile changes a photo’s pixels, and those of a data set at no size', async () => {
  const size = { height: 16, width: 16 };
  const picture = sharp({ create: { ...size, channels: 3, background: '#c02040' } }).jpeg({ quality: 100 });
  const [plainJpeg, wide] = [await picture.clone().toBuffer(), await picture.clone().withIccProfile('p3').toBuffer()];
  const stored = pixel(await decode(wide, size), 0);
  for (const side of [16, 8]) {
    const square = { height: side, width: side };
    assertNear(pixel(await decode(wide, square)), stored, 3);
    // Written in another profile's numbers, it is the same colour.
    assertNear(pixel(await decode(wide, square, true)), [0xc0, 0x20, 0x40], 3);
  }
  assert.notDeepEqual(wide, plainJpeg);
});

test('EXIF orientation is followed only where asked', async () => {
  // Left half red; orientation 6 says that the top of the picture is on its right, so red belongs on top.
  const left = await plain('#ff0000', { width: 8, height: 16 }).png().toBuffer();
  const picture = await sharp({ create: { width: 16, height: 16, channels: 3, background: '#0000ff' } })
    .composite([{ input: left, left: 0, top: 0 }])
    .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
    .withExif({ IFD0: { Artist: 'x' } })
    .withMetadata({ orientation: 6 })
    .toBuffer();
  const square = { height: 16, width: 16 };
  const bottomLeft = 15 * 16;
  assertNear(pixel(await decode(picture, square), bottomLeft), [255, 0, 0], 10);
  assertNear(pixel(await decode(picture, square, true), bottomLeft), [0, 0, 255], 10);
});

test('what is no picture, or a damaged one, is named with its record', async () => {
  const jpeg = await plain('#ff8000', { height: 64, width: 64 }).jpeg().toBuffer();
  const size = { height: 64, width: 64 };
  const cut = jpeg.subarray(0, jpeg.length - 60);
  for (const bytes of [Buffer.alloc(0), Buffer.from('no picture'), cut, jpeg.subarray(0, 30)]) {
    await assert.rejects(decode(bytes, size), { code: 'BAD_IMAGE', place: PLACE });
  }
});

test('a text document that some libraries draw is no picture', async () => {
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="24" height="16"/>');
  await assert.rejects(decode(svg), { code: 'BAD_IMAGE' });
});

test('a picture with too many pixels is refused before it is decoded', async () => {
  // A small PNG file whose header claims 30,000 x 30,000 pixels.
  const bomb = await plain('#fff').png().toBuffer();
  bomb.writeUInt32BE(30_000, 16);
  bomb.writeUInt32BE(30_000, 20);
  bomb.writeUInt32BE(crc32(bomb.subarray(12, 29)), 29);
  await assert.rejects(decode(bomb), { code: 'BAD_IMAGE', message: /pixel limit/ });
});

test('the stored size is read from the header', async () => {
  for (const format of ['jpeg', 'png', 'webp', 'gif'] as const) {
    assert.deepEqual(await readImageSize(await plain('#fff').toFormat(format).toBuffer(), PLACE), SIZE);
  }
});
