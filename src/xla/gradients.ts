import {
  abs,
  add,
  broadcastTo,
  cos,
  convert,
  div,
  equal,
  exp,
  floor,
  greater,
  log,
  mul,
  neg,
  pow,
  rsqrt,
  sign,
  sin,
  square,
  sub,
  where,
} from './elementwise.ts';
import { isFloat } from './dtype.ts';
import { emit, emitAll } from './emit.ts';
import { ShapeError } from './errors.ts';
import { requireCotangents, type GradientRule } from './gradient-rule.ts';
import { STRUCTURE_GRADIENTS } from './gradient-structure.ts';
import type { OpName, OpTable, Tensor, WindowParams } from './ir.ts';
import { sum } from './reduction.ts';
import { pad, reshape } from './structure.ts';

/** Gradient rule of every op: how the cotangents of its outputs become those of its inputs. */
export const GRADIENTS: { [K in OpName]: GradientRule<K> } = {
  ...STRUCTURE_GRADIENTS,

  parameter: 'zero',
  constant: 'zero',
  iota: 'zero',
  replicaId: 'zero',

  negate: ({ cotangents: [g] }) => [neg(g)],
  abs: ({ inputs: [x], cotangents: [g] }) => [mul(g, sign(x))],
  sign: 'zero',
  exp: ({ outputs: [y], cotangents: [g] }) => [mul(g, y)],
  expm1: ({ inputs: [x], cotangents: [g] }) => [mul(g, exp(x))],
  log: ({ inputs: [x], cotangents: [g] }) => [div(g, x)],
  log1p: ({ inputs: [x], cotangents: [g] }) => [div(g, add(x, 1))],
  sqrt: ({ outputs: [y], cotangents: [g] }) => [div(mul(g, 0.5), y)],
  rsqrt: ({ inputs: [x], cotangents: [g] }) => [mul(mul(g, -0.5), div(rsqrt(x), x))],
  tanh: ({ outputs: [y], cotangents: [g] }) => [mul(g, sub(1, square(y)))],
  logistic: ({ outputs: [y], cotangents: [g] }) => [mul(g, mul(y, sub(1, y)))],
  sin: ({ inputs: [x], cotangents: [g] }) => [mul(g, cos(x))],
  cos: ({ inputs: [x], cotangents: [g] }) => [neg(mul(g, sin(x)))],
  floor: 'zero',
  ceil: 'zero',
  round: 'zero',
  not: 'zero',

  add: ({ cotangents: [g] }) => [g, g],
  subtract: ({ cotangents: [g] }) => [g, neg(g)],
  multiply: ({ inputs: [a, b], cotangents: [g] }) => [mul(g, b), mul(g, a)],
  divide: ({ inputs: [, b], outputs: [y], cotangents: [g] }) => [div(g, b), neg(div(mul(g, y), b))],
  maximum: ({ inputs: [a, b], cotangents: [g] }) => chosen(g, greater(a, b), equal(a, b)),
  minimum: ({ inputs: [a, b], cotangents: [g] }) => chosen(g, greater(b, a), equal(a, b)),
  power: ({ inputs: [a, b], outputs: [y], cotangents: [g] }) => [
    // Without a slope for an exponent of 0, which 0 · a^−1 has not at a = 0.
    mul(g, mul(b, pow(a, where(equal(b, 0), 1, sub(b, 1))))),
    // log of a base ≤ 0 is taken as 0, as the power is not differentiable in the exponent there.
    mul(g, mul(y, log(where(greater(a, 0), a, 1)))),
  ],
  remainder({ inputs: [a, b], cotangents: [g] }) {
    const quotient = div(a, b);
    return [g, neg(mul(g, mul(sign(quotient), floor(abs(quotient)))))];
  },
  and: 'zero',
  or: 'zero',
  xor: 'zero',
  shiftLeft: 'zero',
  shiftRightLogical: 'zero',

  compare: 'zero',
  select: ({ inputs: [condition], cotangents: [g] }) => [undefined, where(condition, g, 0), where(condition, 0, g)],
  isFinite: 'zero',
  convert: ({ inputs: [x], cotangents: [g] }) => [isFloat(x.dtype) ? convert(g, x.dtype) : undefined],
  bitcast: 'zero',

  // The three convolution ops are the three bilinear maps of one form in (input, kernel, output): their gradients are
  // each other, to any order.
  conv: ({ params, inputs: [x, kernel], cotangents: [g] }) => [
    emit('convInputGradient', { ...params, inputShape: x.shape }, [g, kernel]),
    emit('convKernelGradient', { ...params, kernelShape: kernel.shape }, [x, g]),
  ],
  convInputGradient: ({ params, inputs: [gradient, kernel], cotangents: [g] }) => [
    emit('conv', convParams(params), [g, kernel]),
    emit('convKernelGradient', { ...convParams(params), kernelShape: kernel.shape }, [g, gradient]),
  ],
  convKernelGradient: ({ params, inputs: [x, gradient], cotangents: [g] }) => [
    emit('convInputGradient', { ...convParams(params), inputShape: x.shape }, [gradient, g]),
    emit('conv', convParams(params), [x, g]),
  ],

  reduce({ params: { kind, axes }, inputs: [x], outputs: [y], cotangents: [g] }) {
    const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
    const wide = (tensor: Tensor) => broadcastTo(reshape(tensor, kept), x.shape);
    switch (kind) {
      case 'sum':
        return [wide(g)];
      case 'max':
      case 'min': {
        const ties = convert(equal(x, wide(y)), x.dtype);
        return [mul(ties, wide(div(g, sum(ties, { axes }))))];
      }
      case 'and':
      case 'or':
        return [undefined];
      default:
        return kind satisfies never;
    }
  },
  argmax: 'zero',
  windowSum: ({ params, inputs: [x], cotangents: [g] }) => [spreadWindows(params, x, g)],
  windowMax: ({ params, inputs: [x], cotangents: [g] }) => [emit('windowMaxGradient', params, [x, g])],
  windowMaxGradient: 'unsupported',

  allReduce({ params: { kind }, cotangents }) {
    if (kind !== 'sum') throw new ShapeError(`allReduce: no gradient of the ${kind} over replicas`);
    return emitAll('allReduce', { kind }, cotangents);
  },
  call: 'unsupported',
  while: 'unsupported',
  barrier: ({ cotangents }) => cotangents,
  stopGradient: 'zero',
  customGradient({ params: { outputs, backward }, inputs, cotangents }) {
    const flowing = backward(cotangents);
    requireCotangents('customGradient', flowing, inputs.slice(outputs));
    return [...Array.from({ length: outputs }, () => undefined), ...flowing];
  },
};

function chosen(g: Tensor, first: Tensor, tie: Tensor): [Tensor, Tensor] {
  const share = where(tie, mul(g, 0.5), where(first, g, 0));
  return [share, sub(g, share)];
}

const convParams = ({ strides, padding, dilation, groups }: OpTable['conv']): OpTable['conv'] => ({
  strides,
  padding,
  dilation,
  groups,
});

/** Adds to every element the cotangents of the windows that it was in. */
function spreadWindows({ window, strides, padding }: WindowParams, x: Tensor, g: Tensor): Tensor {
  const edges = x.shape.map((size, i) => {
    const low = window[i] - 1 - padding[i][0];
    const spread = (g.shape[i] - 1) * strides[i] + 1;
    return [low, size + window[i] - 1 - spread - low] as const;
  });
  const gaps = strides.map((stride) => stride - 1);
  const none = x.shape.map(() => [0, 0] as const);
  return emit('windowSum', { window, strides: x.shape.map(() => 1), padding: none }, [pad(g, edges, 0, gaps)]);
}
