import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { testBackend, skipWithoutTestDevice as skip } from '../../../test/backend.ts';
import { Random } from '../../base/index.ts';
import { jit } from '../../runtime/index.ts';
import { elementCount, type Tensor } from '../../xla/index.ts';
import { squareRanges, sumsOfSquares } from './gradient-squares.ts';

/** Kernels that are joined, by 8 and by 6 channels, between others that are not. */
const SHAPES = [
  [3, 3, 4, 8],
  [8],
  [1, 1, 24, 8],
  [],
  [5, 7],
  [1, 1, 48, 8],
  [16, 6],
  [3, 3, 4, 8],
  [600, 600],
  [32, 6],
  [8, 6],
  [40, 6],
  [3, 7],
  [12],
  [8],
];
/** Blocks of gcd(36, 24, 48, 36) = 12 rows and of gcd(16, 32, 8, 40) = 8. */
const SUMS = [3 * 8, 8, 2 * 8, 1, 7, 4 * 8, 2 * 6, 3 * 8, 600, 4 * 6, 6, 5 * 6, 7, 12, 8];

test('each gradient has sums of its own, and there are no others', () => {
  const ranges = squareRanges(SHAPES);
  assert.deepEqual(
    ranges.map(([from, to]) => to - from),
    SUMS,
  );
  const inOrder = ranges.toSorted(([a], [b]) => a - b);
  assert.deepEqual(
    inOrder.map(([from]) => from),
    [0, ...inOrder.slice(0, -1).map(([, to]) => to)],
  );
});

test('gradients of few rows in common are not joined', () => {
  // As depthwise kernels of 5 × 5 and 3 × 3: of one row at a time there would be as many sums as numbers.
  const shapes = [25, 9, 25, 9, 25].map((rows) => [rows, 16]);
  assert.deepEqual(
    squareRanges(shapes).map(([from, to]) => to - from),
    [16, 16, 16, 16, 16],
  );
});

suite('on a device', { skip }, () => {
  test('a gradient’s sums add up to its squares, and what is not finite shows in its own alone', async (t) => {
    const backend = await testBackend({ compileCache: false });
    t.after(() => backend.close());
    const random = new Random(0, 'gradients');
    const values = SHAPES.map((shape) => Float32Array.from({ length: elementCount(shape) }, () => random.normal()));
    const types = SHAPES.map((shape) => ({ shape, dtype: 'float32' as const }));
    const f = await jit(backend, (gradients: Tensor[]) => sumsOfSquares(gradients), [types]);
    t.after(() => f.dispose());
    const ranges = squareRanges(SHAPES);
    const run = async (): Promise<Float32Array[]> => {
      const arrays = await Promise.all(values.map(async (data, i) => backend.replicate(data, types[i])));
      const sums = await f(arrays);
      const all = (await sums.toHost()) as Float32Array;
      for (const array of [...arrays, sums]) array.dispose();
      assert.equal(all.length, Math.max(...ranges.map(([, to]) => to)));
      return ranges.map(([from, to]) => all.subarray(from, to));
    };
    const total = (numbers: Float32Array) => numbers.reduce((sum, x) => sum + x, 0);
    for (const [i, sums] of (await run()).entries()) {
      const expected = total(values[i].map((x) => x * x));
      assert.ok(
        Math.abs(total(sums) - expected) <= 1e-5 * expected,
        `${SHAPES[i].join('×')}: ${total(sums)} and ${expected}`,
      );
    }
    for (const [i, data] of values.entries()) {
      const at = data.length - 1;
      const before = data[at];
      data[at] = i % 2 === 0 ? NaN : 3e38;
      const broken = (await run()).flatMap((sums, k) => (sums.every(Number.isFinite) ? [] : [k]));
      assert.deepEqual(broken, [i]);
      data[at] = before;
    }
  });
});
