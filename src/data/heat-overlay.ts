import sharp from 'sharp';

/** Width of an overlay in pixels; browsers enlarge it smoothly. */
const SIDE = 56;
/** How much of the picture the strongest place hides. */
const OPACITY = 0.72;

/** Colours from the weakest to the strongest place: they differ in lightness too, for those who see few colours. */
const RAMP = [
  [60, 20, 110],
  [190, 50, 90],
  [250, 140, 40],
  [255, 235, 120],
] as const;

/** A map of places as a PNG to be laid over the picture it is about: clear where nothing is, bright where most is. */
export async function encodeHeat({
  height,
  width,
  values,
}: {
  readonly height: number;
  readonly width: number;
  readonly values: Float32Array;
}): Promise<Uint8Array> {
  const top = values.reduce((a, b) => Math.max(a, b), 0) || 1;
  const pixels = Buffer.alloc(height * width * 4);
  for (const [i, value] of values.entries()) {
    const strength = Math.max(0, value) / top;
    const at = strength * (RAMP.length - 1);
    const low = Math.min(RAMP.length - 2, Math.floor(at));
    for (let c = 0; c < 3; c++) {
      pixels[4 * i + c] = Math.round(RAMP[low][c] + (RAMP[low + 1][c] - RAMP[low][c]) * (at - low));
    }
    pixels[4 * i + 3] = Math.round(255 * OPACITY * Math.sqrt(strength));
  }
  return sharp(pixels, { raw: { height, width, channels: 4 } })
    .resize({ width: SIDE, height: Math.max(1, Math.round((SIDE * height) / width)), fit: 'fill', kernel: 'cubic' })
    .png()
    .toBuffer();
}
