import jpegTurbo from '@julusian/jpeg-turbo';
import sharp from 'sharp';
import { plural } from '../base/index.ts';
import { checkInteger } from './check-integer.ts';
import { DataError, type Place } from './data-error.ts';
import { readJpegHeader, type JpegHeader } from './jpeg-header.ts';

/** Height and width in pixels. */
export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

/** A size given as a number is a square. @throws UsageError `OUT_OF_RANGE` for what is no size. */
export function toSize(size: number | ImageSize): ImageSize {
  const { height, width } = typeof size === 'number' ? { height: size, width: size } : size;
  checkInteger('height', height, 1);
  checkInteger('width', width, 1);
  return { height, width };
}

/** How an image is brought to the size that is asked for. */
export interface DecodeOptions {
  /**
   * Turn the picture as its EXIF orientation says. For photos from files; the pixels of a data set were labelled as
   * they are stored, and tf.data doesn't turn them either.
   */
  readonly autoOrient?: boolean;
  /** Gives up on a picture that takes longer. */
  readonly maxSeconds?: number;
}

/** Pictures with more pixels are refused: a few bytes of PNG can unpack to gigabytes. */
export const MAX_PIXELS = 100_000_000;

const RGB = { format: jpegTurbo.FORMAT_RGB };

// Many pictures are decoded at a time, so that threads inside one and a cache of pipelines only cost.
sharp.concurrency(1);
sharp.cache(false);

/**
 * Decodes an encoded picture into `out`: RGB, one byte a channel, rows from the top; off the main thread.
 *
 * JPEG, PNG, WebP, GIF (first frame), TIFF and AVIF are read. Greyscale becomes RGB, CMYK goes through its profile, and
 * alpha is laid over black. A picture of another size is cropped at its centre to the aspect ratio of `size` and
 * resized with an antialiasing (Lanczos) filter.
 *
 * @throws DataError `BAD_IMAGE` where the bytes are no picture, a damaged one or one above 100 megapixels.
 */
export async function decodeImage(
  bytes: Buffer,
  size: ImageSize,
  out: Buffer,
  place: Place,
  options: DecodeOptions = {},
): Promise<void> {
  const header = readJpegHeader(bytes);
  if (header !== undefined && isPlain(header, size, options)) {
    try {
      const { width, height } = await jpegTurbo.decompress(bytes, out, RGB);
      if (width === size.width && height === size.height) return;
    } catch {
      // libjpeg-turbo also stops at warnings, such as stray bytes between markers. The general decoder knows better.
    }
  }
  if (!isPicture(bytes)) throw badImage(bytes, place);
  try {
    out.set(await decodeAny(bytes, size, options));
  } catch (cause) {
    throw badImage(bytes, place, cause);
  }
}

/** Height and width of an encoded picture as it is stored, without decoding its pixels. */
export async function readImageSize(bytes: Buffer, place: Place): Promise<ImageSize> {
  const header = readJpegHeader(bytes);
  if (header !== undefined) return { height: header.height, width: header.width };
  if (!isPicture(bytes)) throw badImage(bytes, place);
  try {
    const { height, width, pageHeight } = await sharp(bytes, { limitInputPixels: MAX_PIXELS }).metadata();
    return { height: pageHeight ?? height, width };
  } catch (cause) {
    throw badImage(bytes, place, cause);
  }
}

/** First bytes of the formats that are read; `.` is any byte. */
const SIGNATURES = [
  /^\xff\xd8\xff/,
  /^\x89PNG\r\n/,
  /^GIF8/,
  /^RIFF.{4}WEBP/s,
  /^II\*\0/,
  /^MM\0\*/,
  /^.{4}ftyp(avi|hei|mif)/s,
];

/** Keeps other formats, such as SVG and PDF, away from a library that would read them too. */
function isPicture(bytes: Buffer): boolean {
  const head = bytes.toString('latin1', 0, 16);
  return SIGNATURES.some((signature) => signature.test(head));
}

/** Whether libjpeg-turbo can write the picture straight to its place. */
function isPlain(header: JpegHeader, size: ImageSize, { autoOrient = false }: DecodeOptions): boolean {
  return (
    header.width === size.width &&
    header.height === size.height &&
    header.precision === 8 &&
    (header.components === 3 || header.components === 1) &&
    (!autoOrient || (header.orientation === 1 && !header.hasProfile))
  );
}

async function decodeAny(bytes: Buffer, size: ImageSize, options: DecodeOptions): Promise<Buffer> {
  const { autoOrient = false, maxSeconds = 0 } = options;
  // A data set's pixels are those that are stored, as libjpeg-turbo gives them where they need no resizing, and tf.data always; of a
  // photo its colour profile says what they mean.
  const ignoreIcc = !autoOrient && readJpegHeader(bytes)?.components !== 4;
  const pipeline = sharp(bytes, { failOn: 'truncated', limitInputPixels: MAX_PIXELS, autoOrient, ignoreIcc });
  const { data, info } = await pipeline
    .timeout({ seconds: maxSeconds })
    .flatten({ background: 'black' })
    .resize(size.width, size.height, { fit: 'cover', position: 'centre', kernel: 'lanczos3' })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  return info.channels === 1 ? spread(data) : data;
}

function spread(grey: Buffer): Buffer {
  const rgb = Buffer.allocUnsafe(grey.length * 3);
  for (let i = 0; i < grey.length; i++) rgb.fill(grey[i], 3 * i, 3 * i + 3);
  return rgb;
}

function badImage(bytes: Buffer, place: Place, cause?: unknown): DataError {
  const reason = cause instanceof Error ? cause.message.split('\n')[0] : 'unknown format';
  return new DataError('BAD_IMAGE', `no readable image in ${plural(bytes.length, 'byte')}: ${reason}`, {
    place,
    hint: 'JPEG, PNG, WebP, GIF, TIFF and AVIF are read; --bad-records skip leaves such records out',
    cause,
  });
}
