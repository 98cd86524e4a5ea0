import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome } from './compile-costs.ts';
import { expectBatch, searchLargestBatch } from './fit-search.ts';

const MEMORY = 1000;
const ARGUMENTS = 100;

/** A program whose temporary memory grows a little faster or slower than its batch, as padding and fusion make it. */
const outcomeOf = (bytes: (batch: number) => number) => {
  const tried: number[] = [];
  const compile = async (batch: number): Promise<Outcome> => {
    tried.push(batch);
    const tempBytes = bytes(batch);
    if (tempBytes + ARGUMENTS > MEMORY) {
      return { fits: false, argumentBytes: ARGUMENTS, tempBytes, compileSeconds: 1 };
    }
    return {
      fits: true,
      flops: 1,
      bytesAccessed: 1,
      seconds: 1,
      peakBytes: tempBytes + ARGUMENTS,
      argumentBytes: ARGUMENTS,
      tempBytes,
      compileSeconds: 1,
      profile: { cycles: 1, bytes: 1, layers: [] },
    };
  };
  return { tried, compile };
};

test('memory that grows with the batch tells the largest one', async () => {
  const { compile } = outcomeOf((batch) => 10 * batch);
  assert.equal(expectBatch(16, await compile(16), MEMORY), 90);
  assert.equal(expectBatch(200, await compile(200), MEMORY), 90);
});

for (const [name, bytes, limit] of [
  ['linear', (batch: number) => 10 * batch, 90],
  ['with a constant part', (batch: number) => 200 + 7 * batch, 100],
  ['in steps of eight', (batch: number) => 9 * 8 * Math.ceil(batch / 8), 96],
  ['faster than linear', (batch: number) => 4 * batch + batch ** 2 / 20, 100],
] as const) {
  test(`a search finds nearly the largest batch in a few trials: ${name}`, async () => {
    for (const start of [8, 400]) {
      const { tried, compile } = outcomeOf(bytes);
      const first = { count: start, outcome: await compile(start) };
      const { count, compiled } = await searchLargestBatch(first, MEMORY, compile);
      assert.ok(compiled);
      assert.ok(bytes(count) + ARGUMENTS <= MEMORY, `${count} fits`);
      assert.ok(count > 0.85 * limit, `${count} of ${limit} from ${start}`);
      assert.ok(tried.length <= 6, tried.join(', '));
      assert.equal(new Set(tried).size, tried.length, 'nothing is compiled twice');
    }
  });
}

test('where not even one example fits, the largest batch is 0', async () => {
  const { compile } = outcomeOf((batch) => 5000 + batch);
  const first = { count: 16, outcome: await compile(16) };
  assert.equal((await searchLargestBatch(first, MEMORY, compile)).count, 0);
});
