import assert from 'node:assert/strict';
import { test } from 'node:test';
import { epochOrder } from './order.ts';

const labels = Int32Array.from({ length: 120 }, (_, i) => (i < 100 ? 0 : i < 115 ? 1 : 3));
const balanced = (epoch: number) => epochOrder(labels, { sampling: 'balanced', seed: 1, epoch });

test('a shuffled epoch has every example once', () => {
  const order = epochOrder(labels, { sampling: 'shuffle', seed: 1, epoch: 0 });
  assert.deepEqual(
    [...order].toSorted((a, b) => a - b),
    [...labels.keys()],
  );
});

test('a balanced epoch has every class equally often, and no example again before all of its class', () => {
  const order = balanced(0);
  assert.equal(order.length, labels.length);
  for (const label of [0, 1, 3]) assert.equal(order.filter((index) => labels[index] === label).length, 40);
  assert.equal(new Set(order.filter((index) => labels[index] === 0)).size, 40);
  const rare = order.filter((index) => labels[index] === 3);
  for (let i = 0; i < 40; i += 5) assert.equal(new Set(rare.subarray(i, i + 5)).size, 5);
  // Classes come in rounds, so that every batch is balanced too.
  for (let i = 0; i < 120; i += 3) assert.equal(new Set([...order.subarray(i, i + 3)].map((n) => labels[n])).size, 3);
  assert.deepEqual(balanced(0), order);
  assert.notDeepEqual(balanced(1), order);
});

test('labels without a class have no turn in a balanced epoch', () => {
  const order = epochOrder(labels, { sampling: 'balanced', seed: 1, epoch: 0, classes: 3 });
  for (const label of [0, 1]) assert.equal(order.filter((index) => labels[index] === label).length, 60);
});
