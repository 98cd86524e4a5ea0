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

const KERNELS = new Set(['kernel', 'depthwise_kernel', 'pointwise_kernel']);

/** First values of variable number `v` of a model. */
export function formulaVariable(v: number, path: string, shape: Shape, gain = 3): Float32Array {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const limit = Math.sqrt(gain / fanIn(name, shape));
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
  for (let i = 0; i < values.length; i++) {
    const u = formulaUniform(v, i);
    if (KERNELS.has(name)) values[i] = (2 * u - 1) * limit;
    else values[i] = name === 'gamma' || name === 'moving_variance' ? 0.5 + u : 0.2 * (u - 0.5);
  }
  return values;
}

/** Inputs of one unit of a kernel; a depthwise one [h, w, c, 1] has only its window's. */
function fanIn(name: string, shape: Shape): number {
  const depthwise = name === 'depthwise_kernel' || (shape.length === 4 && shape[3] === 1 && shape[2] > 1);
  return shape.slice(0, depthwise ? 2 : -1).reduce((product, size) => product * size, 1);
}

/** Pixels 0..255 of image number `n`. */
export function formulaImage(n: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Math.floor(256 * formulaUniform(1000 + n, i)));
}
