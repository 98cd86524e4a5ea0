import { zerosLike } from './creation.ts';
import { gatherGradient, scatterUpdatesGradient } from './gradient-gather.ts';
import type { GradientRule } from './gradient-rule.ts';
import type { DotParams, OpName, Tensor } from './ir.ts';
import { sub } from './elementwise.ts';
import { dotGeneral } from './linear.ts';
import { sum } from './reduction.ts';
import { dynamicSlice, dynamicUpdateSlice, pad, reshape, reverse, slice, sliceAxis, transpose } from './structure.ts';

type StructureOp =
  | 'broadcast'
  | 'reshape'
  | 'transpose'
  | 'reverse'
  | 'slice'
  | 'pad'
  | 'concatenate'
  | 'dynamicSlice'
  | 'dynamicUpdateSlice'
  | 'gather'
  | 'scatterAdd'
  | 'dot';

/** Gradient rules of ops that move elements, and of the product of matrices. */
export const STRUCTURE_GRADIENTS: { [K in StructureOp & OpName]: GradientRule<K> } = {
  broadcast({ params, inputs: [x], cotangents: [g] }) {
    const repeated = params.shape.flatMap((size, axis) => {
      const from = params.axes.indexOf(axis);
      return from === -1 || (x.shape[from] === 1 && size !== 1) ? [axis] : [];
    });
    return [reshape(sum(g, { axes: repeated }), x.shape)];
  },
  reshape: ({ inputs: [x], cotangents: [g] }) => [reshape(g, x.shape)],
  transpose({ params: { permutation }, cotangents: [g] }) {
    return [
      transpose(
        g,
        permutation.map((_, axis) => permutation.indexOf(axis)),
      ),
    ];
  },
  reverse: ({ params: { axes }, cotangents: [g] }) => [reverse(g, axes)],
  slice({ params: { start, strides }, inputs: [x], cotangents: [g] }) {
    const padding = x.shape.map((size, i) => {
      const covered = g.shape[i] === 0 ? 0 : (g.shape[i] - 1) * strides[i] + 1;
      return [start[i], size - start[i] - covered] as const;
    });
    return [
      pad(
        g,
        padding,
        0,
        strides.map((stride) => stride - 1),
      ),
    ];
  },
  pad({ params: { low, high, interior }, inputs: [, value], cotangents: [g] }) {
    const cut = pad(
      g,
      low.map((_, i) => [-low[i], -high[i]] as const),
    );
    const inside = slice(
      cut,
      cut.shape.map(() => 0),
      cut.shape,
      interior.map((gap) => gap + 1),
    );
    return [inside, reshape(sub(sum(g), sum(inside)), value.shape)];
  },
  concatenate({ params: { axis }, inputs, cotangents: [g] }) {
    let start = 0;
    return inputs.map((input) => {
      const part = sliceAxis(g, axis, start, start + input.shape[axis]);
      start += input.shape[axis];
      return part;
    });
  },
  dynamicSlice: ({ inputs: [x, ...starts], cotangents: [g] }) => [dynamicUpdateSlice(zerosLike(x), g, starts)],
  dynamicUpdateSlice: ({ inputs: [, update, ...starts], cotangents: [g] }) => [
    dynamicUpdateSlice(g, zerosLike(update), starts),
    dynamicSlice(g, starts, update.shape),
  ],
  gather: ({ params, inputs: [x, indices], cotangents: [g] }) => [gatherGradient(params, x, indices, g)],
  scatterAdd: ({ params, inputs: [x, indices], cotangents: [g] }) => [
    g,
    undefined,
    scatterUpdatesGradient(params, x, indices, g),
  ],
  dot: ({ params, inputs: [left, right], cotangents: [g] }) => [
    dotLeftGradient(params, left, right, g),
    dotRightGradient(params, left, right, g),
  ],
};

const range = (start: number, length: number): number[] => Array.from({ length }, (_, i) => start + i);
const without = (rank: number, used: readonly number[]): number[] =>
  range(0, rank).filter((axis) => !used.includes(axis));
/** Partners of `axes` taken in the order in which `sortBy` ascends: the order in which a dot leaves free axes. */
const inOrderOf = (sortBy: readonly number[], axes: readonly number[]): number[] =>
  sortBy
    .map((axis, i) => ({ axis, partner: axes[i] }))
    .toSorted((a, b) => a.axis - b.axis)
    .map(({ partner }) => partner);

/** Lays the axes of `x`, which are the axes `order` of the operand, back into their places. */
function intoPlace(x: Tensor, order: readonly number[]): Tensor {
  return transpose(
    x,
    order.map((_, axis) => order.indexOf(axis)),
  );
}

function dotLeftGradient(params: DotParams, left: Tensor, right: Tensor, g: Tensor): Tensor {
  const { batchLeft, batchRight, contractLeft, contractRight } = params;
  const leftFree = without(left.rank, [...batchLeft, ...contractLeft]);
  const rightFree = without(right.rank, [...batchRight, ...contractRight]);
  const product = dotGeneral(g, right, {
    batchLeft: range(0, batchLeft.length),
    batchRight,
    contractLeft: range(batchLeft.length + leftFree.length, rightFree.length),
    contractRight: rightFree,
  });
  return intoPlace(product, [...batchLeft, ...leftFree, ...inOrderOf(contractRight, contractLeft)]);
}

function dotRightGradient(params: DotParams, left: Tensor, right: Tensor, g: Tensor): Tensor {
  const { batchLeft, batchRight, contractLeft, contractRight } = params;
  const leftFree = without(left.rank, [...batchLeft, ...contractLeft]);
  const rightFree = without(right.rank, [...batchRight, ...contractRight]);
  const product = dotGeneral(left, g, {
    batchLeft,
    batchRight: range(0, batchLeft.length),
    contractLeft: leftFree,
    contractRight: range(batchLeft.length, leftFree.length),
  });
  return intoPlace(product, [...batchRight, ...inOrderOf(contractLeft, contractRight), ...rightFree]);
}
