import * as x from '../src/xla/index.ts';
import { emit } from '../src/xla/emit.ts';
import type { DotParams } from '../src/xla/ir.ts';
import type { GradientCase } from './finite-differences.ts';
import { slopeOf } from './gradient-cases-elementwise.ts';

const index = (...values: number[]) => x.constant(Int32Array.from(values), [values.length], 'int32');
const at = (value: number) => x.scalar(value, 'int32');
/** A square after the op, so that a gradient of 1 everywhere can't pass for the right one. */
const squared =
  (f: (...inputs: x.Tensor[]) => x.Tensor) =>
  (...inputs: x.Tensor[]) =>
    x.square(f(...inputs));

const moves = (op: GradientCase['op'], name: string, shape: x.Shape, f: (a: x.Tensor) => x.Tensor): GradientCase => ({
  op,
  name,
  shapes: [shape],
  f: squared(f),
});

export const MOVE_CASES: GradientCase[] = [
  moves('broadcast', 'a scalar', [], (a) => x.broadcastTo(a, [2, 3])),
  moves('broadcast', 'a size-1 axis in the middle', [2, 1, 3], (a) => x.broadcastTo(a, [2, 4, 3])),
  moves('broadcast', 'new leading axes', [3], (a) => x.broadcastTo(a, [2, 2, 3])),
  moves('broadcast', 'new axes and size-1 axes', [1, 3], (a) => x.broadcastTo(a, [2, 4, 3])),
  moves('broadcast', 'a size-1 axis that stays 1', [1, 3], (a) => x.broadcastTo(a, [2, 1, 3])),
  moves('broadcast', 'an axis laid first, as for labels', [3], (a) =>
    emit('broadcast', { shape: [3, 2], axes: [0] }, [a]),
  ),
  moves('reshape', 'to fewer axes', [2, 3, 2], (a) => x.reshape(a, [6, -1])),
  moves('reshape', 'to a scalar', [1, 1], (a) => x.reshape(a, [])),
  moves('transpose', 'a cycle of three axes', [2, 3, 4], (a) => x.transpose(a, [1, 2, 0])),
  moves('transpose', 'four axes', [2, 1, 3, 2], (a) => x.transpose(a, [3, 1, 0, 2])),
  moves('reverse', 'two of three axes', [2, 3, 2], (a) => x.mul(x.reverse(a, [0, -1]), x.iota(a.shape, a.dtype, 1))),
  moves('slice', 'a part', [4, 5], (a) => x.slice(a, [1, 2], [3, 5])),
  moves('slice', 'with strides', [5, 7], (a) => x.slice(a, [1, 0], [5, 6], [2, 3])),
  moves('slice', 'with a stride that ends early', [8], (a) => x.slice(a, [1], [7], [4])),
  moves('slice', 'nothing', [3], (a) => x.concatenate([x.slice(a, [1], [1]), a], 0)),
  moves('pad', 'edges', [2, 3], (a) => x.pad(a, [[1, 0], [2, 1]], 0.5)), // prettier-ignore
  moves('pad', 'cut off', [5, 4], (a) => x.pad(a, [[-1, -2], [-1, 2]])), // prettier-ignore
  moves('pad', 'gaps', [3, 2], (a) => x.pad(a, [[1, 0], [0, 1]], 1, [2, 1])), // prettier-ignore
  moves('pad', 'gaps and cuts', [4], (a) => x.pad(a, [[-2, 1]], 0, [2])),
  { op: 'pad', name: 'the value', shapes: [[2, 2], []], f: squared((a, value) => emit('pad', { low: [1, -1], high: [0, 2], interior: [1, 0] }, [a, value])) }, // prettier-ignore
  { op: 'concatenate', name: 'three tensors', shapes: [[2, 1], [2, 3], [2, 2]], f: squared((...all) => x.concatenate(all, 1)) }, // prettier-ignore
  { op: 'concatenate', name: 'onto what is joined', shapes: [[2, 1], [2, 3], [2, 2]], f: squared((a, b, c) => x.concatenate([x.concatenate([a, b], 1), c], 1)) }, // prettier-ignore
  { op: 'concatenate', name: 'a tensor with itself', shapes: [[2, 2]], f: squared((a) => x.mul(x.concatenate([a, a], 0), x.iota([4, 2], a.dtype))) }, // prettier-ignore
  { op: 'concatenate', name: 'stack', shapes: [[3], [3]], f: squared((a, b) => x.stack([a, b], 1)) },
  moves('dynamicSlice', 'inside', [4, 5], (a) => x.dynamicSlice(a, [at(1), at(2)], [2, 3])),
  moves('dynamicSlice', 'moved inside from beyond the edge', [4, 5], (a) => x.dynamicSlice(a, [at(9), at(-3)], [2, 3])),
  { op: 'dynamicUpdateSlice', name: 'inside', shapes: [[4, 3], [2, 2]], f: squared((a, b) => x.dynamicUpdateSlice(a, b, [at(1), at(0)])) }, // prettier-ignore
  { op: 'dynamicUpdateSlice', name: 'moved inside', shapes: [[4, 3], [2, 2]], f: squared((a, b) => x.dynamicUpdateSlice(a, b, [at(7), at(2)])) }, // prettier-ignore
  moves('gather', 'rows, one of them twice', [4, 2], (a) => x.take(a, index(2, 0, 2))),
  moves('gather', 'a row beyond the end, which counts as the last', [3, 2], (a) => x.take(a, index(7, -1, 1))),
  moves('gather', 'a matrix of rows', [4, 3], (a) => x.take(a, x.reshape(index(3, 1, 0, 3), [2, 2]))),
  moves('gather', 'windows at pairs of numbers', [4, 5], (a) =>
    x.gather(a, x.constant(Int32Array.of(0, 1, 2, 3), [2, 2], 'int32'), {
      offsetDims: [0, 2],
      collapsedSliceDims: [],
      startIndexMap: [1, 0],
      indexVectorDim: 0,
      sliceSizes: [2, 2],
    }),
  ),
  moves('gather', 'slices at indices of no numbers', [4], (a) =>
    x.gather(a, x.constant(new Int32Array(0), [2, 0], 'int32'), {
      offsetDims: [1],
      collapsedSliceDims: [],
      startIndexMap: [],
      indexVectorDim: 1,
      sliceSizes: [3],
    }),
  ),
  ...(
    [
      ['rows, one of them twice', [2, 0, 2]],
      ['rows, some of them beyond the ends, which are left out', [5, -1, 1]],
    ] as const
  ).map(([name, rows]): GradientCase => ({
    op: 'scatterAdd',
    name,
    shapes: [
      [4, 2],
      [3, 2],
    ],
    f: squared((a, updates) =>
      x.scatterAdd(a, index(...rows), updates, {
        offsetDims: [1],
        collapsedSliceDims: [0],
        startIndexMap: [0],
        indexVectorDim: 1,
        sliceSizes: [1, 2],
      }),
    ),
  })),
  { op: 'gather', name: 'gather, second order', shapes: [[3, 2]], f: slopeOf((a) => x.exp(x.take(a, index(2, 0, 2)))) },
];

const dot = (name: string, left: x.Shape, right: x.Shape, params: Partial<DotParams>): GradientCase[] => {
  const whole = { batchLeft: [], batchRight: [], contractLeft: [], contractRight: [], ...params };
  const f = (a: x.Tensor, b: x.Tensor) => x.dotGeneral(a, b, whole);
  return [
    { op: 'dot', name, shapes: [left, right], f },
    { op: 'dot', name: `${name}, second order, left`, shapes: [left, right], f: slopeOf(f, 0) },
    { op: 'dot', name: `${name}, second order, right`, shapes: [left, right], f: slopeOf(f, 1) },
  ];
};

export const DOT_CASES: GradientCase[] = [
  {
    op: 'dot',
    name: 'matmul',
    shapes: [
      [2, 3],
      [3, 4],
    ],
    f: x.matmul,
  },
  {
    op: 'dot',
    name: 'matmul of three axes',
    shapes: [
      [2, 2, 3],
      [3, 2],
    ],
    f: x.matmul,
  },
  { op: 'dot', name: 'a matrix with itself', shapes: [[3, 3]], f: (a) => x.matmul(a, a) },
  ...dot('inner product', [3], [3], { contractLeft: [0], contractRight: [0] }),
  ...dot('outer product', [2], [3], {}),
  ...dot('transposed matrices', [3, 2], [4, 3], { contractLeft: [0], contractRight: [1] }),
  ...dot('a batch', [2, 2, 3], [2, 3, 2], { batchLeft: [0], batchRight: [0], contractLeft: [2], contractRight: [1] }),
  ...dot('two batch axes in another order', [2, 3, 2, 2], [3, 2, 2, 1], {
    batchLeft: [0, 1],
    batchRight: [1, 0],
    contractLeft: [3],
    contractRight: [2],
  }),
  ...dot('a batch that is not in front', [2, 3, 2], [2, 2, 3], {
    batchLeft: [1],
    batchRight: [2],
    contractLeft: [2],
    contractRight: [0],
  }),
  ...dot('two contracted axes in another order', [2, 3, 2], [2, 4, 3], {
    contractLeft: [1, 2],
    contractRight: [2, 0],
  }),
];
