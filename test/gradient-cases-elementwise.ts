import * as x from '../src/xla/index.ts';
import type { BinaryOp, UnaryOp } from '../src/xla/ir.ts';
import type { GradientCase } from './finite-differences.ts';

const unary = (op: UnaryOp, f: (a: x.Tensor) => x.Tensor, range?: readonly [number, number]): GradientCase => ({
  op,
  name: `${op} [3,4]`,
  shapes: [[3, 4]],
  f,
  range,
});

const binary = (
  op: BinaryOp,
  f: (a: x.Operand, b: x.Operand) => x.Tensor,
  range?: readonly [number, number],
): GradientCase[] => [
  {
    op,
    name: `${op} of two tensors`,
    shapes: [
      [2, 3],
      [2, 3],
    ],
    f,
    range,
  },
  {
    op,
    name: `${op} with broadcast`,
    shapes: [
      [2, 1, 3],
      [4, 1],
    ],
    f,
    range,
  },
  { op, name: `${op} of a tensor and a number`, shapes: [[5]], f: (a) => f(a, 1.3), range },
  { op, name: `${op} of a number and a tensor`, shapes: [[5]], f: (a) => f(1.3, a), range },
  { op, name: `${op} of a tensor with itself`, shapes: [[5]], f: (a) => f(a, x.mul(a, 0.7)), range },
];

/** Slopes of a slope: the gradient of `f` weighted by itself, differentiated once more by the test. */
export const slopeOf =
  (f: (...inputs: x.Tensor[]) => x.Tensor, wrt = 0) =>
  (...inputs: x.Tensor[]): x.Tensor =>
    x.gradient(x.sum(x.square(f(...inputs))), [inputs[wrt]])[0];

const asFloat = (tensor: x.Tensor, like: x.Tensor) => x.convert(tensor, like.dtype);
const toInt = (a: x.Tensor) => x.convert(x.mul(a, 10), 'int32');

export const UNARY_CASES: GradientCase[] = [
  unary('negate', x.neg),
  unary('abs', x.abs),
  unary('sign', (a) => x.mul(x.sign(a), a)),
  unary('exp', x.exp),
  unary('expm1', x.expm1),
  unary('log', x.log, [0.3, 2]),
  unary('log1p', x.log1p, [-0.7, 2]),
  unary('sqrt', x.sqrt, [0.3, 2]),
  unary('rsqrt', x.rsqrt, [0.3, 2]),
  unary('tanh', x.tanh),
  unary('logistic', x.sigmoid),
  unary('sin', x.sin),
  unary('cos', x.cos),
  unary('floor', (a) => x.mul(x.floor(x.mul(a, 3)), a)),
  unary('ceil', (a) => x.mul(x.ceil(x.mul(a, 3)), a)),
  unary('round', (a) => x.mul(x.round(x.mul(a, 3)), a)),
  unary('not', (a) => x.where(x.not(x.greater(a, 0)), a, x.mul(a, 3))),
  { op: 'abs', name: 'abs at 0', shapes: [[2]], f: x.abs, values: [[0, 1]] },
  { op: 'tanh', name: 'tanh, second order', shapes: [[4]], f: slopeOf(x.tanh) },
  { op: 'exp', name: 'exp, second order', shapes: [[4]], f: slopeOf(x.exp) },
  { op: 'logistic', name: 'logistic, second order', shapes: [[4]], f: slopeOf(x.sigmoid) },
  { op: 'rsqrt', name: 'rsqrt, second order', shapes: [[4]], f: slopeOf(x.rsqrt), range: [0.5, 2] },
  { op: 'log', name: 'log, second order', shapes: [[4]], f: slopeOf(x.log), range: [0.5, 2] },
  {
    op: 'tanh',
    name: 'tanh, third order',
    shapes: [[3]],
    f: slopeOf(slopeOf(x.tanh)),
    range: [-0.8, 0.8],
  },
];

export const BINARY_CASES: GradientCase[] = [
  ...binary('add', x.add),
  ...binary('subtract', x.sub),
  ...binary('multiply', x.mul),
  ...binary('divide', x.div, [0.4, 2]),
  ...binary('maximum', x.maximum),
  ...binary('minimum', x.minimum),
  ...binary('power', x.pow, [0.4, 2]),
  ...binary('remainder', x.rem, [0.4, 3]),
  {
    op: 'remainder',
    name: 'remainder of both signs',
    shapes: [[4], [4]],
    f: x.rem,
    values: [
      [5.3, -5.3, 5.3, -5.3],
      [2.1, 2.1, -2.1, -2.1],
    ],
  },
  { op: 'power', name: 'square of negative numbers', shapes: [[4]], f: (a) => x.pow(a, 2), range: [-2, -0.5] },
  { op: 'power', name: 'exponent 0 at 0', shapes: [[1]], f: (a) => x.pow(a, 0), values: [[0]] },
  { op: 'power', name: 'cube at 0', shapes: [[1]], f: (a) => x.pow(a, 3), values: [[0]] },
  { op: 'maximum', name: 'maximum of equal numbers', shapes: [[2], [2]], f: x.maximum, values: [[1, 2], [1, 2]] }, // prettier-ignore
  { op: 'minimum', name: 'minimum of equal numbers', shapes: [[2], [2]], f: x.minimum, values: [[1, 2], [1, 2]] }, // prettier-ignore
  { op: 'multiply', name: 'multiply, second order', shapes: [[3], [3]], f: slopeOf(x.mul) },
  { op: 'divide', name: 'divide, second order', shapes: [[3], [3]], f: slopeOf(x.div, 1), range: [0.5, 2] },
  { op: 'power', name: 'power, second order', shapes: [[3]], f: slopeOf((a) => x.pow(a, 2.5)), range: [0.5, 2] },
  {
    op: 'and',
    name: 'a mask made with and',
    shapes: [[6]],
    f: (a) => x.mul(a, asFloat(x.and(x.greater(a, -1), x.less(a, 0.5)), a)),
  },
  {
    op: 'or',
    name: 'a mask made with or',
    shapes: [[6]],
    f: (a) => x.mul(a, asFloat(x.or(x.greater(a, 1), x.less(a, -0.5)), a)),
  },
  {
    op: 'xor',
    name: 'a mask made with xor',
    shapes: [[6]],
    f: (a) => x.mul(a, asFloat(x.xor(x.greater(a, 0), x.less(a, 0.5)), a)),
  },
  {
    op: 'shiftLeft',
    name: 'a shifted integer as a factor',
    shapes: [[6]],
    f: (a) => x.mul(a, asFloat(x.shiftLeft(toInt(a), 2), a)),
  },
  {
    op: 'shiftRightLogical',
    name: 'a shifted integer as a factor',
    shapes: [[6]],
    f: (a) => x.mul(a, asFloat(x.shiftRight(toInt(a), 2), a)),
    range: [0.5, 5],
  },
];

export const CHOICE_CASES: GradientCase[] = [
  { op: 'parameter', name: 'an input as it is', shapes: [[3]], f: (a) => a },
  { op: 'constant', name: 'a constant beside an input', shapes: [[3]], f: (a) => x.add(x.onesLike(a), x.square(a)) },
  { op: 'iota', name: 'an index as a factor', shapes: [[2, 3]], f: (a) => x.mul(a, x.iota(a.shape, a.dtype, 1)) },
  {
    op: 'replicaId',
    name: 'the replica as a factor',
    shapes: [[3]],
    f: (a) => x.mul(a, asFloat(x.add(x.replicaId(), 2), a)),
  },
  {
    op: 'compare',
    name: 'a comparison as a factor',
    shapes: [[6]],
    f: (a) => x.mul(a, asFloat(x.greaterEqual(a, 0.2), a)),
  },
  { op: 'isFinite', name: 'a test as a factor', shapes: [[4]], f: (a) => x.mul(a, asFloat(x.isFinite(a), a)) },
  {
    op: 'bitcast',
    name: 'the bits as a factor',
    shapes: [[4]],
    f: (a) =>
      x.mul(
        a,
        asFloat(
          x.shiftRight(x.bitcast(a, a.dtype === 'float64' ? 'uint64' : 'uint32'), a.dtype === 'float64' ? 62 : 30),
          a,
        ),
      ),
  },
  {
    op: 'select',
    name: 'where of two tensors',
    shapes: [
      [2, 3],
      [2, 3],
    ],
    f: (a, b) => x.where(x.greater(a, b), x.square(a), x.mul(b, 3)),
  },
  {
    op: 'select',
    name: 'where with a number and broadcast',
    shapes: [[2, 3], [3]],
    f: (a, b) => x.where(x.greater(a, 0), b, -1),
  },
  { op: 'select', name: 'clamp', shapes: [[8]], f: (a) => x.add(x.clamp(a, -0.5, 0.5), x.where(x.less(a, 0), a, 0)) },
  {
    op: 'convert',
    name: 'through float32 for the integer part',
    shapes: [[4]],
    f: (a) => x.mul(a, asFloat(x.convert(a, 'int32'), a)),
    range: [1.1, 1.9],
  },
  {
    op: 'argmax',
    name: 'the place of the greatest as a factor',
    shapes: [[3, 4]],
    f: (a) => x.mul(a, x.expandDims(asFloat(x.argmax(a, 1), a), 1)),
  },
  {
    op: 'barrier',
    name: 'two tensors through a barrier',
    shapes: [[3], [2]],
    f: (a, b) => {
      const [c, d] = x.optimizationBarrier([a, b]);
      return x.concatenate([x.square(c), x.exp(d)], 0);
    },
  },
  {
    op: 'barrier',
    name: 'one of two tensors used behind a barrier',
    shapes: [[3], [2]],
    f: (a, b) => x.square(x.optimizationBarrier([a, b])[1]),
  },
  {
    op: 'allReduce',
    name: 'a sum over one replica',
    shapes: [[3], [2]],
    f: (a, b) => {
      const [c, d] = x.allReduce([a, b]);
      return x.concatenate([x.square(c), x.exp(d)], 0);
    },
  },
  {
    op: 'stopGradient',
    name: 'a factor that counts as constant',
    shapes: [[3]],
    f: (a) => x.mul(x.stopGradient(a), a),
    truth: (a) => x.mul(x.constant(Float64Array.of(0.5, -1, 2), [3], 'float64'), a),
    values: [[0.5, -1, 2]],
  },
  { op: 'customGradient', name: 'relu', shapes: [[6]], f: x.relu },
  { op: 'customGradient', name: 'relu, second order', shapes: [[6]], f: slopeOf((a) => x.relu(x.mul(a, a))) },
  {
    op: 'customGradient',
    name: 'straight through a rounding',
    shapes: [[4]],
    f: (a) => x.customGradient([x.round(a)], [a], ([g]) => [x.mul(g, 3)])[0],
    truth: (a) => x.mul(a, 3),
  },
  {
    op: 'customGradient',
    name: 'two outputs, one input without gradient',
    shapes: [[3], [3]],
    f: (a, b) =>
      x.mul(
        ...(x.customGradient([x.add(a, b), x.exp(a)], [a, b], ([g, h]) => [
          x.add(g, x.mul(h, x.exp(a))),
          undefined,
        ]) as [x.Tensor, x.Tensor]),
      ),
    truth: (a, b) =>
      x.mul(x.add(a, x.constant(Float64Array.of(0.1, 0.2, 0.3), [3], 'float64')), x.add(x.exp(a), x.mul(b, 0))),
    values: [
      [1, -1, 0.5],
      [0.1, 0.2, 0.3],
    ],
  },
  { op: 'multiply', name: 'a tensor used three times', shapes: [[3]], f: (a) => x.add(x.mul(a, a), a) },
];
