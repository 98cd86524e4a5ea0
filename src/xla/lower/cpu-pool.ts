import { full, iota } from '../creation.ts';
import { add, broadcastTo, equal, greater, maximum, mul, where } from '../elementwise.ts';
import { optimizationBarrier } from '../control.ts';
import { lowest, lowestFinite } from '../dtype.ts';
import { inferWindow } from '../infer-window.ts';
import type { Tensor, WindowParams } from '../ir.ts';
import { pad, reshape, slice } from '../structure.ts';
import type { Rewrite } from './rewrite.ts';

/** Largest window that is taken apart into slices. */
const MAX_TAPS = 32;

/**
 * Max pooling's gradient through the index of the winner in each window, the first one where several are equal: the plain op takes the
 * first by the order in which XLA has laid out the axes.
 *
 * XLA's select-and-scatter visits every window by scalar code: 200 ms for 2x2 windows of [32, 96, 96, 24], this 8 ms.
 */
export const windowMaxGradientByIndex: Rewrite<'windowMaxGradient'> = (params, [x, gradient]) => {
  const { window, strides, padding } = params;
  const taps = offsets(window);
  if (taps.length > MAX_TAPS) return undefined;
  const winner = winnerIndex(params, x, taps);
  const apart =
    window.every((size, axis) => size === strides[axis]) && padding.every(([low, high]) => low === 0 && high === 0);
  const covered = x.shape.every((size, axis) => size % window[axis] === 0);
  return [
    apart && covered ? spreadApart(params, x, winner, gradient) : spreadOverlapping(params, x, winner, gradient, taps),
  ];
};

/** Positions inside a window in row-major order. */
function offsets(window: readonly number[]): number[][] {
  return window.reduce<number[][]>(
    (all, size) => all.flatMap((at) => Array.from({ length: size }, (_, i) => [...at, i])),
    [[]],
  );
}

/** Number of the tap that has each window's greatest element; int32, of the output's shape. */
function winnerIndex(params: WindowParams, x: Tensor, taps: readonly number[][]): Tensor {
  const { strides, padding } = params;
  const { shape } = inferWindow('windowMax', params, x);
  const hasBorder = padding.some(([low, high]) => low > 0 || high > 0);
  // A place that is there wins over the border even where it is −∞.
  const padded = pad(hasBorder ? maximum(x, lowestFinite(x.dtype)) : x, padding, lowest(x.dtype));
  const take = (tap: readonly number[]) =>
    slice(
      padded,
      tap,
      tap.map((start, axis) => start + (shape[axis] - 1) * strides[axis] + 1),
      strides,
    );
  let best = take(taps[0]);
  let winner = full(shape, 0, 'int32');
  for (const [i, tap] of taps.entries()) {
    if (i === 0) continue;
    const value = take(tap);
    const wins = greater(value, best);
    best = where(wins, value, best);
    winner = where(wins, i, winner);
  }
  return winner;
}

/** Windows side by side: every element looks up its window's winner. */
function spreadApart({ window }: WindowParams, x: Tensor, winner: Tensor, gradient: Tensor): Tensor {
  // Each axis as (windows, place in the window).
  const wide = x.shape.flatMap((size, axis) => [size / window[axis], window[axis]]);
  const upsample = (tensor: Tensor) =>
    broadcastTo(
      reshape(
        tensor,
        tensor.shape.flatMap((size) => [size, 1]),
      ),
      wide,
    );
  let tap = full(wide, 0, 'int32');
  for (const [axis, size] of window.entries()) {
    if (size > 1) tap = add(mul(tap, size), iota(wide, 'int32', 2 * axis + 1));
  }
  return reshape(where(equal(tap, upsample(winner)), upsample(gradient), 0), x.shape);
}

/** Windows that overlap: one tap after the other lays its share into the input's grid. */
function spreadOverlapping(
  params: WindowParams,
  x: Tensor,
  winner: Tensor,
  gradient: Tensor,
  taps: readonly number[][],
): Tensor {
  const { strides, padding } = params;
  // Without the barrier XLA computes what leads to the gradient again for every tap: 97 ms of a step of DenseNet121.
  const [index, slope] = optimizationBarrier([winner, gradient]);
  const gaps = strides.map((stride) => stride - 1);
  return taps
    .map((tap, i) => {
      const edges = x.shape.map((size, axis) => {
        const low = tap[axis] - padding[axis][0];
        const spread = (gradient.shape[axis] - 1) * strides[axis] + 1;
        return [low, size - spread - low] as const;
      });
      return pad(where(equal(index, i), slope, 0), edges, 0, gaps);
    })
    .reduce((a, b) => add(a, b));
}
