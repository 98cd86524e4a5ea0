import sharp from 'sharp';
import type { Place } from './data-error.ts';
import { decodeImage } from './decode.ts';
import { readJpegHeader } from './jpeg-header.ts';

/**
 * A picture as an upright square RGB JPEG file without a colour profile; bytes that are one of that size already come back as they are.
 *
 * Colour is stored at full resolution (4:4:4): at these sizes halving it shows.
 *
 * @throws DataError `BAD_IMAGE`.
 */
export async function toSquareJpeg(bytes: Buffer, side: number, quality: number, place: Place): Promise<Buffer> {
  const header = readJpegHeader(bytes);
  // Decoded in any case: a file that can't be read must not get into a data set.
  const pixels = Buffer.allocUnsafe(side * side * 3);
  await decodeImage(bytes, { height: side, width: side }, pixels, place, { autoOrient: true });
  const asItIs = header?.width === side && header.height === side && header.components === 3;
  if (asItIs && header.orientation === 1 && !header.hasProfile) return bytes;
  return sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .jpeg({ quality, chromaSubsampling: '4:4:4' })
    .toBuffer();
}
