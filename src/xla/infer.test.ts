import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { allReduce, whileLoop } from './control.ts';
import { constant, full, iota, parameter, scalar } from './creation.ts';
import type { DType } from './dtype.ts';
import { abs, add, and, bitcast, broadcastTo, convert, exp, less, not, oneHot, shiftLeft, sub, where } from './elementwise.ts'; // prettier-ignore
import { emit } from './emit.ts';
import { ShapeError } from './errors.ts';
import { conv2d, dotGeneral, matmul } from './linear.ts';
import { averagePool2d, maxPool2d } from './pooling.ts';
import { uniform } from './random.ts';
import { argmax, max, mean, sum } from './reduction.ts';
import {
  concatenate,
  dynamicSlice,
  dynamicUpdateSlice,
  expandDims,
  gather,
  pad,
  reshape,
  reverse,
  scatterAdd,
  slice,
  stack,
  take,
  transpose,
} from './structure.ts';

const t = (shape: readonly number[], dtype: DType = 'float32') => parameter('x', { shape, dtype });

/** A gather of the rows of [4, 2] at the numbers of [3]. */
const ROWS = { offsetDims: [1], collapsedSliceDims: [0], startIndexMap: [0], indexVectorDim: 1, sliceSizes: [1, 2] };

/** Every op must refuse what doesn't fit with these words. */
const REFUSALS: Record<string, readonly (readonly [make: () => unknown, message: string, hint?: string])[]> = {
  elementwise: [
    [() => add(t([2, 3]), t([4])), "add: shapes [2,3] and [4] don't broadcast"],
    [() => sub(t([2]), t([2], 'bfloat16')), 'subtract: dtypes float32[2] and bfloat16[2] differ', 'there is no implicit promotion: use convert()'], // prettier-ignore
    [() => emit('add', {}, [t([2]), t([3])]), 'add: shapes float32[2] and float32[3] differ'],
    [() => exp(t([2], 'int32')), 'exp: dtype of int32[2] is not a float'],
    [() => and(t([2]), t([2])), 'and: dtype of float32[2] is not an integer or bool'],
    [() => not(t([2])), 'not: dtype of float32[2] is not an integer or bool'],
    [() => shiftLeft(t([], 'bool'), t([], 'bool')), 'shiftLeft: dtype of bool[] is not an integer'],
    [() => add(t([], 'bool'), t([], 'bool')), 'add: dtype of bool[] is not a number'],
    [() => abs(t([3], 'uint8')), 'abs: dtype of uint8[3] is not a number with a sign'],
    [() => add(1, 2), 'add: one operand must be a tensor'],
    [() => add(t([], 'uint8'), 300), 'constant: 300 is no uint8'],
    [() => add(t([], 'int32'), 0.5), 'constant: 0.5 is no int32'],
    [() => add(t([], 'uint32'), -1), 'constant: -1 is no uint32'],
  ],
  choices: [
    [() => where(t([2]), t([2]), 0), 'select: dtype of float32[2] is not bool'],
    [() => where(t([2], 'bool'), t([3]), 0), "where: shapes [2] and [3] don't broadcast"],
    [() => emit('select', {}, [t([2], 'bool'), t([3]), t([3])]), 'select: condition bool[2] and values float32[3] differ in shape'], // prettier-ignore
    [() => less(t([2]), t([2], 'int32')), 'compare: dtypes float32[2] and int32[2] differ', 'there is no implicit promotion: use convert()'], // prettier-ignore
    [() => bitcast(t([2]), 'uint8'), 'bitcast: dtype of float32[2] is not of the size of uint8'],
    [() => bitcast(t([2], 'bool'), 'uint8'), 'bitcast: dtype of bool[2] is not of the size of uint8'],
    [() => oneHot(t([2]), 3, 'float32'), 'oneHot: labels are float32, not integers'],
  ],
  creation: [
    [
      () => constant(Float32Array.of(1, 2, 3), [2, 2], 'float32'),
      "constant: 3 values of 4 bytes don't fill float32[2,2]",
    ],
    [() => constant(Float32Array.of(1, 2), [2], 'float64'), 'constant: the values are no float64'],
    [() => constant(Int32Array.of(1, 2), [2], 'float32'), 'constant: the values are no float32'],
    [() => full([2], NaN, 'int8'), 'constant: NaN is no int8'],
    [() => iota([2], 'int32', 1), 'iota: axis 1 is not in shape [2]'],
    [() => iota([2, 2], 'int32', 0.5), 'iota: axis 0.5 is not in shape [2,2]'],
    [() => iota([2], 'bool'), 'iota: dtype of bool[2] is not a number'],
    [() => uniform(t([2], 'uint32'), [3], 0, 1, 'int32'), 'uniform: int32 is no float'],
  ],
  moves: [
    [() => broadcastTo(t([2, 3]), [2, 4]), "broadcast: float32[2,3] doesn't broadcast to [2,4] along axes [0,1]"],
    [() => broadcastTo(t([1, 3]), [3]), "broadcast: float32[1,3] doesn't broadcast to [3] along axes [-1,0]"],
    [() => reshape(t([2, 3]), [4, 2]), 'reshape: float32[2,3] has 6 elements, [4,2] 8'],
    [() => reshape(t([2, 3]), [4, -1]), "reshape: [2,3] doesn't divide into [4,-1]"],
    [() => expandDims(t([2]), 3), 'expandDims: axis 3 is not in a tensor of rank 2'],
    [() => transpose(t([2, 3]), [0, 0]), 'transpose: [0,0] is no permutation of the axes of float32[2,3]'],
    [() => transpose(t([2, 3]), [0]), 'transpose: [0] is no permutation of the axes of float32[2,3]'],
    [() => reverse(t([2, 3]), [0, -2]), 'reverse: an axis stands twice in [0,-2]'],
    [() => slice(t([4]), [1], [5]), 'slice: [1] to [5] by [1] is not inside float32[4]'],
    [() => slice(t([4]), [3], [2]), 'slice: [3] to [2] by [1] is not inside float32[4]'],
    [() => slice(t([4]), [0], [4], [0]), 'slice: [0] to [4] by [0] is not inside float32[4]'],
    [() => slice(t([4]), [0.5], [2]), 'slice: [0.5] to [2] by [1] is not inside float32[4]'],
    [() => slice(t([4, 2]), [0], [4]), 'slice: [0] to [4] by [1] needs one number an axis of float32[4,2]'],
    [() => pad(t([2, 2]), [[1, 1]]), 'pad: padding [1] [1] needs one number an axis of float32[2,2]'],
    [() => pad(t([2, 2]), [[0, 0]]), 'pad: padding [0] [0] needs one number an axis of float32[2,2]'],
    [() => pad(t([2]), [[-2, -1]]), 'pad: float32[2] shrinks to [-1]'],
    [() => pad(t([2]), [[0.5, 0.5]]), 'pad: padding [0.5] [0.5] with gaps [0] is not of whole numbers, gaps from 0'],
    [() => pad(t([3]), [[0, 0]], 0, [-1]), 'pad: padding [0] [0] with gaps [-1] is not of whole numbers, gaps from 0'],
    [() => emit('pad', { low: [1], high: [0], interior: [0] }, [t([2]), t([], 'int32')]), "pad: value int32[] doesn't pad float32[2]"], // prettier-ignore
    [() => concatenate([], 0), 'concatenate: no tensors'],
    [
      () => concatenate([t([2, 3]), t([2, 4])], 0),
      "concatenate: float32[2,3] and float32[2,4] don't join along axis 0",
    ],
    [() => concatenate([t([2]), t([2], 'int8')], 0), 'concatenate: dtypes float32[2] and int8[2] differ', 'there is no implicit promotion: use convert()'], // prettier-ignore
    [() => stack([t([2]), t([3])]), "concatenate: float32[1,2] and float32[1,3] don't join along axis 0"],
  ],
  'dynamic slices and gathers': [
    [() => dynamicSlice(t([4]), [scalar(0, 'int32')], [5]), 'dynamicSlice: sizes [5] and 1 starts are not inside float32[4]'], // prettier-ignore
    [() => dynamicSlice(t([4]), [scalar(0, 'float32')], [2]), 'dynamicSlice: start float32[] is no integer scalar of one type with the others'], // prettier-ignore
    [() => dynamicUpdateSlice(t([4]), t([5]), [scalar(0, 'int32')]), "dynamicUpdateSlice: float32[5] doesn't fit into float32[4]"], // prettier-ignore
    [() => take(t([4, 2]), t([3])), 'gather: indices are float32, not integers'],
    [
      () => gather(t([4, 2]), t([3], 'int32'), { offsetDims: [1], collapsedSliceDims: [0], startIndexMap: [0], indexVectorDim: 1, sliceSizes: [5, 2] }), // prettier-ignore
      'gather: operand [4,2] and indices [3]: slices [5,2] are not inside the operand',
    ],
    [
      () => gather(t([4, 2]), t([3], 'int32'), { offsetDims: [1], collapsedSliceDims: [0], startIndexMap: [0, 1], indexVectorDim: 1, sliceSizes: [1, 2] }), // prettier-ignore
      'gather: operand [4,2] and indices [3]: an index has 1 numbers for 2 axes',
    ],
    [
      () => gather(t([4, 2]), t([3], 'int32'), { offsetDims: [], collapsedSliceDims: [0], startIndexMap: [0], indexVectorDim: 1, sliceSizes: [1, 2] }), // prettier-ignore
      'gather: operand [4,2] and indices [3]: 1 slice axes for 0 offset axes',
    ],
    [() => gather(t([4, 2]), t([3], 'int32'), { ...ROWS, collapsedSliceDims: [1] }), "gather: operand [4,2] and indices [3]: slices [1,2] don't collapse along axis 1"], // prettier-ignore
    [() => gather(t([4, 2]), t([3], 'int32'), { ...ROWS, startIndexMap: [2] }), 'gather: operand [4,2] and indices [3]: startIndexMap [2] are not different axes of a tensor of rank 2'], // prettier-ignore
    [() => gather(t([4, 2]), t([3, 2], 'int32'), { ...ROWS, startIndexMap: [0, 0] }), 'gather: operand [4,2] and indices [3,2]: startIndexMap [0,0] are not different axes of a tensor of rank 2'], // prettier-ignore
    [() => gather(t([4, 2]), t([3], 'int32'), { ...ROWS, offsetDims: [2, 1], collapsedSliceDims: [] }), 'gather: operand [4,2] and indices [3]: offsetDims [2,1] are not different axes of a tensor of rank 3, in order'], // prettier-ignore
    [() => gather(t([4, 2]), t([3], 'int32'), { ...ROWS, indexVectorDim: -1 }), "gather: operand [4,2] and indices [3]: axis -1 of the indices can't hold the numbers of an index"], // prettier-ignore
    [
      () => scatterAdd(t([4, 2]), t([3], 'int32'), t([3, 1]), { offsetDims: [1], collapsedSliceDims: [0], startIndexMap: [0], indexVectorDim: 1, sliceSizes: [1, 2] }), // prettier-ignore
      'scatterAdd: updates float32[3,1] should be float32[3,2]',
    ],
  ],
  products: [
    [() => matmul(t([2, 3]), t([4, 5])), "dot: float32[2,3] and float32[4,5] don't contract along axes [1] and [0]"],
    [() => matmul(t([2, 3]), t([3])), 'matmul: [2,3] and [3] are not […, k] and [k, n]'],
    [() => matmul(t([2, 3]), t([3, 2], 'bfloat16')), 'dot: dtypes float32[2,3] and bfloat16[3,2] differ', 'there is no implicit promotion: use convert()'], // prettier-ignore
    [() => dotGeneral(t([2]), t([2]), { batchLeft: [1], batchRight: [1], contractLeft: [0], contractRight: [0] }), "dot: float32[2] and float32[2] don't contract along axes [0] and [0]"], // prettier-ignore
    [() => dotGeneral(t([2, 3]), t([3, 4]), { batchLeft: [], batchRight: [], contractLeft: [-1], contractRight: [-2] }), "dot: float32[2,3] and float32[3,4] don't contract along axes [-1] and [-2]"], // prettier-ignore
    [() => dotGeneral(t([2, 2]), t([2, 2]), { batchLeft: [0], batchRight: [0], contractLeft: [0], contractRight: [1] }), "dot: float32[2,2] and float32[2,2] don't contract along axes [0] and [1]"], // prettier-ignore
  ],
  convolutions: [
    [
      () => conv2d(t([1, 8, 8, 3]), t([3, 3, 4, 8])),
      "conv: input [1,8,8,3] and kernel [3,3,4,8] don't fit with 1 group",
    ],
    [() => conv2d(t([1, 8, 8, 4]), t([3, 3, 2, 7]), { groups: 2 }), "conv: input [1,8,8,4] and kernel [3,3,2,7] don't fit with 2 groups"], // prettier-ignore
    [
      () => conv2d(t([1, 2, 2, 3]), t([3, 3, 3, 8])),
      'conv: input [1,2,2,3] and kernel [3,3,3,8] leave no output: [0,0]',
    ],
    [() => conv2d(t([8, 8, 3]), t([3, 3, 3, 8])), 'conv2d: input [8,8,3] and kernel [3,3,3,8] must have rank 4'],
    [() => conv2d(t([1, 8, 8, 3]), t([3, 3, 3, 8], 'float16')), 'conv: dtypes float32[1,8,8,3] and float16[3,3,3,8] differ', 'there is no implicit promotion: use convert()'], // prettier-ignore
    [() => conv2d(t([1, 8, 8, 3]), t([3, 3, 3, 8]), { strides: [0, 1] }), 'conv: input [1,8,8,3] and kernel [3,3,3,8]: strides [0,1] are not whole numbers from 1'], // prettier-ignore
    [() => conv2d(t([1, 8, 8, 3]), t([2, 2, 3, 8]), { padding: [[0.5, 0.5], [0, 1]] }), 'conv: input [1,8,8,3] and kernel [2,2,3,8]: padding [[0.5,0.5],[0,1]] is not of whole numbers'], // prettier-ignore
    [() => conv2d(t([1, 8, 8, 3]), t([0, 2, 3, 8])), 'conv: input [1,8,8,3] and kernel [0,2,3,8]: kernel sizes [0,2] are not whole numbers from 1'], // prettier-ignore
    [() => emit('convInputGradient', { strides: [1, 1], padding: [[0, 0], [0, 0]], dilation: [1, 1], groups: 1, inputShape: [1, 4, 4, 1] }, [t([1, 4, 4, 2]), t([3, 3, 1, 2])]), 'convInputGradient: gradient [1,4,4,2] has not the shape of the output, [1,2,2,2]'], // prettier-ignore
  ],
  'reductions and windows': [
    [() => sum(t([2, 3]), { axes: [2] }), 'sum: axis 2 is not in a tensor of rank 2'],
    [() => max(t([2, 3]), { axes: [0, 0] }), 'max: an axis stands twice in [0,0]'],
    [() => sum(t([2], 'bool')), 'reduce: dtype of bool[2] is not a number'],
    [() => mean(t([2], 'uint8')), 'mean: dtype of uint8[2] is not a float'],
    [() => averagePool2d(t([1, 2, 2, 1], 'uint8'), { window: [2, 2] }), 'averagePool2d: dtype of uint8[1,2,2,1] is not a float'], // prettier-ignore
    [() => argmax(t([])), 'argmax: axis -1 is not in a tensor of rank 0'],
    [() => maxPool2d(t([1, 2, 2, 1]), { window: [3, 3] }), 'windowMax: window [1,3,3,1] is larger than the padded input [1,2,2,1]'], // prettier-ignore
    [() => maxPool2d(t([1, 2, 2, 1]), { window: [2, 2], padding: [[0.5, 0.5], [0, 0]] }), 'windowMax: padding [[0,0],[0.5,0.5],[0,0],[0,0]] is not of whole numbers'], // prettier-ignore
    [() => averagePool2d(t([2, 2, 1]), { window: [2, 2] }), 'windowSum: window [1,2,2,1] and input [2,2,1] differ in rank'], // prettier-ignore
  ],
  loops: [
    [() => whileLoop([t([2])], () => t([], 'bool'), () => [t([3])]), 'while: state 0 starts as float32[2], its body gives float32[3]'], // prettier-ignore
    [() => whileLoop([t([2])], () => t([], 'bool'), (a) => [convert(a, 'int8')]), 'while: state 0 starts as float32[2], its body gives int8[2]'], // prettier-ignore
    [() => whileLoop([t([2]), t([])], () => t([], 'bool'), (a) => [a]), 'while: state 1 starts as float32[], its body gives nothing'], // prettier-ignore
    [() => whileLoop([t([2])], () => t([], 'bool'), (a) => [a, a]), 'while: the body gives 2 tensors for a state of 1'], // prettier-ignore
    [
      () =>
        whileLoop(
          [t([])],
          () => t([]),
          (a) => [a],
        ),
      'while: condition is float32[], not bool[]',
    ],
  ],
};

suite('what doesn’t fit is refused with both types', () => {
  for (const [family, cases] of Object.entries(REFUSALS)) {
    test(family, () => {
      for (const [make, message, hint] of cases) {
        assert.throws(make, (error) => {
          assert.ok(error instanceof ShapeError, message);
          assert.equal(error.message, message);
          if (hint !== undefined) assert.equal(error.hint, hint);
          return true;
        }, message); // prettier-ignore
      }
    });
  }
});

test('the convolution’s refusal says what would fit', () => {
  assert.throws(() => conv2d(t([1, 8, 8, 3]), t([3, 3, 4, 8])), {
    expected: 'a kernel of 3 input channels and outputs divisible by 1',
  });
  assert.throws(() => conv2d(t([1, 8, 8, 3]), t([3, 3, 1, 8]), { groups: 2 }), {
    expected: 'input channels divisible by 2',
  });
});

test('ops that change nothing add nothing', () => {
  const x = t([2, 3]);
  assert.equal(reshape(x, [2, 3]), x);
  assert.equal(reshape(x, [-1, 3]), x);
  assert.equal(transpose(x, [0, 1]), x);
  assert.equal(slice(x, [0, 0], [2, 3]), x);
  assert.equal(pad(x, [[0, 0], [0, 0]]), x); // prettier-ignore
  assert.equal(convert(x, 'float32'), x);
  assert.equal(broadcastTo(x, [2, 3]), x);
  assert.equal(concatenate([x], 0), x);
  assert.deepEqual(allReduce([]), []);
});

test('shapes of results', () => {
  assert.deepEqual(add(t([2, 1, 3]), t([4, 1])).shape, [2, 4, 3]);
  assert.deepEqual(matmul(t([5, 2, 3]), t([3, 4])).shape, [5, 2, 4]);
  assert.deepEqual(conv2d(t([2, 9, 9, 4]), t([3, 3, 2, 6]), { strides: [2, 2], padding: 'same', groups: 2 }).shape, [2, 5, 5, 6]); // prettier-ignore
  assert.deepEqual(conv2d(t([2, 9, 9, 4]), t([3, 3, 4, 6]), { dilation: [2, 3] }).shape, [2, 5, 3, 6]);
  assert.deepEqual(take(t([7, 3, 2]), t([4, 5], 'int32')).shape, [4, 5, 3, 2]);
  assert.deepEqual(sum(t([2, 3, 4]), { axes: [-1, 0] }).shape, [3]);
  assert.deepEqual(sum(t([2, 3, 4]), { axes: [1], keepDims: true }).shape, [2, 1, 4]);
  assert.deepEqual(pad(t([3]), [[1, -1]], 0, [2]).shape, [7]);
  assert.deepEqual(slice(t([8]), [1], [8], [3]).shape, [3]);
  assert.deepEqual(stack([t([2, 3]), t([2, 3])], -1).shape, [2, 3, 2]);
  assert.equal(argmax(t([2, 3])).dtype, 'int32');
  assert.equal(less(t([2]), 1).dtype, 'bool');
});
