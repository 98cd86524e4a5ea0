import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { decodeImage } from './decode.ts';
import { toSquareJpeg } from './encode.ts';

const SIDE = 16;
const PLACE = { file: 'photo.jpg' };

const photo = (side: number) =>
  sharp({ create: { width: side, height: side, channels: 3, background: '#c02040' } }).jpeg({ quality: 100 });

test('a photo of the size that is asked for is stored as it is', async () => {
  const bytes = await photo(SIDE).toBuffer();
  assert.equal(await toSquareJpeg(bytes, SIDE, 95, PLACE), bytes);
});

test('a colour profile counts for a photo of every size: a data set’s reader doesn’t look at it', async () => {
  for (const side of [SIDE, 2 * SIDE]) {
    const bytes = await photo(side).withIccProfile('p3').toBuffer();
    const pixels = Buffer.alloc(SIDE * SIDE * 3);
    const stored = await toSquareJpeg(bytes, SIDE, 100, PLACE);
    await decodeImage(stored, { height: SIDE, width: SIDE }, pixels, PLACE);
    const [red, green, blue] = pixels;
    const distance = Math.max(Math.abs(red - 0xc0), Math.abs(green - 0x20), Math.abs(blue - 0x40));
    assert.ok(distance <= 4, `${side} px: ${red} ${green} ${blue}`);
  }
});
