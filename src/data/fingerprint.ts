/** A picture made small: what near-duplicates have in common. */
export interface Fingerprint {
  /** Signs of the low frequencies of its brightness, 64 bits in two numbers. */
  readonly high: number;
  readonly low: number;
  /** 16x16 pixels, RGB, with mean 0 and length 1. */
  readonly thumbnail: Float32Array;
}

const GRID = 32;
const FREQUENCIES = 8;
const THUMB = 16;

/** Cosines of the frequencies 1 to 8 over 32 points. */
const COSINES = Array.from({ length: FREQUENCIES }, (_, k) =>
  Float64Array.from({ length: GRID }, (__, x) => Math.cos((Math.PI * (k + 1) * (2 * x + 1)) / (2 * GRID))),
);

/**
 * The fingerprint of a picture: RGB, rows from the top.
 *
 * The bits are a perceptual hash: each low frequency of a 32x32 picture in grey, above their median or not. Scaling,
 * compression and small changes of colour move few of them. Two photos of like composition may share most bits too,
 * which is what the thumbnail is for.
 */
export function fingerprint(pixels: Uint8Array, height: number, width: number): Fingerprint {
  const grid = shrink(pixels, height, width, GRID);
  const grey = new Float64Array(GRID * GRID);
  for (let i = 0; i < grey.length; i++)
    grey[i] = 0.299 * grid[3 * i] + 0.587 * grid[3 * i + 1] + 0.114 * grid[3 * i + 2];
  const bits = signsOf(frequenciesOf(grey));
  return { ...bits, thumbnail: normalise(shrink(pixels, height, width, THUMB)) };
}

/** How many of the 64 bits differ. */
export function distance(a: Fingerprint, b: Fingerprint): number {
  return bitCount(a.high ^ b.high) + bitCount(a.low ^ b.low);
}

/** How alike the pixels are: 1 for the same picture, whatever its brightness and contrast; about 0 for unrelated ones. */
export function correlation(a: Fingerprint, b: Fingerprint): number {
  let sum = 0;
  for (let i = 0; i < a.thumbnail.length; i++) sum += a.thumbnail[i] * b.thumbnail[i];
  return sum;
}

/** Means of the pixels over a grid of `side` by `side` cells. */
function shrink(pixels: Uint8Array, height: number, width: number, side: number): Float64Array {
  const sums = new Float64Array(side * side * 3);
  const counts = new Float64Array(side * side);
  for (let y = 0; y < height; y++) {
    const row = Math.floor((y * side) / height) * side;
    for (let x = 0; x < width; x++) {
      const cell = row + Math.floor((x * side) / width);
      const at = 3 * (y * width + x);
      sums[3 * cell] += pixels[at];
      sums[3 * cell + 1] += pixels[at + 1];
      sums[3 * cell + 2] += pixels[at + 2];
      counts[cell]++;
    }
  }
  // A picture smaller than the grid leaves cells empty; they count as black in all pictures of that size.
  for (let i = 0; i < sums.length; i++) sums[i] /= Math.max(1, counts[Math.floor(i / 3)]);
  return sums;
}

/** The 64 lowest frequencies of the discrete cosine transform, without those that are constant along an axis. */
function frequenciesOf(grey: Float64Array): Float64Array {
  const rows = new Float64Array(GRID * FREQUENCIES);
  for (let y = 0; y < GRID; y++) {
    for (let k = 0; k < FREQUENCIES; k++) {
      for (let x = 0; x < GRID; x++) rows[y * FREQUENCIES + k] += grey[y * GRID + x] * COSINES[k][x];
    }
  }
  const found = new Float64Array(FREQUENCIES * FREQUENCIES);
  for (let j = 0; j < FREQUENCIES; j++) {
    for (let k = 0; k < FREQUENCIES; k++) {
      for (let y = 0; y < GRID; y++) found[j * FREQUENCIES + k] += rows[y * FREQUENCIES + k] * COSINES[j][y];
    }
  }
  return found;
}

function signsOf(values: Float64Array): { high: number; low: number } {
  const sorted = values.toSorted();
  const median = (sorted[31] + sorted[32]) / 2;
  let high = 0;
  let low = 0;
  for (let i = 0; i < 32; i++) {
    if (values[i] > median) high |= 1 << i;
    if (values[32 + i] > median) low |= 1 << i;
  }
  return { high, low };
}

function normalise(values: Float64Array): Float32Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const length = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0));
  // A picture of one colour is like no other.
  return Float32Array.from(values, (value) => (length < 1 ? 0 : (value - mean) / length));
}

function bitCount(bits: number): number {
  let n = bits - ((bits >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return (((n + (n >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}
