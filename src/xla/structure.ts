import { full } from './creation.ts';
import { emit } from './emit.ts';
import { ShapeError } from './errors.ts';
import type { GatherParams, Padding, Tensor } from './ir.ts';
import { elementCount, formatShape, normalizeAxes, normalizeAxis, sameShape, type Shape } from './shape.ts';

/** The same elements in another shape; one size may be −1, which takes what is left. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const known = elementCount(shape.filter((size) => size !== -1));
  const target = shape.map((size) => (size === -1 ? elementCount(x.shape) / known : size));
  if (!target.every(Number.isInteger))
    throw new ShapeError(`reshape: ${formatShape(x.shape)} doesn't divide into ${formatShape(shape)}`);
  return sameShape(target, x.shape) ? x : emit('reshape', { shape: target }, [x]);
}

/** Adds an axis of size 1. */
export function expandDims(x: Tensor, axis: number): Tensor {
  const at = normalizeAxis('expandDims', axis, x.rank + 1);
  return reshape(x, x.shape.toSpliced(at, 0, 1));
}

/** Axes in another order. */
export function transpose(x: Tensor, permutation: readonly number[]): Tensor {
  const same = permutation.length === x.rank && permutation.every((axis, i) => axis === i);
  return same ? x : emit('transpose', { permutation }, [x]);
}

/** Elements in reverse order along some axes. */
export function reverse(x: Tensor, axes: readonly number[]): Tensor {
  return axes.length === 0 ? x : emit('reverse', { axes: normalizeAxes('reverse', axes, x.rank) }, [x]);
}

/** Elements from `start` up to `limit` (excluded) by `strides` along every axis. */
export function slice(
  x: Tensor,
  start: readonly number[],
  limit: readonly number[],
  strides?: readonly number[],
): Tensor {
  const steps = strides ?? start.map(() => 1);
  const whole = start.length === x.rank && start.every((s, i) => s === 0 && limit[i] === x.shape[i] && steps[i] === 1);
  return whole ? x : emit('slice', { start, limit, strides: steps }, [x]);
}

/** Elements from `start` up to `limit` along one axis. */
export function sliceAxis(x: Tensor, axis: number, start: number, limit: number): Tensor {
  const at = normalizeAxis('sliceAxis', axis, x.rank);
  return slice(
    x,
    x.shape.map((_, i) => (i === at ? start : 0)),
    x.shape.map((size, i) => (i === at ? limit : size)),
  );
}

/** `x` with `value` around it; a negative padding cuts elements off; `interior` lays gaps between elements. */
export function pad(x: Tensor, padding: readonly Padding[], value = 0, interior?: readonly number[]): Tensor {
  const gaps = interior ?? padding.map(() => 0);
  const nothing = padding.every(([low, high], i) => low === 0 && high === 0 && gaps[i] === 0);
  if (nothing && padding.length === x.rank) return x;
  const params = { low: padding.map(([low]) => low), high: padding.map(([, high]) => high), interior: gaps };
  return emit('pad', params, [x, full([], value, x.dtype)]);
}

/** Tensors one after the other along an axis. */
export function concatenate(tensors: readonly Tensor[], axis: number): Tensor {
  if (tensors.length === 0) throw new ShapeError('concatenate: no tensors');
  if (tensors.length === 1) return tensors[0];
  return emit('concatenate', { axis: normalizeAxis('concatenate', axis, tensors[0].rank) }, tensors);
}

/** Tensors of one shape along a new axis. */
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  return concatenate(
    tensors.map((tensor) => expandDims(tensor, axis)),
    axis,
  );
}

/** A window of `sizes` from where the integer scalars `starts` say, moved inside where it would stick out. */
export function dynamicSlice(x: Tensor, starts: readonly Tensor[], sizes: readonly number[]): Tensor {
  return emit('dynamicSlice', { sizes }, [x, ...starts]);
}

/** `x` with `update` laid over it at the integer scalars `starts`. */
export function dynamicUpdateSlice(x: Tensor, update: Tensor, starts: readonly Tensor[]): Tensor {
  return emit('dynamicUpdateSlice', {}, [x, update, ...starts]);
}

/** Slices of `x` at `indices`, with the parameters of StableHLO's gather; indices are clamped. */
export function gather(x: Tensor, indices: Tensor, params: GatherParams): Tensor {
  return emit('gather', params, [x, indices]);
}

/** `x` with `updates` added where a gather with the same parameters would have taken them; out of bounds is left out. */
export function scatterAdd(x: Tensor, indices: Tensor, updates: Tensor, params: GatherParams): Tensor {
  return emit('scatterAdd', params, [x, indices, updates]);
}

/** Rows of `x` along its first axis: `[n, …]` and indices `[m]` give `[m, …]`. */
export function take(x: Tensor, indices: Tensor): Tensor {
  return gather(x, indices, {
    offsetDims: x.shape.slice(1).map((_, i) => i + indices.rank),
    collapsedSliceDims: [0],
    startIndexMap: [0],
    indexVectorDim: indices.rank,
    sliceSizes: [1, ...x.shape.slice(1)],
  });
}
