import jpegTurbo from '@julusian/jpeg-turbo';
import { Random } from '../../base/index.ts';
import type { Split } from '../locate.ts';
import { SPECIES } from './catalogue.ts';
import { drawFlower, type Difficulty, type Drawing } from './scene.ts';

/** Which picture of a drawn data set: everything its pixels depend on. */
export interface ImageKey {
  readonly seed: number;
  readonly split: Split;
  /** Number of the class, which is the species' place in the catalogue. */
  readonly label: number;
  readonly index: number;
  readonly size: number;
  readonly difficulty: Difficulty;
}

/** Draws one picture of a data set. It depends on no other picture, so any thread may draw it. */
export function drawImage({ seed, split, label, index, size, difficulty }: ImageKey): Drawing {
  return drawFlower(SPECIES[label], size, new Random(seed, 'draw', split, label, index), difficulty);
}

/** A drawing as the bytes of a JPEG file. */
export function encodeJpeg({ rgb, size, quality }: Drawing): Uint8Array {
  const pixels = Buffer.from(rgb.buffer, rgb.byteOffset, rgb.byteLength);
  return jpegTurbo.compressSync(pixels, {
    format: jpegTurbo.FORMAT_RGB,
    width: size,
    height: size,
    subsampling: jpegTurbo.SAMP_420,
    quality,
  });
}
