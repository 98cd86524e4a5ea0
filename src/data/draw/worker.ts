import { drawImage, encodeJpeg, type ImageKey } from './image.ts';

/** What a thread of the pool does: draws pictures and returns them as JPEG files, in order. */
export default function draw(keys: readonly ImageKey[]): Uint8Array[] {
  return keys.map((key) => encodeJpeg(drawImage(key)));
}
