import { add, convert, mean, mul, rsqrt, square, sub, type Tensor } from '../xla/index.ts';
import { ones, zeros } from './initializer.ts';
import type { Scope } from './scope.ts';

/**
 * Layer normalisation over the last axis (Ba et al. 2016), with variables `gamma` and `beta`, each [C].
 *
 * Mean and biased variance are taken in float32, or in float64 for a network that computes in it.
 */
export function layerNorm(scope: Scope, x: Tensor, { epsilon = 1e-3 }: { readonly epsilon?: number } = {}): Tensor {
  const shape = [x.shape[x.rank - 1]];
  const dtype = x.dtype === 'float64' ? 'float64' : 'float32';
  const gamma = convert(scope.variable('gamma', shape, 'scale', ones), dtype);
  const beta = convert(scope.variable('beta', shape, 'bias', zeros), dtype);
  const channels = { axes: [-1], keepDims: true };
  const wide = convert(x, dtype);
  const centred = sub(wide, mean(wide, channels));
  const inverse = rsqrt(add(mean(square(centred), channels), epsilon));
  return convert(add(mul(mul(centred, inverse), gamma), beta), x.dtype);
}
