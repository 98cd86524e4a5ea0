import sharp from 'sharp';
import { formatCount } from '../base/index.ts';
import { DataError, decodeImage, readImageSize, type ImageSize } from '../data/index.ts';
import type { Limits } from './limits.ts';
import { ServeError } from './serve-error.ts';
import { sniff } from './sniff.ts';

/** An image as models see it: RGB bytes at each of the sizes asked for, in their order. */
export interface Picture {
  readonly pixels: readonly Buffer[];
  /** Height and width of the image as it came. */
  readonly original: ImageSize;
}

const PLACE = { file: 'image' };

/**
 * Checks and decodes an image from a stranger, cropped and resized as in evaluation.
 *
 * @throws ServeError `UNSUPPORTED_IMAGE`, `TWO_FORMATS`, `TOO_MANY_PIXELS`, `TOO_MUCH_WORK` or `BAD_IMAGE`.
 */
export async function decodePicture(
  bytes: Buffer,
  sizes: readonly ImageSize[],
  limits: Pick<Limits, 'pixels' | 'decodeSeconds'>,
): Promise<Picture> {
  sniff(bytes);
  try {
    const original = await readImageSize(bytes, PLACE);
    requireFewPixels(original, limits.pixels);
    const pixels: Buffer[] = [];
    for (const size of sizes) {
      const out = Buffer.allocUnsafe(size.height * size.width * 3);
      await decodeImage(bytes, size, out, PLACE, { autoOrient: true, maxSeconds: limits.decodeSeconds });
      pixels.push(out);
    }
    return { pixels, original };
  } catch (cause) {
    if (!(cause instanceof DataError)) throw cause;
    const reason = cause.cause instanceof Error ? cause.cause.message : '';
    if (reason.startsWith('timeout')) {
      throw new ServeError('TOO_MUCH_WORK', 'this image takes too long to decode', { cause });
    }
    if (reason.includes('exceeds pixel limit')) throw tooManyPixels(limits.pixels, undefined, cause);
    throw new ServeError('BAD_IMAGE', 'this image is damaged or not whole', { cause });
  }
}

/** What a model saw, as a PNG file. */
export async function encodePng(pixels: Buffer, { height, width }: ImageSize): Promise<Buffer> {
  return sharp(pixels, { raw: { height, width, channels: 3 } })
    .png({ compressionLevel: 6 })
    .toBuffer();
}

/**
 * Keeps the image library from reading any format but the five that are taken, in this process and for good. What libvips
 * can read goes far beyond them, and each reader is code that a stranger's bytes would run through.
 */
export function allowSafeFormatsOnly(): void {
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({
    operation: [
      'VipsForeignLoadJpegBuffer',
      'VipsForeignLoadPngBuffer',
      'VipsForeignLoadWebpBuffer',
      'VipsForeignLoadNsgifBuffer',
      'VipsForeignLoadHeifBuffer',
    ],
  });
}

function requireFewPixels({ height, width }: ImageSize, limit: number): void {
  if (height * width <= limit) return;
  throw tooManyPixels(limit, `${formatCount(width)} × ${formatCount(height)}`);
}

function tooManyPixels(limit: number, received?: string, cause?: unknown): ServeError {
  const expected = `at most ${formatCount(limit)}`;
  return new ServeError('TOO_MANY_PIXELS', 'this image has too many pixels', { expected, received, cause });
}
