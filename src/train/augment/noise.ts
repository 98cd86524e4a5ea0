import { uniformPerExample } from '../../nn/index.ts';
import {
  add,
  concatenate,
  cos,
  elementCount,
  log,
  mul,
  neg,
  reshape,
  sin,
  sliceAxis,
  sqrt,
  sub,
  type Tensor,
} from '../../xla/index.ts';
import { perImage } from './draws.ts';

/** Numbers from the normal distribution with mean 0 and deviation 1, [batch, …rest], by Box and Muller's method. */
export function normalPerExample(key: Tensor, firstExample: Tensor, shape: readonly number[]): Tensor {
  const [batch, ...rest] = shape;
  const count = elementCount(rest);
  const half = Math.ceil(count / 2);
  const unit = uniformPerExample(key, firstExample, batch, [2 * half]);
  const radius = sqrt(neg(mul(log(sub(1, sliceAxis(unit, 1, 0, half))), 2)));
  const angle = mul(sliceAxis(unit, 1, half, 2 * half), 2 * Math.PI);
  const all = concatenate([mul(radius, cos(angle)), mul(radius, sin(angle))], 1);
  return reshape(sliceAxis(all, 1, 0, count), shape);
}

/** Images with normal noise of deviation `strength` [N], in values of 0..255; not clamped. */
export function addNoise(images: Tensor, strength: Tensor, normal: Tensor): Tensor {
  return add(images, mul(normal, perImage(strength)));
}
