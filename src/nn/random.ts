import { UsageError } from '../base/index.ts';
import {
  add,
  bitcast,
  broadcastTo,
  concatenate,
  div,
  elementCount,
  iota,
  less,
  or,
  reshape,
  shiftRight,
  sliceAxis,
  sub,
  threefry,
  where,
  type Shape,
  type Tensor,
} from '../xla/index.ts';
import type { Scope } from './scope.ts';

/**
 * Uniform floats in [0, 1) of shape [batch, …rest] that depend on the key and on each example's index in the global
 * batch: any number of replicas draws the same numbers for the same example.
 */
export function uniformPerExample(key: Tensor, firstExample: Tensor, batch: number, rest: Shape): Tensor {
  const count = elementCount(rest);
  const half = Math.ceil(count / 2);
  const example = broadcastTo(reshape(add(iota([batch], 'uint32'), firstExample), [batch, 1]), [batch, half]);
  const [x, y] = threefry(key, example, iota([batch, half], 'uint32', 1));
  const bits = sliceAxis(concatenate([x, y], 1), 1, 0, count);
  // 23 random bits as the fraction of a float in [1, 2).
  const unit = sub(bitcast(or(shiftRight(bits, 9), 0x3f800000), 'float32'), 1);
  return reshape(unit, [batch, ...rest]);
}

/** Sets a share of the elements to 0 and scales the others up (Srivastava et al. 2014); does nothing outside training. */
export function dropout(scope: Scope, x: Tensor, rate: number): Tensor {
  return drop(scope, x, rate, x.shape.slice(1));
}

/** Drops whole examples of a residual branch (stochastic depth, Huang et al. 2016). */
export function dropPath(scope: Scope, x: Tensor, rate: number): Tensor {
  return drop(
    scope,
    x,
    rate,
    x.shape.slice(1).map(() => 1),
  );
}

function drop(scope: Scope, x: Tensor, rate: number, noise: Shape): Tensor {
  // All of them would leave 0 / 0, and NaN for a gradient.
  if (!(rate >= 0 && rate < 1)) {
    throw new UsageError('NETWORK', `there is no dropping a share of ${rate}`, { expected: 'from 0 to below 1' });
  }
  if (!scope.drops || rate === 0) return x;
  const { key, firstExample } = scope.random();
  const keep = less(uniformPerExample(key, firstExample, x.shape[0], noise), 1 - rate);
  return where(broadcastTo(keep, x.shape), div(x, 1 - rate), 0);
}
