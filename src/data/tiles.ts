import sharp from 'sharp';

/** Pictures of one size in rows and columns. */
export interface Tiles {
  /** RGB pictures one after the other, [count, side, side, 3]. */
  readonly pixels: Uint8Array;
  readonly side: number;
  readonly columns: number;
}

/** Gap between two pictures in pixels. */
const GAP = 4;

/** Pictures side by side in rows, as the bytes of a PNG file, or of a JPEG at most `width` pixels wide. */
export async function encodeTiles({ pixels, side, columns }: Tiles, jpegWidth?: number): Promise<Uint8Array> {
  const count = pixels.length / (side * side * 3);
  const pitch = side + GAP;
  const [width, height] = [columns * pitch - GAP, Math.ceil(count / columns) * pitch - GAP];
  const sheet = Buffer.alloc(width * height * 3, 255);
  for (let n = 0; n < count; n++) {
    const [left, top] = [(n % columns) * pitch, Math.floor(n / columns) * pitch];
    for (let y = 0; y < side; y++) {
      const from = (n * side + y) * side * 3;
      sheet.set(pixels.subarray(from, from + side * 3), ((top + y) * width + left) * 3);
    }
  }
  const image = sharp(sheet, { raw: { width, height, channels: 3 } });
  if (jpegWidth === undefined) return image.png().toBuffer();
  return image.resize({ width: jpegWidth, withoutEnlargement: true }).jpeg({ quality: 80 }).toBuffer();
}
