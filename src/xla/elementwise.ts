import { full } from './creation.ts';
import { highest, isFloat, type DType } from './dtype.ts';
import { emit } from './emit.ts';
import { ShapeError } from './errors.ts';
import type { Backward, BinaryOp, CompareDirection, Tensor, UnaryOp } from './ir.ts';
import { broadcastShapes, sameShape, type Shape } from './shape.ts';

/** A tensor, or a number that takes the other operand's dtype. */
export type Operand = Tensor | number;

/** `x` with size-1 and missing leading dimensions repeated to fill `shape`. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const axes = x.shape.map((_, i) => i + shape.length - x.rank);
  return emit('broadcast', { shape, axes }, [x]);
}

function operands(op: string, a: Operand, b: Operand): [Tensor, Tensor] {
  if (typeof a === 'number' && typeof b === 'number') throw new ShapeError(`${op}: one operand must be a tensor`);
  const left = typeof a === 'number' ? full([], a, (b as Tensor).dtype) : a;
  const right = typeof b === 'number' ? full([], b, left.dtype) : b;
  const shape = broadcastShapes(op, left.shape, right.shape);
  return [broadcastTo(left, shape), broadcastTo(right, shape)];
}

const unary = (op: UnaryOp) => (x: Tensor) => emit(op, {}, [x]);
const binary = (op: BinaryOp) => (a: Operand, b: Operand) => emit(op, {}, operands(op, a, b));
const comparison = (direction: CompareDirection) => (a: Operand, b: Operand) =>
  emit('compare', { direction }, operands('compare', a, b));

/** `−x`. */
export const neg = unary('negate');
/** `|x|`. */
export const abs = unary('abs');
/** −1, 0 or 1. */
export const sign = unary('sign');
/** `e^x`. */
export const exp = unary('exp');
/** `e^x − 1`, exact near 0. */
export const expm1 = unary('expm1');
/** Natural logarithm; NaN below 0. */
export const log = unary('log');
/** `log(1 + x)`, exact near 0. */
export const log1p = unary('log1p');
/** Square root; NaN below 0. */
export const sqrt = unary('sqrt');
/** 1 / √x. */
export const rsqrt = unary('rsqrt');
/** Hyperbolic tangent. */
export const tanh = unary('tanh');
/** The logistic function 1 / (1 + e^−x). */
export const sigmoid = unary('logistic');
/** Sine of radians. */
export const sin = unary('sin');
/** Cosine of radians. */
export const cos = unary('cos');
/** The greatest whole number that is not above it. */
export const floor = unary('floor');
/** The least whole number that is not below it. */
export const ceil = unary('ceil');
/** To the nearest integer, ties to even. */
export const round = unary('round');
/** Logical for bools, bit by bit for integers. */
export const not = unary('not');

/** `a + b`, broadcast by NumPy’s rule, as all ops of two operands are. */
export const add = binary('add');
/** `a − b`. */
export const sub = binary('subtract');
/** `a · b`. */
export const mul = binary('multiply');
/** `a / b`; integers are cut off towards 0. */
export const div = binary('divide');
/** The greater of two; NaN where either is. */
export const maximum = binary('maximum');
/** The lesser of two; NaN where either is. */
export const minimum = binary('minimum');
/** `a^b`. */
export const pow = binary('power');
/** Remainder of a division, with the sign of the dividend. */
export const rem = binary('remainder');
/** Logical for bools, bit by bit for integers. */
export const and = binary('and');
/** Logical for bools, bit by bit for integers. */
export const or = binary('or');
/** Logical for bools, bit by bit for integers. */
export const xor = binary('xor');
/** Bits to the left; 0 by as many as there are, or more. */
export const shiftLeft = binary('shiftLeft');
/** Bits to the right, zeros coming in. */
export const shiftRight = binary('shiftRightLogical');

/** `a = b`, a bool for each element. */
export const equal = comparison('EQ');
/** `a ≠ b`. */
export const notEqual = comparison('NE');
/** `a < b`. */
export const less = comparison('LT');
/** `a ≤ b`. */
export const lessEqual = comparison('LE');
/** `a > b`. */
export const greater = comparison('GT');
/** `a ≥ b`. */
export const greaterEqual = comparison('GE');

/** `onTrue` where the condition holds, `onFalse` elsewhere; all three broadcast. */
export function where(condition: Tensor, onTrue: Operand, onFalse: Operand): Tensor {
  const [left, right] = operands('where', onTrue, onFalse);
  const shape = broadcastShapes('where', condition.shape, left.shape);
  return emit('select', {}, [broadcastTo(condition, shape), broadcastTo(left, shape), broadcastTo(right, shape)]);
}

/** False for NaN and infinities. */
export const isFinite = (x: Tensor): Tensor => emit('isFinite', {}, [x]);

/** `x` as another dtype; floats become integers by cutting the fraction. */
export function convert(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : emit('convert', { dtype }, [x]);
}

/** The same bits as another dtype of the same size. */
export const bitcast = (x: Tensor, dtype: DType): Tensor => emit('bitcast', { dtype }, [x]);

/** `x · x`. */
export const square = (x: Tensor): Tensor => mul(x, x);

/** max(x, 0), with gradient 0 at 0. */
export function relu(x: Tensor): Tensor {
  const output = maximum(x, 0);
  // From the output, so that the input need not be kept; maximum() itself would share the gradient at 0 between ties.
  const backward: Backward = ([gradient]) => [where(greater(output, 0), gradient, 0)];
  return emit('customGradient', { outputs: 1, backward }, [output, x]);
}

/** `x` held between two bounds. */
export const clamp = (x: Tensor, low: Operand, high: Operand): Tensor => minimum(maximum(x, low), high);

/** 1 at the label's place along a new last axis, 0 elsewhere; all 0 for a label outside the classes. */
export function oneHot(labels: Tensor, classes: number, dtype: DType): Tensor {
  if (isFloat(labels.dtype)) throw new ShapeError(`oneHot: labels are ${labels.dtype}, not integers`);
  const shape = [...labels.shape, classes];
  // A narrow integer type may not count up to the classes, and bools don't count.
  const isNarrow = labels.dtype === 'bool' || highest(labels.dtype) < classes - 1;
  const numbers = isNarrow ? convert(labels, 'int32') : labels;
  const index = emit('iota', { shape, dtype: numbers.dtype, axis: labels.rank }, []);
  const wide = emit('broadcast', { shape, axes: labels.shape.map((_, i) => i) }, [numbers]);
  return convert(equal(wide, index), dtype);
}
