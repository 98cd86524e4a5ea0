import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchPlan } from './batch-plan.ts';
import { Batcher } from './batcher.ts';

/** A plan with these seconds by size. */
function plan(seconds: Readonly<Record<number, number>>, budget: number): BatchPlan {
  const sizes = Object.keys(seconds).map(Number);
  const made = new BatchPlan(sizes, budget);
  for (const size of sizes) made.record(size, seconds[size]);
  return made;
}

/** Doubles numbers, one batch at a time, each when it is let go. */
function doubling(batchPlan: BatchPlan) {
  const batches: { items: readonly number[]; size: number; go: () => void; fail: (error: Error) => void }[] = [];
  const batcher = new Batcher<number, number>({
    plan: batchPlan,
    run: async (items, size) =>
      new Promise((resolve, reject) => {
        batches.push({ items, size, go: () => resolve(items.map((item) => 2 * item)), fail: reject });
      }),
  });
  /** The next batch to start. */
  const started = async () => {
    while (batches.length === 0) await new Promise(setImmediate);
    return batches.shift()!;
  };
  return { batcher, started };
}

test('a batch has the size that gets most images done a second, and keeps the budget', () => {
  const cpu = plan({ 1: 0.01, 8: 0.07, 32: 0.25 }, 0.1);
  assert.equal(cpu.choose(1, 0), 1);
  assert.equal(cpu.choose(5, 0), 1, 'five of eight rows at 70 ms are slower than one at 10 ms');
  assert.equal(cpu.choose(7, 0), 1);
  assert.equal(cpu.choose(8, 0), 8);
  assert.equal(cpu.choose(100, 0), 8, '32 would take longer than the budget');
  assert.equal(cpu.choose(100, 0.05), 1, 'after 50 ms only one is in time');
  assert.equal(cpu.choose(100, 0.2), 32, 'too late anyway: the best rate');
  const gpu = plan({ 1: 0.004, 8: 0.005, 32: 0.009 }, 0.1);
  assert.equal(gpu.choose(2, 0), 8);
  assert.equal(gpu.choose(20, 0), 32);
});

test('measurements are followed slowly', () => {
  const made = plan({ 1: 0.01 }, 1);
  made.record(1, 0.02);
  assert.ok(Math.abs(made.secondsOf(1) - 0.012) < 1e-9);
});

test('what comes while a batch runs is the next batch, and every one gets its own answer', async () => {
  const { batcher, started } = doubling(plan({ 1: 0.01, 4: 0.02 }, 1));
  const first = batcher.submit(1);
  const running = await started();
  assert.deepEqual(running.items, [1], 'a lone image does not wait');
  const others = [2, 3, 4, 5, 6].map((item) => batcher.submit(item));
  running.go();
  assert.equal((await first).result, 2);
  const second = await started();
  assert.deepEqual([second.items, second.size], [[2, 3, 4, 5], 4]);
  second.go();
  const third = await started();
  assert.deepEqual([third.items, third.size], [[6], 1]);
  third.go();
  assert.deepEqual(
    (await Promise.all(others)).map(({ result }) => result),
    [4, 6, 8, 10, 12],
  );
});

test('a batch that fails fails its own images only', async () => {
  const { batcher, started } = doubling(plan({ 1: 0.01 }, 1));
  const [first, second] = [batcher.submit(1), batcher.submit(2)];
  (await started()).fail(new Error('no memory'));
  await assert.rejects(first, /no memory/);
  (await started()).go();
  assert.equal((await second).result, 4);
});

test('an image whose client has gone is left out', async () => {
  const { batcher, started } = doubling(plan({ 1: 0.01, 4: 0.02 }, 1));
  const first = batcher.submit(1);
  const running = await started();
  const client = new AbortController();
  const gone = batcher.submit(2, client.signal);
  const there = batcher.submit(3);
  const refused = assert.rejects(gone, { name: 'AbortError' });
  client.abort();
  running.go();
  await first;
  const next = await started();
  assert.deepEqual(next.items, [3]);
  next.go();
  await refused;
  await there;
});

test('a stop answers what was taken and takes no more', async () => {
  const { batcher, started } = doubling(plan({ 1: 0.01 }, 1));
  const [first, second] = [batcher.submit(1), batcher.submit(2)];
  const running = await started();
  const stopped = batcher.stop();
  await assert.rejects(batcher.submit(3), { code: 'STOPPING' });
  running.go();
  (await started()).go();
  await stopped;
  assert.deepEqual([(await first).result, (await second).result], [2, 4]);
});
