import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import { Random } from '../src/base/index.ts';
import type { Backend } from '../src/runtime/index.ts';
import { emit } from '../src/xla/emit.ts';
import * as x from '../src/xla/index.ts';
import type { DotParams, WindowParams } from '../src/xla/ir.ts';
import { testBackend, skipWithoutTestDevice as skip } from './backend.ts';
import { assertClose, assertResults, evaluate, host, literal } from './evaluate.ts';
import { CONVOLUTIONS } from './gradient-cases-window.ts';
import { build, convolve, product, read, reduceWindows, type Grid } from './reference.ts';

const opened = skip === false ? await testBackend() : undefined;
after(() => opened?.close());
function backend(): Backend {
  assert.ok(opened);
  return opened;
}

const random = new Random(4);
const grid = (shape: x.Shape): Grid => build(shape, () => random.uniform(-1, 1));
const tensor = ({ shape, data }: Grid) => host('float64', shape, data);

const f32 = (...values: number[]) => literal('float32', [values.length], values);
const i32 = (...values: number[]) => literal('int32', [values.length], values);
const u8 = (...values: number[]) => literal('uint8', [values.length], values);
const u32 = (...values: number[]) => literal('uint32', [values.length], values);
const bools = (...values: number[]) => literal('bool', [values.length], values);

suite('forward values', { skip }, () => {
  test('convolutions of every kind', async () => {
    const inputs = CONVOLUTIONS.map(({ input, kernel }) => [grid(input), grid(kernel)] as const);
    const results = await evaluate(
      backend(),
      (...all) => CONVOLUTIONS.map(({ params }, i) => emit('conv', params, [all[2 * i], all[2 * i + 1]])),
      inputs.flat().map(tensor),
    );
    for (const [i, { name, params }] of CONVOLUTIONS.entries()) {
      assertClose(results[i], convolve(params, ...inputs[i]).data, name);
    }
  });

  test('an average in 16 bits is of all elements', async () => {
    const window = { window: [20, 20] } as const;
    const border = { window: [23, 22], padding: [[3, 0], [0, 2]] } as const; // prettier-ignore
    await assertResults(
      backend(),
      (['bfloat16', 'float16'] as const).flatMap((dtype) =>
        [window, border].map((options) => {
          const ones = () => x.full([1, 20, 20, 1], 3, dtype);
          return [`${dtype}, ${options.window.join('×')}`, () => x.averagePool2d(ones(), options), [3]] as const;
        }),
      ),
    );
  });

  test('padding that cuts at one end and adds at the other, in float32', async () => {
    // In float32 XLA hands it to another library than in float64, which read beyond the input.
    const params = { strides: [1, 1], padding: [[-1, 1], [0, 0]], dilation: [1, 1], groups: 1 } as const; // prettier-ignore
    const [input, kernel] = [grid([2, 12, 12, 40]), grid([1, 1, 40, 16])];
    const narrow = [input, kernel].map(({ shape, data }) => host('float32', shape, data));
    const [found] = await evaluate(backend(), (a, b) => [emit('conv', params, [a, b])], narrow);
    assertClose(found, convolve(params, input, kernel).data, 'shifted', 1e-5);
  });

  test('same padding puts the odd zero at the end', async () => {
    const [x4, x5, k3] = [grid([1, 4, 4, 1]), grid([1, 5, 5, 1]), grid([3, 3, 1, 1])];
    const [even, odd] = await evaluate(
      backend(),
      (a, b, k) => [a, b].map((input) => x.conv2d(input, k, { strides: [2, 2], padding: 'same' })),
      [x4, x5, k3].map(tensor),
    );
    const params = (low: number) =>
      ({ strides: [2, 2], padding: [[low, 1], [low, 1]], dilation: [1, 1], groups: 1 }) as const; // prettier-ignore
    assertClose(even, convolve(params(0), x4, k3).data, 'even size');
    assertClose(odd, convolve(params(1), x5, k3).data, 'odd size');
  });

  test('windows and pooling', async () => {
    const input = grid([2, 5, 6, 2]);
    const params: WindowParams = {
      window: [1, 3, 2, 1],
      strides: [1, 2, 1, 1],
      padding: [[0, 0], [1, 1], [0, 1], [0, 0]], // prettier-ignore
    };
    const [sums, most, averages, pooled] = await evaluate(
      backend(),
      (a) => [
        emit('windowSum', params, [a]),
        emit('windowMax', params, [a]),
        x.averagePool2d(a, { window: [3, 3], strides: [2, 2], padding: 'same' }),
        x.maxPool2d(a, { window: [2, 2] }),
      ],
      [tensor(input)],
    );
    const add = (values: number[]) => values.reduce((total, value) => total + value, 0);
    const same: WindowParams = { window: [1, 3, 3, 1], strides: [1, 2, 2, 1], padding: [[0, 0], [1, 1], [0, 1], [0, 0]] }; // prettier-ignore
    const half: WindowParams = { window: [1, 2, 2, 1], strides: [1, 2, 2, 1], padding: [[0, 0], [0, 0], [0, 0], [0, 0]] }; // prettier-ignore
    assertClose(sums, reduceWindows(params, input, [2, 3, 6, 2], add).data, 'sums');
    assertClose(most, reduceWindows(params, input, [2, 3, 6, 2], (all) => Math.max(...all)).data, 'maxima');
    assertClose(averages, reduceWindows(same, input, [2, 3, 3, 2], (all) => add(all) / all.length).data, 'averages');
    assertClose(pooled, reduceWindows(half, input, [2, 2, 3, 2], (all) => Math.max(...all)).data, 'maxPool2d');
  });

  test('products', async () => {
    const cases: readonly (readonly [x.Shape, x.Shape, DotParams])[] = [
      [[2, 3], [3, 4], { batchLeft: [], batchRight: [], contractLeft: [1], contractRight: [0] }],
      [[2, 3, 2, 2], [3, 2, 2, 4], { batchLeft: [0, 1], batchRight: [1, 0], contractLeft: [3], contractRight: [2] }],
      [[2, 3, 2], [2, 4, 3], { batchLeft: [], batchRight: [], contractLeft: [1, 2], contractRight: [2, 0] }],
      [[2], [3], { batchLeft: [], batchRight: [], contractLeft: [], contractRight: [] }],
    ]; // prettier-ignore
    const inputs = cases.map(([left, right]) => [grid(left), grid(right)] as const);
    const results = await evaluate(
      backend(),
      (...all) => cases.map(([, , params], i) => x.dotGeneral(all[2 * i], all[2 * i + 1], params)),
      inputs.flat().map(tensor),
    );
    for (const [i, [, , params]] of cases.entries()) {
      assertClose(results[i], product(params, ...inputs[i]).data, `product ${i}`);
    }
  });

  test('reductions over every choice of axes', async () => {
    const input = grid([2, 3, 4]);
    const choices = [[0], [1], [2], [0, 2], [1, 2], [0, 1, 2]];
    const kinds = { sum: x.sum, mean: x.mean, max: x.max, min: x.min };
    const of = {
      sum: (all: number[]) => all.reduce((total, value) => total + value, 0),
      mean: (all: number[]) => of.sum(all) / all.length,
      max: (all: number[]) => Math.max(...all),
      min: (all: number[]) => Math.min(...all),
    };
    const pairs = choices.flatMap((axes) => (['sum', 'mean', 'max', 'min'] as const).map((kind) => ({ axes, kind })));
    const results = await evaluate(
      backend(),
      (a) => pairs.map(({ axes, kind }) => kinds[kind](a, { axes, keepDims: true })),
      [tensor(input)],
    );
    for (const [i, { axes, kind }] of pairs.entries()) {
      const window = input.shape.map((size, axis) => (axes.includes(axis) ? size : 1));
      const kept = input.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
      const none = { window, strides: [1, 1, 1], padding: [[0, 0], [0, 0], [0, 0]] } as const; // prettier-ignore
      assertClose(results[i], reduceWindows(none, input, kept, of[kind]).data, `${kind} over ${axes.join(',')}`);
    }
  });

  test('functions of one and two numbers', async () => {
    const values = [-2.5, -0.5, 0.25, 0.75, 1.5, 3.5];
    const unary: [string, (a: x.Tensor) => x.Tensor, (a: number) => number][] = [
      ['neg', x.neg, (a) => -a],
      ['abs', x.abs, Math.abs],
      ['sign', x.sign, Math.sign],
      ['exp', x.exp, Math.exp],
      ['expm1', x.expm1, Math.expm1],
      ['log', x.log, Math.log],
      ['log1p', x.log1p, Math.log1p],
      ['sqrt', x.sqrt, Math.sqrt],
      ['rsqrt', x.rsqrt, (a) => 1 / Math.sqrt(a)],
      ['tanh', x.tanh, Math.tanh],
      ['sigmoid', x.sigmoid, (a) => 1 / (1 + Math.exp(-a))],
      ['sin', x.sin, Math.sin],
      ['cos', x.cos, Math.cos],
      ['floor', x.floor, Math.floor],
      ['ceil', x.ceil, Math.ceil],
      ['relu', x.relu, (a) => Math.max(a, 0)],
      ['square', x.square, (a) => a * a],
    ];
    const binary: [string, (a: x.Tensor, b: x.Tensor) => x.Tensor, (a: number, b: number) => number][] = [
      ['add', x.add, (a, b) => a + b],
      ['sub', x.sub, (a, b) => a - b],
      ['mul', x.mul, (a, b) => a * b],
      ['div', x.div, (a, b) => a / b],
      ['maximum', x.maximum, Math.max],
      ['minimum', x.minimum, Math.min],
      ['pow', x.pow, (a, b) => a ** b],
      ['rem', x.rem, (a, b) => a % b],
    ];
    const other = [2, -0.5, 3, -1, 0.5, 2];
    const [a, b] = [host('float64', [6], values), host('float64', [6], other)];
    const results = await evaluate(
      backend(),
      (p, q) => [...unary.map(([, f]) => f(p)), ...binary.map(([, f]) => f(p, q))],
      [a, b],
    );
    for (const [i, [name, , f]] of unary.entries()) assertClose(results[i], values.map(f), name);
    for (const [i, [name, , f]] of binary.entries()) {
      const expected = values.map((value, j) => f(value, other[j]));
      assertClose(results[unary.length + i], expected, name);
    }
  });

  test('NaN is the greatest and the least of all that it stands among', async () => {
    // Inputs, as a compiler computes with constants by itself.
    const found = await evaluate(
      backend(),
      (a, b, image) => [
        x.maximum(a, b),
        x.maximum(b, a),
        x.minimum(a, b),
        x.minimum(b, a),
        x.max(a),
        x.max(b),
        x.min(a),
        x.min(b),
        x.relu(a),
        x.maxPool2d(image, { window: [2, 2] }),
      ],
      [
        host('float32', [3], [NaN, 0, 1]),
        host('float32', [3], [1, NaN, 2]),
        host('float32', [1, 2, 4, 1], [NaN, 1, 2, 3, 4, 5, 6, NaN]),
      ],
    );
    const [most, least] = [[NaN, NaN, 2], [NaN, NaN, 1]]; // prettier-ignore
    assert.deepEqual(found, [most, most, least, least, [NaN], [NaN], [NaN], [NaN], [NaN, 0, 1], [NaN, NaN]]);
  });

  test('softmax and logSumExp stay finite for large logits', async () => {
    await assertResults(
      backend(),
      [
        ['softmax', () => x.softmax(f32(1000, 1000, -1000)), [0.5, 0.5, 0]],
        ['logSumExp of nothing', () => x.logSumExp(f32(-Infinity, -Infinity)), [-Infinity]],
        ['logSumExp of ∞', () => x.logSumExp(f32(Infinity, 1)), [Infinity]],
        ['logSumExp', () => x.logSumExp(f32(1000, 1000)), [1000 + Math.log(2)]],
        ['logSoftmax', () => x.logSoftmax(f32(0, 100)), [-100, 0]],
      ],
      1e-6,
    );
  });

  test('erf and its gradient', async () => {
    const values = [-5, -1, 0, 0.5, 1, 2, 5];
    const expected = [-1, -0.8427007929497149, 0, 0.5204998778130465, 0.8427007929497149, 0.9953222650189527, 1];
    const [found, slope] = await evaluate(backend(), (a) => [x.erf(a), x.gradient(x.sum(x.erf(a)), [a])[0]], [
      host('float32', [values.length], values),
    ]);
    assertClose(found, expected, 'erf', 4e-7);
    const exact = values.map((value) => (2 / Math.sqrt(Math.PI)) * Math.exp(-(value ** 2)));
    assertClose(slope, exact, 'slope of erf', 1e-6);
  });

  test('choices, comparisons and rounding', async () => {
    await assertResults(backend(), [
      ['round to even', () => x.round(f32(0.5, 1.5, 2.5, -0.5, -1.5)), [0, 2, 2, -0, -2]],
      ['where', () => x.where(bools(1, 0, 1), f32(1, 2, 3), -1), [1, -1, 3]],
      ['clamp', () => x.clamp(f32(-5, 0.5, 5), 0, 1), [0, 0.5, 1]],
      ['isFinite', () => x.isFinite(f32(1, Infinity, -Infinity, NaN)), [1, 0, 0, 0]],
      ['NaN equals nothing', () => x.equal(f32(NaN, 1), f32(NaN, 1)), [0, 1]],
      ['NaN differs from all', () => x.notEqual(f32(NaN, 1), f32(NaN, 1)), [1, 0]],
      ['unsigned comparison', () => x.greater(u8(200, 100), u8(100, 200)), [1, 0]],
      ['signed comparison', () => x.greater(i32(-1, 1), i32(1, -1)), [0, 1]],
      ['argmax takes the first of equals', () => x.argmax(f32(1, 3, 3, 2)), [1]],
      ['argmax of equals only', () => x.argmax(f32(-Infinity, -Infinity)), [0]],
      ['argmax takes NaN for the greatest', () => x.argmax(f32(5, NaN, 1)), [1]],
      [
        'argmax takes the first NaN',
        () => x.argmax(literal('bfloat16', [2, 4], [Infinity, NaN, NaN, 1, 1, 2, 0, NaN])),
        [1, 3],
      ],
      ['argmax of bytes', () => x.argmax(u8(0, 200, 100, 200)), [1]],
      ['argmax along an axis', () => x.argmax(literal('int32', [2, 3], [3, 1, 3, 0, 5, 5]), 1), [0, 1]],
      ['argmax along the first axis', () => x.argmax(literal('int32', [2, 3], [3, 1, 3, 0, 5, 5]), 0), [0, 1, 1]],
      ['oneHot', () => x.oneHot(i32(2, 0, 3, -1), 3, 'float32'), [0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]],
      ['oneHot of bools', () => x.oneHot(bools(1, 0), 2, 'float32'), [0, 1, 1, 0]],
      ['oneHot with more classes than a byte counts', () => x.sum(x.oneHot(u8(1, 2), 300, 'int32'), { axes: [1] }), [1, 1]], // prettier-ignore
      ['all', () => x.all(literal('bool', [2, 2], [1, 1, 0, 1]), { axes: [1] }), [1, 0]],
      ['any', () => x.any(literal('bool', [2, 2], [0, 0, 0, 1]), { axes: [1] }), [0, 1]],
    ]);
  });

  test('integers', async () => {
    await assertResults(backend(), [
      ['division cuts', () => x.div(i32(7, -7, 7, -7), i32(2, 2, -2, -2)), [3, -3, -3, 3]],
      ['remainder has the sign of the dividend', () => x.rem(i32(7, -7, 7, -7), i32(3, 3, -3, -3)), [1, -1, 1, -1]],
      ['unsigned wraps', () => x.add(u32(0xffffffff), 2), [1]],
      ['bytes wrap', () => x.mul(u8(200), 2), [144]],
      ['power', () => x.pow(i32(2, -3), i32(10, 3)), [1024, -27]],
      ['and', () => x.and(i32(0b1100), i32(0b1010)), [0b1000]],
      ['or', () => x.or(i32(0b1100), i32(0b1010)), [0b1110]],
      ['xor', () => x.xor(i32(0b1100), i32(0b1010)), [0b0110]],
      ['not', () => x.not(i32(0)), [-1]],
      ['not of bool', () => x.not(bools(1, 0)), [0, 1]],
      ['shiftLeft', () => x.shiftLeft(u32(1, 3), 31), [0x80000000, 0x80000000]],
      ['shiftRight fills with zeros', () => x.shiftRight(i32(-1), 28), [15]],
      ['sum of bytes', () => x.sum(u8(100, 100)), [200]],
      ['max of bytes', () => x.max(u8(3, 200, 100)), [200]],
      ['min of bytes', () => x.min(u8(3, 200, 100)), [3]],
      ['max of int32', () => x.max(i32(-5, -3)), [-3]],
      ['iota', () => x.iota([2, 3], 'int32', 1), [0, 1, 2, 0, 1, 2]],
    ]);
  });

  test('conversions', async () => {
    const bf16 = (...values: number[]) => x.convert(f32(...values), 'bfloat16');
    await assertResults(backend(), [
      ['float to int cuts', () => x.convert(f32(2.9, -2.9), 'int32'), [2, -2]],
      ['bytes to float', () => x.convert(u8(0, 255), 'float32'), [0, 255]],
      ['uint32 to float', () => x.convert(u32(0xffffff00), 'float32'), [0xffffff00]],
      ['bool to float', () => x.convert(bools(1, 0), 'float32'), [1, 0]],
      ['float to bool', () => x.convert(f32(0, 0.5, -1), 'bool'), [0, 1, 1]],
      // A bfloat16 has 8 bits: 1 + 2^-8 and 1 + 3·2^-8 lie in the middle of two.
      ['bfloat16 rounds ties to even', () => bf16(1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20), [1, 1 + 2 ** -6, 1 + 2 ** -7]], // prettier-ignore
      ['float16 overflows', () => x.convert(f32(65504, 65519, 65520, -1e6), 'float16'), [65504, 65504, Infinity, -Infinity]], // prettier-ignore
      ['float16 below its normal range', () => x.convert(f32(2 ** -24, 2 ** -26), 'float16'), [2 ** -24, 0]],
      ['bits of a float', () => x.bitcast(f32(1, -2), 'uint32'), [0x3f800000, 0xc0000000]],
    ]);
  });

  test('moving elements', async () => {
    const a = build([2, 3, 4], ([i, j, k]) => 100 * i + 10 * j + k);
    const pick = (shape: x.Shape, from: (index: number[]) => number[]) =>
      build(shape, (index) => read(a, from(index)) ?? -1).data;
    const results = await evaluate(
      backend(),
      (t) => [
        x.transpose(t, [2, 0, 1]),
        x.reverse(t, [0, 2]),
        x.slice(t, [0, 1, 0], [2, 3, 4], [1, 1, 3]),
        x.pad(t, [[0, 0], [1, -1], [-1, 1]], -1), // prettier-ignore
        x.concatenate([t, t], 1),
        x.dynamicSlice(t, [x.scalar(1, 'int32'), x.scalar(9, 'int32'), x.scalar(-4, 'int32')], [1, 2, 2]),
        x.broadcastTo(x.reshape(t, [6, 1, 4]), [6, 2, 4]),
      ],
      [tensor(a)],
    );
    const expected = [
      pick([4, 2, 3], ([k, i, j]) => [i, j, k]),
      pick([2, 3, 4], ([i, j, k]) => [1 - i, j, 3 - k]),
      pick([2, 2, 2], ([i, j, k]) => [i, j + 1, 3 * k]),
      pick([2, 3, 4], ([i, j, k]) => [i, j - 1, k + 1]),
      pick([2, 6, 4], ([i, j, k]) => [i, j % 3, k]),
      pick([1, 2, 2], ([, j, k]) => [1, 1 + j, k]),
      pick([6, 2, 4], ([row, , k]) => [Math.floor(row / 3), row % 3, k]),
    ];
    for (const [i, values] of expected.entries()) assertClose(results[i], values, `move ${i}`);
  });

  test('gather, scatter and updates', async () => {
    const rows = {
      offsetDims: [1],
      collapsedSliceDims: [0],
      startIndexMap: [0],
      indexVectorDim: 1,
      sliceSizes: [1, 2],
    };
    const table = () => literal('float32', [3, 2], [1, 2, 3, 4, 5, 6]);
    const updates = () => literal('float32', [3, 2], [10, 20, 30, 40, 50, 60]);
    await assertResults(backend(), [
      ['take', () => x.take(table(), i32(2, 0, 2)), [5, 6, 1, 2, 5, 6]],
      ['take clamps', () => x.take(table(), i32(9, -9)), [5, 6, 1, 2]],
      ['take a matrix of rows', () => x.take(table(), x.reshape(i32(1, 0), [2, 1])), [3, 4, 1, 2]],
      ['scatterAdd adds up', () => x.scatterAdd(table(), i32(1, 1, 0), updates(), rows), [51, 62, 43, 64, 5, 6]],
      ['scatterAdd leaves out', () => x.scatterAdd(table(), i32(1, 3, -1), updates(), rows), [1, 2, 13, 24, 5, 6]],
      ['dynamicUpdateSlice', () => x.dynamicUpdateSlice(f32(0, 0, 0, 0), f32(1, 2), [x.scalar(9, 'int32')]), [0, 0, 1, 2]], // prettier-ignore
    ]);
  });

  test('while loops read the enclosing program and nest', async () => {
    const one = () => x.scalar(1, 'int32');
    await assertResults(backend(), [
      [
        'powers of a captured number',
        () => {
          const factor = x.mul(f32(1, 2, 3), 1);
          const [, result] = x.whileLoop(
            [x.scalar(0, 'int32'), f32(1, 1, 1)],
            (i) => x.less(i, 4),
            (i, value) => [x.add(i, one()), x.mul(value, factor)],
          );
          return result;
        },
        [1, 16, 81],
      ],
      [
        'a loop in a loop that reads both outer levels',
        () => {
          const step = x.add(x.scalar(2, 'int32'), 1);
          const [, total] = x.whileLoop(
            [x.scalar(0, 'int32'), x.scalar(0, 'int32')],
            (i) => x.less(i, 3),
            (i, sum) => {
              const [, inner] = x.whileLoop(
                [x.scalar(0, 'int32'), sum],
                (j) => x.less(j, i),
                (j, value) => [x.add(j, 1), x.add(x.add(value, step), i)],
              );
              return [x.add(i, 1), inner];
            },
          );
          return total;
        },
        // i = 1: 3 + 1 once; i = 2: 3 + 2 twice.
        [14],
      ],
    ]);
  });
});
