import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import type { Backend } from '../src/runtime/index.ts';
import * as x from '../src/xla/index.ts';
import { testBackend, skipWithoutTestDevice as skip } from './backend.ts';
import { assertResults, literal } from './evaluate.ts';

const opened = skip === false ? await testBackend() : undefined;
after(() => opened?.close());
function backend(): Backend {
  assert.ok(opened);
  return opened;
}

const f32 = (...values: number[]) => literal('float32', [values.length], values);

suite('literals', { skip }, () => {
  const FLOATS = ['float64', 'float32', 'bfloat16', 'float16'] as const;

  test('numbers that MLIR has no decimals for', async () => {
    const values = [NaN, Infinity, -Infinity, -0, 0, 1.5, -2.5e-5];
    const cases = FLOATS.flatMap((dtype) =>
      values.map((value) => ({ dtype, value, name: `${value} as ${dtype}`, rounded: rounded(value, dtype) })),
    );
    await assertResults(backend(), [
      ...cases.map(({ name, value, dtype, rounded: to }) => [name, () => x.scalar(value, dtype), [to]] as const),
      ...FLOATS.map((dtype) => [`an array of ${dtype}`, () => literal(dtype, [7], values), values.map((value) => rounded(value, dtype))] as const), // prettier-ignore
    ]);
  });

  test('booleans of any rank and the ends of every integer type', async () => {
    await assertResults(backend(), [
      ['bool matrix', () => literal('bool', [2, 3], [1, 0, 1, 0, 0, 1]), [1, 0, 1, 0, 0, 1]],
      ['bool scalar array', () => literal('bool', [], [1]), [1]],
      ['bool', () => x.scalar(1, 'bool'), [1]],
      ['an empty array', () => x.concatenate([literal('float32', [0], []), f32(1)], 0), [1]],
      ['int64', () => literal('int64', [2], [2 ** 53, -(2 ** 62)]), [2 ** 53, -(2 ** 62)]],
      ['one element', () => literal('float32', [1, 1], [3]), [3]],
      ['uint64', () => x.shiftRight(x.scalar(2 ** 63, 'uint64'), 60), [8]],
      ['int8', () => x.scalar(-128, 'int8'), [-128]],
      ['uint8', () => x.scalar(255, 'uint8'), [255]],
    ]);
  });

  test('a maximum or minimum of nothing is the end of its type', async () => {
    const ends: [x.DType, number, number][] = [
      ...FLOATS.map((dtype): [x.DType, number, number] => [dtype, -Infinity, Infinity]),
      ['int8', -128, 127],
      ['int16', -32768, 32767],
      ['int32', -(2 ** 31), 2 ** 31 - 1],
      ['uint8', 0, 255],
      ['uint16', 0, 65535],
      ['uint32', 0, 2 ** 32 - 1],
      // As the nearest doubles.
      ['int64', -(2 ** 63), 2 ** 63],
      ['uint64', 0, 2 ** 64],
    ];
    await assertResults(
      backend(),
      ends.flatMap(([dtype, lowest, highest]) => [
        [`max of no ${dtype}`, () => x.max(x.full([0], 0, dtype)), [lowest]] as const,
        [`min of no ${dtype}`, () => x.min(x.full([0], 0, dtype)), [highest]] as const,
      ]),
    );
  });

  test('maxima of 16-bit floats', async () => {
    await assertResults(
      backend(),
      (['bfloat16', 'float16'] as const).flatMap((dtype) => [
        [`max of ${dtype}`, () => x.max(literal(dtype, [3], [-4, -2, -3])), [-2]] as const,
        [`maxPool2d of ${dtype}`, () => x.maxPool2d(literal(dtype, [1, 2, 2, 1], [-4, -2, -3, -5]), { window: [3, 3], padding: 'same' }), [-2]] as const, // prettier-ignore
        [`argmax of ${dtype}`, () => x.argmax(literal(dtype, [3], [-4, -2, -3])), [1]] as const,
        [`sum of ${dtype}`, () => x.sum(literal(dtype, [3], [1, 2, 3])), [6]] as const,
      ]),
    );
  });

  function rounded(value: number, dtype: x.DType): number {
    if (dtype === 'float64') return value;
    if (dtype === 'float32') return Math.fround(value);
    return dtype === 'bfloat16'
      ? x.fromBfloat16Bits(x.toBfloat16Bits(value))
      : x.fromFloat16Bits(x.toFloat16Bits(value));
  }
});
