import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gradient } from '../autodiff.ts';
import { allReduce, inOneKernel, optimizationBarrier, replicaId, stopGradient, whileLoop } from '../control.ts';
import { constant, full, iota, scalar } from '../creation.ts';
import type { DType, HostArray } from '../dtype.ts';
import { add, convert, exp, less, mul, relu, sub } from '../elementwise.ts';
import { emit } from '../emit.ts';
import { conv2d, dotGeneral } from '../linear.ts';
import { maxPool2d } from '../pooling.ts';
import { argmax, mean, sum } from '../reduction.ts';
import { withScope } from '../scope.ts';
import {
  concatenate,
  dynamicSlice,
  dynamicUpdateSlice,
  pad,
  scatterAdd,
  slice,
  take,
  transpose,
} from '../structure.ts';
import { trace } from '../trace.ts';
import { lowerToStableHlo } from './module.ts';

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' }) as const;

/** The lines inside `@main`, without indentation. */
function statements(text: string): string[] {
  return text
    .split('\n')
    .slice(2, -3)
    .map((line) => line.trim());
}

test('a training step with a donated kernel', () => {
  const graph = trace([f32(3, 3, 3, 4), f32(2, 8, 8, 3)], (kernel, images) => {
    const loss = mean(relu(conv2d(images, kernel, { strides: [2, 2], padding: 'same' })));
    return [sub(kernel, mul(gradient(loss, [kernel])[0], 0.1)), loss];
  });
  assert.equal(
    lowerToStableHlo(graph, { name: 'step', aliases: new Map([[0, 0]]) }),
    `module @step attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<3x3x3x4xf32> {tf.aliasing_output = 0 : i32}, %arg1: tensor<2x8x8x3xf32>) -> (tensor<3x3x3x4xf32>, tensor<f32>) {
    %0 = stablehlo.convolution(%arg1, %arg0) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [2, 2], pad = [[0, 1], [0, 1]], lhs_dilate = [1, 1], rhs_dilate = [1, 1]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x8x8x3xf32>, tensor<3x3x3x4xf32>) -> tensor<2x4x4x4xf32>
    %1 = stablehlo.constant dense<0.0e+0> : tensor<f32>
    %2 = stablehlo.broadcast_in_dim %1, dims = [] : (tensor<f32>) -> tensor<2x4x4x4xf32>
    %3 = stablehlo.maximum %0, %2 : tensor<2x4x4x4xf32>
    %4 = stablehlo.constant dense<0.0e+0> : tensor<f32>
    %5 = stablehlo.reduce(%3 init: %4) applies stablehlo.add across dimensions = [0, 1, 2, 3] : (tensor<2x4x4x4xf32>, tensor<f32>) -> tensor<f32>
    %6 = stablehlo.constant dense<1.28e+2> : tensor<f32>
    %7 = stablehlo.divide %5, %6 : tensor<f32>
    %8 = stablehlo.constant dense<1.0e+0> : tensor<f32>
    %9 = stablehlo.divide %8, %6 : tensor<f32>
    %10 = stablehlo.reshape %9 : (tensor<f32>) -> tensor<1x1x1x1xf32>
    %11 = stablehlo.broadcast_in_dim %10, dims = [0, 1, 2, 3] : (tensor<1x1x1x1xf32>) -> tensor<2x4x4x4xf32>
    %12 = stablehlo.constant dense<0.0e+0> : tensor<f32>
    %13 = stablehlo.broadcast_in_dim %12, dims = [] : (tensor<f32>) -> tensor<2x4x4x4xf32>
    %14 = stablehlo.compare GT, %3, %13, FLOAT : (tensor<2x4x4x4xf32>, tensor<2x4x4x4xf32>) -> tensor<2x4x4x4xi1>
    %15 = stablehlo.constant dense<0.0e+0> : tensor<f32>
    %16 = stablehlo.broadcast_in_dim %15, dims = [] : (tensor<f32>) -> tensor<2x4x4x4xf32>
    %17 = stablehlo.select %14, %11, %16 : tensor<2x4x4x4xi1>, tensor<2x4x4x4xf32>
    %18 = stablehlo.convolution(%arg1, %17) dim_numbers = [f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f], window = {stride = [1, 1], pad = [[0, 1], [0, 1]], lhs_dilate = [1, 1], rhs_dilate = [2, 2]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x8x8x3xf32>, tensor<2x4x4x4xf32>) -> tensor<3x3x3x4xf32>
    %19 = stablehlo.constant dense<1.0e-1> : tensor<f32>
    %20 = stablehlo.broadcast_in_dim %19, dims = [] : (tensor<f32>) -> tensor<3x3x3x4xf32>
    %21 = stablehlo.multiply %18, %20 : tensor<3x3x3x4xf32>
    %22 = stablehlo.subtract %arg0, %21 : tensor<3x3x3x4xf32>
    return %22, %7 : tensor<3x3x3x4xf32>, tensor<f32>
  }
}
`,
  );
});

test('a while loop carries what it reads from outside', () => {
  const graph = trace([f32(2)], (a) => {
    const factor = exp(a);
    const loop = whileLoop(
      [scalar(0, 'int32'), a],
      (i) => less(i, 3),
      (i, value) => [add(i, 1), mul(value, factor)],
    );
    return [loop[1], factor];
  });
  assert.deepEqual(statements(lowerToStableHlo(graph)), [
    '%0 = stablehlo.exponential %arg0 : tensor<2xf32>',
    '%1 = stablehlo.constant dense<0> : tensor<i32>',
    '%2:3 = "stablehlo.while"(%1, %arg0, %0) ({',
    '^bb0(%3: tensor<i32>, %4: tensor<2xf32>, %5: tensor<2xf32>):',
    '%6 = stablehlo.constant dense<3> : tensor<i32>',
    '%7 = stablehlo.compare LT, %3, %6, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>',
    'stablehlo.return %7 : tensor<i1>',
    '}, {',
    '^bb0(%8: tensor<i32>, %9: tensor<2xf32>, %10: tensor<2xf32>):',
    '%11 = stablehlo.constant dense<1> : tensor<i32>',
    '%12 = stablehlo.add %8, %11 : tensor<i32>',
    '%13 = stablehlo.multiply %9, %10 : tensor<2xf32>',
    'stablehlo.return %12, %13, %10 : tensor<i32>, tensor<2xf32>, tensor<2xf32>',
    '})',
    ': (tensor<i32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<i32>, tensor<2xf32>, tensor<2xf32>)',
    // Outside the loop the capture has its own name again.
    'return %2#1, %0 : tensor<2xf32>, tensor<2xf32>',
  ]);
});

test('an all-reduce over 8 replicas, one op a tensor', () => {
  const graph = trace([f32(3)], (a) => [...allReduce([a, sum(a)]), replicaId()]);
  assert.match(lowerToStableHlo(graph, { replicas: 8 }), /mhlo\.num_replicas = 8 : i32/);
  assert.deepEqual(statements(lowerToStableHlo(graph, { replicas: 8 })), [
    '%0 = stablehlo.constant dense<0.0e+0> : tensor<f32>',
    '%1 = stablehlo.reduce(%arg0 init: %0) applies stablehlo.add across dimensions = [0] : (tensor<3xf32>, tensor<f32>) -> tensor<f32>',
    '%2 = "stablehlo.all_reduce"(%arg0) <{replica_groups = dense<[[0, 1, 2, 3, 4, 5, 6, 7]]> : tensor<1x8xi64>}> (',
    '{',
    '^bb0(%3: tensor<f32>, %4: tensor<f32>):',
    '%5 = stablehlo.add %3, %4 : tensor<f32>',
    'stablehlo.return %5 : tensor<f32>',
    '}',
    ') : (tensor<3xf32>) -> tensor<3xf32>',
    '%6 = "stablehlo.all_reduce"(%1) <{replica_groups = dense<[[0, 1, 2, 3, 4, 5, 6, 7]]> : tensor<1x8xi64>}> (',
    '{',
    '^bb0(%7: tensor<f32>, %8: tensor<f32>):',
    '%9 = stablehlo.add %7, %8 : tensor<f32>',
    'stablehlo.return %9 : tensor<f32>',
    '}',
    ') : (tensor<f32>) -> tensor<f32>',
    '%10 = stablehlo.replica_id : tensor<ui32>',
    'return %2, %6, %10 : tensor<3xf32>, tensor<f32>, tensor<ui32>',
  ]);
  // On one replica the sum is the tensor itself.
  assert.deepEqual(statements(lowerToStableHlo(trace([f32(3)], (a) => allReduce([a])))), [
    'return %arg0 : tensor<3xf32>',
  ]);
});

test('argmax', () => {
  const graph = trace([{ shape: [2, 3], dtype: 'uint8' }], (a) => [argmax(a)]);
  assert.deepEqual(statements(lowerToStableHlo(graph)), [
    '%0 = stablehlo.iota dim = 1 : tensor<2x3xi32>',
    '%1 = stablehlo.constant dense<0> : tensor<ui8>',
    '%2 = stablehlo.constant dense<0> : tensor<i32>',
    '%3:2 = "stablehlo.reduce"(%arg0, %0, %1, %2) <{dimensions = array<i64: 1>}> ({',
    '^bb0(%4: tensor<ui8>, %5: tensor<i32>, %6: tensor<ui8>, %7: tensor<i32>):',
    '%8 = stablehlo.compare GT, %4, %6, UNSIGNED : (tensor<ui8>, tensor<ui8>) -> tensor<i1>',
    '%9 = stablehlo.compare EQ, %4, %6, UNSIGNED : (tensor<ui8>, tensor<ui8>) -> tensor<i1>',
    '%10 = stablehlo.compare LT, %5, %7, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>',
    '%11 = stablehlo.and %9, %10 : tensor<i1>',
    '%12 = stablehlo.or %8, %11 : tensor<i1>',
    '%13 = stablehlo.select %12, %4, %6 : tensor<i1>, tensor<ui8>',
    '%14 = stablehlo.select %12, %5, %7 : tensor<i1>, tensor<i32>',
    'stablehlo.return %13, %14 : tensor<ui8>, tensor<i32>',
    '}) : (tensor<2x3xui8>, tensor<2x3xi32>, tensor<ui8>, tensor<i32>) -> (tensor<2xui8>, tensor<2xi32>)',
    'return %3#1 : tensor<2xi32>',
  ]);
});

test('gather and scatter', () => {
  const rows = { offsetDims: [1], collapsedSliceDims: [0], startIndexMap: [0], indexVectorDim: 1, sliceSizes: [1, 3] };
  const graph = trace([f32(4, 3), { shape: [2], dtype: 'int32' }], (table, index) => {
    const taken = take(table, index);
    return [taken, scatterAdd(table, index, taken, rows)];
  });
  assert.deepEqual(statements(lowerToStableHlo(graph)), [
    '%0 = "stablehlo.gather"(%arg0, %arg1) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1, 3>}> : (tensor<4x3xf32>, tensor<2xi32>) -> tensor<2x3xf32>',
    '%1 = "stablehlo.scatter"(%arg0, %arg1, %0) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> (',
    '{',
    '^bb0(%2: tensor<f32>, %3: tensor<f32>):',
    '%4 = stablehlo.add %2, %3 : tensor<f32>',
    'stablehlo.return %4 : tensor<f32>',
    '}',
    ') : (tensor<4x3xf32>, tensor<2xi32>, tensor<2x3xf32>) -> tensor<4x3xf32>',
    'return %0, %1 : tensor<2x3xf32>, tensor<4x3xf32>',
  ]);
});

test('max pooling and its gradient', () => {
  const graph = trace([f32(1, 4, 4, 2)], (a) => gradient(sum(maxPool2d(a, { window: [2, 2] })), [a]));
  assert.deepEqual(statements(lowerToStableHlo(graph)), [
    '%0 = stablehlo.constant dense<1.0e+0> : tensor<f32>',
    '%1 = stablehlo.reshape %0 : (tensor<f32>) -> tensor<1x1x1x1xf32>',
    '%2 = stablehlo.broadcast_in_dim %1, dims = [0, 1, 2, 3] : (tensor<1x1x1x1xf32>) -> tensor<1x2x2x2xf32>',
    '%3 = stablehlo.constant dense<0.0e+0> : tensor<f32>',
    '%7 = "stablehlo.select_and_scatter"(%arg0, %2, %3) <{window_dimensions = array<i64: 1, 2, 2, 1>, window_strides = array<i64: 1, 2, 2, 1>, padding = dense<[[0, 0], [0, 0], [0, 0], [0, 0]]> : tensor<4x2xi64>}> ({',
    '^bb0(%4: tensor<f32>, %5: tensor<f32>):',
    '%6 = stablehlo.compare GE, %4, %5, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>',
    'stablehlo.return %6 : tensor<i1>',
    '},',
    '{',
    '^bb0(%8: tensor<f32>, %9: tensor<f32>):',
    '%10 = stablehlo.add %8, %9 : tensor<f32>',
    'stablehlo.return %10 : tensor<f32>',
    '}',
    ') : (tensor<1x4x4x2xf32>, tensor<1x2x2x2xf32>, tensor<f32>) -> tensor<1x4x4x2xf32>',
    'return %7 : tensor<1x4x4x2xf32>',
  ]);
});

test('ops that move elements, and names that are none', () => {
  const graph = trace([f32(2, 3), f32(3, 4)], (a, b) => {
    const at = [scalar(0, 'int32'), scalar(1, 'int32')];
    const window = dynamicSlice(a, at, [1, 2]);
    const [held] = optimizationBarrier([stopGradient(transpose(a, [1, 0]))]);
    return [
      dynamicUpdateSlice(a, window, at),
      concatenate([held, pad(slice(held, [0, 0], [3, 2], [2, 1]), [[0, 1], [0, 0]])], 0), // prettier-ignore
      dotGeneral(a, b, { batchLeft: [], batchRight: [], contractLeft: [1], contractRight: [0] }),
      convert(iota([2], 'int32'), 'bfloat16'),
    ];
  });
  assert.deepEqual(statements(lowerToStableHlo(graph)), [
    '%0 = stablehlo.constant dense<0> : tensor<i32>',
    '%1 = stablehlo.constant dense<1> : tensor<i32>',
    '%2 = stablehlo.dynamic_slice %arg0, %0, %1, sizes = [1, 2] : (tensor<2x3xf32>, tensor<i32>, tensor<i32>) -> tensor<1x2xf32>',
    '%3 = stablehlo.transpose %arg0, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>',
    '%4 = stablehlo.optimization_barrier %3 : tensor<3x2xf32>',
    '%5 = stablehlo.dynamic_update_slice %arg0, %2, %0, %1 : (tensor<2x3xf32>, tensor<1x2xf32>, tensor<i32>, tensor<i32>) -> tensor<2x3xf32>',
    '%6 = stablehlo.slice %4 [0:3:2, 0:2:1] : (tensor<3x2xf32>) -> tensor<2x2xf32>',
    '%7 = stablehlo.constant dense<0.0e+0> : tensor<f32>',
    '%8 = stablehlo.pad %6, %7, low = [0, 0], high = [1, 0], interior = [0, 0] : (tensor<2x2xf32>, tensor<f32>) -> tensor<3x2xf32>',
    '%9 = stablehlo.concatenate %4, %8, dim = 0 : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<6x2xf32>',
    '%10 = stablehlo.dot_general %arg0, %arg1, contracting_dims = [1] x [0] : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>',
    '%11 = stablehlo.iota dim = 0 : tensor<2xi32>',
    '%12 = stablehlo.convert %11 : (tensor<2xi32>) -> tensor<2xbf16>',
    'return %5, %9, %10, %12 : tensor<2x3xf32>, tensor<6x2xf32>, tensor<2x4xf32>, tensor<2xbf16>',
  ]);
});

test('names of modules that are no MLIR identifiers are quoted', () => {
  const graph = trace([], () => []);
  assert.match(lowerToStableHlo(graph, { name: 'train-step' }), /^module @"train-step" attributes/);
  assert.deepEqual(statements(lowerToStableHlo(graph)), ['return']);
});

test('literals of every kind of number', () => {
  const literal = (value: number | HostArray, dtype: DType, shape: number[] = []) => {
    const graph = trace([], () => [
      typeof value === 'number' ? full(shape, value, dtype) : constant(value, shape, dtype),
    ]);
    return /dense<(.*)> : /.exec(lowerToStableHlo(graph))?.[1];
  };
  assert.equal(literal(0.1, 'float32'), '1.0e-1');
  assert.equal(literal(-1.5e300, 'float64'), '-1.5e+300');
  const special = (dtype: DType) => [NaN, Infinity, -Infinity, -0].map((value) => literal(value, dtype));
  assert.deepEqual(special('float64'), ['0x7FF8000000000000', '0x7FF0000000000000', '0xFFF0000000000000', '0x8000000000000000']); // prettier-ignore
  assert.deepEqual(special('float32'), ['0x7FC00000', '0x7F800000', '0xFF800000', '0x80000000']);
  assert.deepEqual(special('bfloat16'), ['0x7FC0', '0x7F80', '0xFF80', '0x8000']);
  assert.deepEqual(special('float16'), ['0x7E00', '0x7C00', '0xFC00', '0x8000']);
  assert.equal(literal(-5, 'int8'), '-5');
  assert.equal(literal(2 ** 62, 'int64'), '4611686018427387904');
  // The doubles nearest to the greatest 64-bit integers are one too many.
  assert.equal(literal(2 ** 63, 'int64'), '9223372036854775807');
  assert.equal(literal(2 ** 64, 'uint64'), '18446744073709551615');
  assert.equal(literal(1, 'bool'), 'true');
  assert.equal(literal(Float32Array.of(1, -2), 'float32', [2]), '"0x0000803F000000C0"');
  assert.equal(literal(BigInt64Array.of(-1n), 'int64', [1]), '"0xFFFFFFFFFFFFFFFF"');
  assert.equal(literal(Uint8Array.of(1, 0, 0, 1), 'bool', [2, 2]), '[[true, false], [false, true]]');
  assert.equal(literal(Uint8Array.of(1), 'bool'), 'true');
  assert.equal(literal(new Float32Array(0), 'float32', [0, 3]), '');
});

test('layers are no part of the program', () => {
  const body = (named: boolean) => trace([f32(2)], (a) => [named ? withScope('layer', () => exp(a)) : exp(a)]);
  assert.equal(lowerToStableHlo(body(true)), lowerToStableHlo(body(false)));
});

test('what is done in one kernel is a function of its own on CPUs, and stands in its place elsewhere', () => {
  const graph = trace([f32(2), f32(3)], (a, b) => {
    const twice = add(a, a);
    return inOneKernel(() => [mul(twice, a), add(b, b)]);
  });
  assert.deepEqual(lowerToStableHlo(graph, { platform: 'cpu' }).split('\n').slice(2), [
    '    %0 = stablehlo.add %arg0, %arg0 : tensor<2xf32>',
    '    %6:2 = func.call @part0(%0, %arg0, %arg1) {mhlo.frontend_attributes = {inlineable = "false", xla_cpu_small_call = "true"}} : (tensor<2xf32>, tensor<2xf32>, tensor<3xf32>) -> (tensor<2xf32>, tensor<3xf32>)',
    '    return %6#0, %6#1 : tensor<2xf32>, tensor<3xf32>',
    '  }',
    '  func.func private @part0(%1: tensor<2xf32>, %2: tensor<2xf32>, %3: tensor<3xf32>) -> (tensor<2xf32>, tensor<3xf32>) {',
    '    %4 = stablehlo.multiply %1, %2 : tensor<2xf32>',
    '    %5 = stablehlo.add %3, %3 : tensor<3xf32>',
    '    return %4, %5 : tensor<2xf32>, tensor<3xf32>',
    '  }',
    '}',
    '',
  ]);
  assert.deepEqual(statements(lowerToStableHlo(graph, { platform: 'tpu' })), [
    '%0 = stablehlo.add %arg0, %arg0 : tensor<2xf32>',
    '%1 = stablehlo.multiply %0, %arg0 : tensor<2xf32>',
    '%2 = stablehlo.add %arg1, %arg1 : tensor<3xf32>',
    'return %1, %2 : tensor<2xf32>, tensor<3xf32>',
  ]);
});

test('an op names its layer once, also where it stands in place of a call', () => {
  const graph = trace([f32(2)], (a) => withScope('layer', () => inOneKernel(() => [exp(a)])));
  assert.deepEqual(statements(lowerToStableHlo(graph, { platform: 'tpu', locations: true })), [
    '%0 = stablehlo.exponential %arg0 : tensor<2xf32> loc("layer")',
    'return %0 : tensor<2xf32>',
  ]);
});

test('no convolution is written that cuts its input at one end and adds to it at another', () => {
  const params = { strides: [1, 1], padding: [[-2, 1], [0, 0]], dilation: [1, 1], groups: 1 } as const; // prettier-ignore
  const [input, kernel, output] = [[2, 6, 6, 4], [1, 1, 4, 8], [2, 5, 6, 8]]; // prettier-ignore
  const types = [input, kernel, output].map((shape) => ({ shape, dtype: 'float32' }) as const);
  const graph = trace(types, (x, weights, slope) => [
    emit('conv', params, [x, weights]),
    emit('convInputGradient', { ...params, inputShape: input }, [slope, weights]),
    emit('convKernelGradient', { ...params, kernelShape: kernel }, [x, slope]),
  ]);
  const text = lowerToStableHlo(graph);
  assert.equal([...text.matchAll(/stablehlo\.pad .* low = \[0, -2, 0, 0\], high = \[0, 1, 0, 0\]/g)].length, 2);
  assert.equal([...text.matchAll(/stablehlo\.convolution.* pad = \[\[0, 0\], \[0, 0\]\]/g)].length, 3);
});

test('one kernel inside of another is written as part of it', () => {
  const graph = trace([f32(2)], (a) => inOneKernel(() => [mul(inOneKernel(() => [exp(a)])[0], 2)]));
  const text = lowerToStableHlo(graph, { platform: 'cpu' });
  assert.equal([...text.matchAll(/func\.func private/g)].length, 1);
  assert.equal([...text.matchAll(/func\.call/g)].length, 1);
  assert.match(text, /stablehlo\.exponential %\d+ : tensor<2xf32>/);
});
