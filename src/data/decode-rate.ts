import { availableParallelism } from 'node:os';
import { encodeJpeg } from './draw/image.ts';
import { Random } from '../base/index.ts';
import { decodeImage } from './decode.ts';

/** Pictures that are decoded at a time for each core, so that none waits for the next one. */
const AHEAD = 2;

/**
 * Pictures a second that one core of this machine decodes to `size` pixels square, measured for about `seconds`.
 *
 * The picture is a drawn one with a photo's grain: a JPEG's decoding time goes by its bytes.
 */
export async function decodeRate(size: number, seconds = 0.5): Promise<number> {
  const random = new Random(0, 'decode rate');
  const rgb = Uint8Array.from({ length: size * size * 3 }, (_, i) => {
    const column = Math.floor(i / 3) % size;
    const slope = 127 + 100 * Math.sin((column / size) * 12 + (i % 3));
    return Math.max(0, Math.min(255, slope + 12 * random.normal()));
  });
  const image = Buffer.from(encodeJpeg({ rgb, size, quality: 90 }));
  const cores = availableParallelism();
  const started = performance.now();
  let count = 0;
  const decodeOn = async () => {
    const out = Buffer.allocUnsafe(size * size * 3);
    while (performance.now() - started < seconds * 1000) {
      await decodeImage(image, { height: size, width: size }, out, { file: 'the measured picture' });
      count++;
    }
  };
  await Promise.all(Array.from({ length: cores * AHEAD }, decodeOn));
  return count / ((performance.now() - started) / 1000) / cores;
}
