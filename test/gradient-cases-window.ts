import { emit } from '../src/xla/emit.ts';
import * as x from '../src/xla/index.ts';
import type { ConvParams, WindowParams } from '../src/xla/ir.ts';
import { convShape } from '../src/xla/infer-window.ts';
import type { GradientCase } from './finite-differences.ts';
import { slopeOf } from './gradient-cases-elementwise.ts';

const PLAIN: ConvParams = { strides: [1, 1], padding: [[0, 0], [0, 0]], dilation: [1, 1], groups: 1 }; // prettier-ignore

/** Convolutions of every kind that an architecture uses, and the corners where padding formulas go wrong. */
export const CONVOLUTIONS: readonly {
  readonly name: string;
  readonly input: x.Shape;
  readonly kernel: x.Shape;
  readonly params: ConvParams;
}[] = (
  [
    ['1×1', [2, 3, 3, 2], [1, 1, 2, 3], {}],
    ['1×1, stride 2', [2, 4, 3, 2], [1, 1, 2, 3], { strides: [2, 2] }],
    ['3×3, same', [2, 4, 4, 2], [3, 3, 2, 2], { padding: [[1, 1], [1, 1]] }],
    ['3×3, stride 2, padding only at the end', [1, 6, 6, 2], [3, 3, 2, 2], { strides: [2, 2], padding: [[0, 1], [0, 1]] }],
    ['3×3, stride 2, an edge that no window reaches', [1, 6, 6, 1], [3, 3, 1, 2], { strides: [2, 2] }],
    ['3×2, strides 3 and 2, uneven padding', [1, 8, 5, 2], [3, 2, 2, 2], { strides: [3, 2], padding: [[2, 1], [0, 3]] }],
    ['2×2, stride 3: gaps between windows', [1, 7, 8, 1], [2, 2, 1, 2], { strides: [3, 3] }],
    ['3×3, dilation 2', [1, 6, 7, 2], [3, 3, 2, 1], { dilation: [2, 2], padding: [[2, 2], [1, 2]] }],
    ['3×2, dilations 1 and 3, strides 2 and 1', [1, 6, 6, 1], [3, 2, 1, 2], { dilation: [1, 3], strides: [2, 1], padding: [[1, 0], [0, 1]] }],
    ['padding wider than the kernel', [1, 3, 3, 1], [2, 2, 1, 2], { padding: [[3, 2], [2, 3]] }],
    ['negative padding', [1, 6, 6, 2], [2, 3, 2, 2], { padding: [[-1, 0], [1, -2]] }],
    ['negative padding, stride 2', [1, 7, 7, 1], [3, 3, 1, 2], { strides: [2, 2], padding: [[-1, -1], [-2, 1]] }],
    ['two groups', [2, 3, 3, 4], [2, 2, 2, 6], { groups: 2 }],
    ['two groups, stride 2, dilation 2', [2, 6, 6, 4], [2, 2, 2, 4], { groups: 2, strides: [2, 2], dilation: [2, 2], padding: [[1, 0], [0, 1]] }],
    ['depthwise', [2, 4, 4, 3], [3, 3, 1, 3], { groups: 3, padding: [[1, 1], [1, 1]] }],
    ['depthwise, stride 2', [2, 5, 5, 3], [3, 3, 1, 3], { groups: 3, strides: [2, 2], padding: [[1, 1], [1, 1]] }],
    ['depthwise, two outputs a channel', [2, 4, 4, 2], [3, 3, 1, 4], { groups: 2, padding: [[1, 1], [0, 1]] }],
    ['one spatial axis', [2, 6, 2], [3, 2, 3], { strides: [2], padding: [[1, 1]], dilation: [1] }],
  ] as [string, x.Shape, x.Shape, Partial<ConvParams>][]
).map(([name, input, kernel, params]) => ({ name, input, kernel, params: { ...PLAIN, ...params } })); // prettier-ignore

/** The gradients' own rules are the same formulas again, so the hardest parameters have to do. */
const HARDEST = new Set([
  '3×2, strides 3 and 2, uneven padding',
  '3×2, dilations 1 and 3, strides 2 and 1',
  'negative padding, stride 2',
  'two groups, stride 2, dilation 2',
  'depthwise, two outputs a channel',
]);

export const CONV_CASES: GradientCase[] = CONVOLUTIONS.flatMap(({ name, input, kernel, params }) => {
  const output = convShape('conv', params, input, kernel);
  const cases: GradientCase[] = [
    { op: 'conv', name, shapes: [input, kernel], f: (a, b) => emit('conv', params, [a, b]) },
  ];
  if (!HARDEST.has(name)) return cases;
  return [
    ...cases,
    {
      op: 'convInputGradient',
      name,
      shapes: [output, kernel],
      f: (g, b) => emit('convInputGradient', { ...params, inputShape: input }, [g, b]),
    },
    {
      op: 'convKernelGradient',
      name,
      shapes: [input, output],
      f: (a, g) => emit('convKernelGradient', { ...params, kernelShape: kernel }, [a, g]),
    },
  ];
});

const twice = (name: string, wrt: number): GradientCase => {
  const convolution = CONVOLUTIONS.find((one) => one.name === name);
  if (convolution === undefined) throw new Error(`no convolution "${name}"`);
  const { input, kernel, params } = convolution;
  const f = slopeOf((a, b) => emit('conv', params, [x.tanh(a), b]), wrt);
  return { op: 'conv', name: `${name}, second order, operand ${wrt}`, shapes: [input, kernel], f };
};

export const SECOND_ORDER_CONV_CASES: GradientCase[] = [
  twice('3×3, stride 2, padding only at the end', 0),
  twice('3×3, stride 2, padding only at the end', 1),
  twice('depthwise, two outputs a channel', 0),
  twice('depthwise, two outputs a channel', 1),
];

const windows = (
  op: 'windowSum' | 'windowMax',
  name: string,
  shape: x.Shape,
  params: Partial<WindowParams> & Pick<WindowParams, 'window'>,
): GradientCase => {
  const whole = { strides: shape.map(() => 1), padding: shape.map(() => [0, 0] as const), ...params };
  return { op, name, shapes: [shape], f: (a) => emit(op, whole, [op === 'windowSum' ? x.square(a) : a]) };
};

export const WINDOW_CASES: GradientCase[] = (['windowSum', 'windowMax'] as const).flatMap((op) => [
  windows(op, 'windows side by side', [4, 6], { window: [2, 3], strides: [2, 3] }),
  windows(op, 'overlapping windows', [5, 6], { window: [3, 2], strides: [2, 1] }),
  windows(op, 'padding', [4, 5], { window: [3, 3], strides: [2, 2], padding: [[1, 1], [0, 1]] }), // prettier-ignore
  windows(op, 'gaps between windows', [7, 7], { window: [2, 2], strides: [3, 3] }),
  windows(op, 'an image', [2, 5, 5, 2], { window: [1, 3, 3, 1], strides: [1, 2, 2, 1], padding: [[0, 0], [1, 1], [1, 1], [0, 0]] }), // prettier-ignore
]);

export const POOL_CASES: GradientCase[] = [
  { op: 'windowMax', name: 'maxPool2d, same', shapes: [[1, 5, 5, 2]], f: (a) => x.maxPool2d(a, { window: [3, 3], strides: [2, 2], padding: 'same' }) }, // prettier-ignore
  { op: 'windowSum', name: 'averagePool2d', shapes: [[1, 4, 4, 2]], f: (a) => x.averagePool2d(x.square(a), { window: [2, 2] }) }, // prettier-ignore
  { op: 'windowSum', name: 'averagePool2d, same', shapes: [[1, 5, 5, 2]], f: (a) => x.averagePool2d(x.square(a), { window: [3, 3], strides: [2, 2], padding: 'same' }) }, // prettier-ignore
];

export const REDUCE_CASES: GradientCase[] = [
  { op: 'reduce', name: 'sum of two axes', shapes: [[2, 3, 2]], f: (a) => x.square(x.sum(a, { axes: [0, 2] })) },
  { op: 'reduce', name: 'mean that keeps its axis', shapes: [[2, 3]], f: (a) => x.mul(a, x.mean(a, { axes: [-1], keepDims: true })) }, // prettier-ignore
  { op: 'reduce', name: 'max', shapes: [[3, 4]], f: (a) => x.square(x.max(a, { axes: [1] })) },
  { op: 'reduce', name: 'max of everything', shapes: [[3, 2]], f: (a) => x.max(a) },
  { op: 'reduce', name: 'max with a tie', shapes: [[4]], f: (a) => x.max(a), values: [[1, 3, 2, 3]] },
  { op: 'reduce', name: 'min', shapes: [[3, 4]], f: (a) => x.square(x.min(a, { axes: [0] })) },
  { op: 'reduce', name: 'min with a tie', shapes: [[4]], f: (a) => x.min(a), values: [[1, 3, 2, 1]] },
  { op: 'reduce', name: 'all and any', shapes: [[2, 3]], f: (a) => x.mul(a, x.convert(x.and(x.any(x.greater(a, 0)), x.all(x.less(a, 2))), a.dtype)) }, // prettier-ignore
  { op: 'reduce', name: 'logSoftmax', shapes: [[2, 4]], f: (a) => x.logSoftmax(a) },
  { op: 'reduce', name: 'softmax along the first axis', shapes: [[3, 2]], f: (a) => x.softmax(a, 0) },
  { op: 'reduce', name: 'logSumExp, second order', shapes: [[4]], f: slopeOf((a) => x.logSumExp(a)) },
];
