import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { Random } from '../../../src/base/index.ts';
import { decodeImage, readImageSize } from '../../../src/data/decode.ts';
import { mutate } from '../mutate.ts';
import type { Target } from '../target.ts';

const SIDE = 16;

/** A picture of noise and a gradient, in which no coder finds nothing to do. */
function picture(channels: 1 | 3 | 4) {
  const random = new Random(2, 'picture', channels);
  const pixels = Uint8Array.from({ length: SIDE * SIDE * channels }, (_, i) => (i + random.integer(90)) % 256);
  return sharp(pixels, { raw: { width: SIDE, height: SIDE, channels } });
}

const jpegs = async (): Promise<Buffer[]> =>
  Promise.all([
    picture(3).jpeg().toBuffer(),
    picture(3).jpeg({ progressive: true }).toBuffer(),
    picture(3).jpeg({ chromaSubsampling: '4:4:4', optimiseCoding: false }).toBuffer(),
    picture(1).toColourspace('b-w').jpeg().toBuffer(),
    picture(3).toColourspace('cmyk').jpeg().toBuffer(),
    picture(3).resize(40, 24).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
  ]);

async function decode(bytes: Buffer): Promise<void> {
  const place = { file: 'case' };
  const size = { height: SIDE, width: SIDE };
  const out = Buffer.alloc(SIDE * SIDE * 3);
  await readImageSize(bytes, place).catch(() => {});
  await decodeImage(bytes, size, out, place, { autoOrient: true });
}

const jpeg: Target = {
  name: 'jpeg',
  extension: '.jpg',
  share: 0.4,
  async prepare() {
    const whole = await jpegs();
    return (random) => mutate(whole, random);
  },
  read: (_path, bytes) => decode(bytes),
};

/** Gives every chunk of a PNG file the checksum of what stands in it now, as far as the chunks go. */
function mendPng(bytes: Buffer): Buffer {
  for (let at = 8; at + 12 <= bytes.length;) {
    const end = at + 8 + bytes.readUInt32BE(at);
    if (end + 4 > bytes.length) break;
    bytes.writeUInt32BE(crc32(bytes.subarray(at + 4, end)), end);
    at = end + 4;
  }
  return bytes;
}

const png: Target = {
  name: 'png',
  extension: '.png',
  async prepare() {
    const whole = await Promise.all([
      picture(3).png().toBuffer(),
      picture(4).png({ adaptiveFiltering: true }).toBuffer(),
      picture(3).png({ palette: true }).toBuffer(),
      picture(1).png().toBuffer(),
    ]);
    return (random) => mendPng(mutate(whole, random));
  },
  read: (_path, bytes) => decode(bytes),
};

const other: Target = {
  name: 'webp-gif-tiff-avif',
  extension: '.img',
  async prepare() {
    const whole = await Promise.all([
      picture(3).webp().toBuffer(),
      picture(4).webp({ lossless: true }).toBuffer(),
      picture(3).gif().toBuffer(),
      picture(3).tiff({ compression: 'lzw' }).toBuffer(),
      picture(3).tiff({ compression: 'none' }).toBuffer(),
      picture(3).avif({ effort: 0 }).toBuffer(),
    ]);
    return (random) => mutate(whole, random);
  },
  read: (_path, bytes) => decode(bytes),
};

export const pictureTargets: readonly Target[] = [jpeg, png, other];
