import type { Shape } from '../src/xla/index.ts';

// First values and images by a formula, so that a reference in another language needs no stored weights.

/** The finalizer of MurmurHash3 on unsigned 32-bit integers. */
function hash32(value: number): number {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** Element `i` of stream `v`, in [0, 1). */
export function formulaUniform(v: number, i: number): number {
  return hash32(i + Math.imul(0x9e3779b9, v + 1)) / 2 ** 32;
}

/** First values of variable number `v` of a model. */
export function formulaVariable(v: number, path: string, shape: Shape, gain = 3): Float32Array {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const fanIn = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  const count = shape.reduce((product, size) => product * size, 1);
  return Float32Array.from({ length: count }, (_, i) => {
    const u = formulaUniform(v, i);
    if (name === 'kernel') return (2 * u - 1) * Math.sqrt(gain / fanIn);
    return name === 'gamma' || name === 'moving_variance' ? 0.5 + u : 0.2 * (u - 0.5);
  });
}

/** Pixels 0..255 of image number `n`. */
export function formulaImage(n: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Math.floor(256 * formulaUniform(1000 + n, i)));
}
