import { convert, div, exp, isFinite, log, add, sub, where } from './elementwise.ts';
import { isFloat, sumType } from './dtype.ts';
import { emit } from './emit.ts';
import { requireDType } from './infer.ts';
import type { ReduceKind, Tensor } from './ir.ts';
import { elementCount, normalizeAxes, normalizeAxis } from './shape.ts';
import { reshape } from './structure.ts';

/** Which axes go; all of them by default. */
export interface ReduceOptions {
  /** Axes to reduce; all of them by default. */
  readonly axes?: readonly number[];
  /** Keeps the reduced axes with size 1. */
  readonly keepDims?: boolean;
}

function reduce(kind: ReduceKind, x: Tensor, { axes, keepDims = false }: ReduceOptions): Tensor {
  const normal = normalizeAxes(kind, axes, x.rank);
  const reduced = normal.length === 0 ? x : emit('reduce', { kind, axes: normal }, [x]);
  if (!keepDims) return reduced;
  return reshape(
    reduced,
    x.shape.map((size, i) => (normal.includes(i) ? 1 : size)),
  );
}

/** The sum of elements; 16-bit floats are summed in float32. */
export function sum(x: Tensor, options: ReduceOptions = {}): Tensor {
  return convert(reduce('sum', convert(x, sumType(x.dtype)), options), x.dtype);
}

/** The greatest element; gradients are shared equally between ties. */
export const max = (x: Tensor, options: ReduceOptions = {}): Tensor => reduce('max', x, options);
/** Least value over axes. */
export const min = (x: Tensor, options: ReduceOptions = {}): Tensor => reduce('min', x, options);
/** Whether all are true. */
export const all = (x: Tensor, options: ReduceOptions = {}): Tensor => reduce('and', x, options);
/** Whether any is true. */
export const any = (x: Tensor, options: ReduceOptions = {}): Tensor => reduce('or', x, options);

/** Mean over axes; of floats, which `convert` makes of integers. */
export function mean(x: Tensor, options: ReduceOptions = {}): Tensor {
  // A narrow integer type may hold neither the sum nor the number of elements.
  requireDType('mean', x, isFloat, 'a float');
  const axes = normalizeAxes('mean', options.axes, x.rank);
  const total = sum(convert(x, sumType(x.dtype)), options);
  return convert(div(total, elementCount(axes.map((axis) => x.shape[axis]))), x.dtype);
}

/** Index of the greatest element along an axis, the first one where several are equal; int32. */
export function argmax(x: Tensor, axis = -1): Tensor {
  return emit('argmax', { axis: normalizeAxis('argmax', axis, x.rank) }, [x]);
}

/** The greatest number along an axis, as a shift that the result doesn't depend on: no gradient flows through it. */
const peakOf = (x: Tensor, axis: number): Tensor =>
  emit('stopGradient', {}, [max(x, { axes: [axis], keepDims: true })]);

/** log Σ e^x along an axis, without overflow; keeps the axis with size 1. */
export function logSumExp(x: Tensor, axis = -1): Tensor {
  const greatest = peakOf(x, axis);
  // ∞ − ∞ is no number.
  const peak = where(isFinite(greatest), greatest, 0);
  return add(log(sum(exp(sub(x, peak)), { axes: [axis], keepDims: true })), peak);
}

/** Logarithm of the softmax along an axis, by which large values don’t overflow. */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  // Less the peak at once: x − logSumExp(x) would lose the digits that the peak takes up.
  const shifted = sub(x, peakOf(x, axis));
  return sub(shifted, log(sum(exp(shifted), { axes: [axis], keepDims: true })));
}

/** `e^x` over its sum along an axis. */
export const softmax = (x: Tensor, axis = -1): Tensor => exp(logSoftmax(x, axis));
