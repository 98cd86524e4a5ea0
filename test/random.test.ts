import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import type { Backend } from '../src/runtime/index.ts';
import * as x from '../src/xla/index.ts';
import { testBackend, skipWithoutTestDevice as skip } from './backend.ts';
import { assertResults, evaluate, host, literal } from './evaluate.ts';

const opened = skip === false ? await testBackend() : undefined;
after(() => opened?.close());
function backend(): Backend {
  assert.ok(opened);
  return opened;
}

const u32 = (...values: number[]) => literal('uint32', [values.length], values);

suite('random numbers', { skip }, () => {
  test('Threefry-2x32-20 gives the published known answers', async () => {
    // Random123's kat_vectors.
    const answers = [
      { key: [0, 0], counter: [0, 0], words: [0x6b200159, 0x99ba4efe] },
      { key: [0xffffffff, 0xffffffff], counter: [0xffffffff, 0xffffffff], words: [0x1cb996fc, 0xbb002be7] },
      { key: [0x13198a2e, 0x03707344], counter: [0x243f6a88, 0x85a308d3], words: [0xc4923a9c, 0x483df7a0] },
    ];
    await assertResults(
      backend(),
      answers.map(({ key, counter: [first, second], words }) => [
        `key ${key.join()}`,
        () => x.stack(x.threefry(u32(...key), x.scalar(first, 'uint32'), x.scalar(second, 'uint32'))),
        words,
      ]),
    );
  });

  const COUNT = 100_000;
  const average = (values: readonly number[]) => values.reduce((total, value) => total + value, 0) / values.length;

  test('moments and bounds', async () => {
    const [uniform, wide, normal, coins] = await evaluate(backend(), () => {
      const key = x.randomKey(42);
      return [
        x.uniform(key, [COUNT]),
        x.uniform(x.foldIn(key, 1), [COUNT], -2, 6),
        x.normal(x.foldIn(key, 2), [COUNT]),
        x.bernoulli(x.foldIn(key, 3), 0.3, [COUNT]),
      ];
    });
    // Bounds of five standard errors.
    const near = (found: number, expected: number, deviation: number, what: string) =>
      assert.ok(Math.abs(found - expected) < (5 * deviation) / Math.sqrt(COUNT), `${what} is ${found}`);
    const square = (values: number[]) => values.map((value) => value ** 2);
    near(average(uniform), 1 / 2, Math.sqrt(1 / 12), 'mean of uniform');
    near(average(square(uniform)), 1 / 3, Math.sqrt(4 / 45), 'second moment of uniform');
    near(average(wide), 2, 8 * Math.sqrt(1 / 12), 'mean of uniform from -2 to 6');
    near(average(normal), 0, 1, 'mean of normal');
    near(average(square(normal)), 1, Math.sqrt(2), 'variance of normal');
    near(average(normal.map((value) => value ** 3)), 0, Math.sqrt(15), 'third moment of normal');
    near(average(normal.map((value) => value ** 4)), 3, Math.sqrt(96), 'fourth moment of normal');
    near(average(coins), 0.3, Math.sqrt(0.21), 'rate of bernoulli');
    assert.ok(uniform.every((value) => value >= 0 && value < 1));
    assert.ok(wide.every((value) => value >= -2 && value < 6));
  });

  test('uniform floats stay below their bound', async () => {
    const bounds = [[3, 4], [0.1, 0.3], [-4, -3], [-1, 0], [-1, 0.7]] as const; // prettier-ignore
    const cases = [
      ...(['bfloat16', 'float16'] as const).flatMap((dtype) => bounds.map((pair) => ({ dtype, pair }))),
      // So far from 0 that some of 100,000 numbers are rounded up.
      ...([[2000, 2001], [-2001, -2000]] as const).map((pair) => ({ dtype: 'float32' as const, pair })), // prettier-ignore
    ];
    const results = await evaluate(backend(), () =>
      cases.map(({ dtype, pair }) => x.uniform(x.randomKey(1), [COUNT], pair[0], pair[1], dtype)),
    );
    for (const [i, { dtype, pair }] of cases.entries()) {
      const most = results[i].reduce((a, b) => Math.max(a, b));
      assert.ok(most < pair[1], `${dtype}, below ${pair[1]}: ${most}`);
    }
  });

  test('16-bit uniform floats never reach 1', async () => {
    const results = await evaluate(backend(), () =>
      (['bfloat16', 'float16'] as const).map((dtype) => x.uniform(x.randomKey(1), [COUNT], 0, 1, dtype)),
    );
    for (const values of results) {
      assert.ok(values.every((value) => value >= 0 && value < 1));
      assert.ok(Math.abs(average(values) - 0.5) < 0.01);
    }
  });

  test('a seed repeats bit for bit; another seed, number or draw differs', async () => {
    const draw = async (seed: number) =>
      evaluate(backend(), () => {
        const key = x.randomKey(seed);
        return [
          x.randomBits(key, [64]),
          x.randomBits(x.foldIn(key, 0), [64]),
          x.randomBits(x.foldIn(key, 1), [64]),
          x.randomBits(x.foldIn(x.foldIn(key, 1), 0), [64]),
          x.foldIn(key, 1),
          x.randomBits(key, [2]),
        ];
      });
    const [first, again, other, large] = [await draw(1), await draw(1), await draw(2), await draw(2 ** 32 + 1)];
    assert.deepEqual(first, again);
    const streams = [...first, ...other, ...large].map((stream) => stream.join());
    assert.equal(new Set(streams).size, streams.length);
  });

  test('a number folded in may be a tensor', async () => {
    const [known, traced] = await evaluate(
      backend(),
      (step) => [x.foldIn(x.randomKey(5), 7), x.foldIn(x.randomKey(5), step)],
      [host('int32', [], [7])],
    );
    assert.deepEqual(known, traced);
  });

  test('every element of an odd count is drawn on its own', async () => {
    const [bits] = await evaluate(backend(), () => [x.randomBits(x.randomKey(3), [3, 5])]);
    assert.equal(new Set(bits).size, 15);
    assert.equal(bits.length, 15);
  });
});
