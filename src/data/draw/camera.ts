import type { Random } from '../../base/index.ts';
import { jitter } from './chance.ts';

/** What a camera does to a scene. */
export interface Exposure {
  /** Factors of red, green and blue. */
  readonly whiteBalance: readonly [number, number, number];
  /** In stops. */
  readonly brightness: number;
  /** 1 leaves it as it is. */
  readonly contrast: number;
  /** How much darker the corners are: 0 to 1. */
  readonly vignette: number;
  /** Standard deviation of the sensor's noise at mid grey, in grey levels. */
  readonly noise: number;
  /** Of the JPEG file: 1 to 100. */
  readonly quality: number;
}

/** An exposure; `roughness` 1 is daylight and a good camera, 2 whatever people upload. */
export function randomExposure(random: Random, roughness: number): Exposure {
  const warmth = jitter(random, 0.09 * roughness);
  const green = jitter(random, 0.025 * roughness);
  return {
    whiteBalance: [1 + warmth, 1 + green, 1 - warmth],
    brightness: 0.16 + jitter(random, 0.28 * roughness),
    contrast: 1.1 + jitter(random, 0.13 * roughness),
    vignette: Math.max(0, random.uniform(-0.15, 0.38)),
    noise: Math.abs(jitter(random, 5 * roughness)),
    quality: Math.round(random.uniform(92 - 14 * roughness, 96)),
  };
}

const NOISE_BITS = 13;
let noiseTable: Float32Array | undefined;

/** Normal deviates from a fixed table: a picture needs a hundred thousand, and draws only where to begin. */
function gaussianTable(): Float32Array {
  if (noiseTable !== undefined) return noiseTable;
  noiseTable = new Float32Array(1 << NOISE_BITS);
  let state = 0x9e3779b9;
  for (let i = 0; i < noiseTable.length; i++) {
    let sum = 0;
    for (let k = 0; k < 6; k++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      sum += state / 2 ** 32;
    }
    noiseTable[i] = (sum - 3) * Math.SQRT2; // the sum of six uniforms has variance 1/2
  }
  return noiseTable;
}

/** Takes the picture: RGBA pixels of a square canvas to RGB ones, 3 bytes a pixel. */
export function expose(rgba: Uint8Array, size: number, exposure: Exposure, random: Random): Uint8Array {
  const rgb = new Uint8Array(size * size * 3);
  const [red, green, blue] = exposure.whiteBalance.map((gain) =>
    toneCurve(gain * 2 ** exposure.brightness, exposure.contrast),
  );
  const deviates = gaussianTable();
  const mask = deviates.length - 1;
  let state = random.uint32() | 1;
  const { noise, vignette } = exposure;
  const centre = (size - 1) / 2;
  const falloff = vignette / (2 * centre * centre);
  let from = 0;
  let to = 0;
  for (let y = 0; y < size; y++) {
    const dy = (y - centre) * (y - centre);
    for (let x = 0; x < size; x++) {
      const gain = 1 - falloff * (dy + (x - centre) * (x - centre));
      // xorshift32: one draw gives the noise of the three channels.
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      rgb[to] = clamp(red[rgba[from]] * gain + deviates[state & mask] * noise);
      rgb[to + 1] = clamp(green[rgba[from + 1]] * gain + deviates[(state >>> 9) & mask] * noise);
      rgb[to + 2] = clamp(blue[rgba[from + 2]] * gain + deviates[(state >>> 18) & mask] * noise);
      from += 4;
      to += 3;
    }
  }
  return rgb;
}

function clamp(value: number): number {
  return value < 0 ? 0 : value > 254.5 ? 255 : (value + 0.5) | 0;
}

/** A table of 256 output levels: gain in linear light, then contrast about mid grey, with a soft shoulder. */
function toneCurve(gain: number, contrast: number): Float32Array {
  return Float32Array.from({ length: 256 }, (_, level) => {
    const linear = (level / 255) ** 2.2 * gain;
    // Bright light rolls off instead of clipping.
    const rolled = linear < 0.8 ? linear : 0.8 + 0.2 * (1 - Math.exp(-(linear - 0.8) / 0.2));
    const value = 0.5 + (rolled ** (1 / 2.2) - 0.5) * contrast;
    return Math.min(255, Math.max(0, value * 255));
  });
}
