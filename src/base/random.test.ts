import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from './random.ts';

test('the same seed and labels give the same stream, others another one', () => {
  const draw = (random: Random) => Array.from({ length: 5 }, () => random.uint32());
  assert.deepEqual(draw(new Random(7, 'shuffle', 1)), draw(new Random(7, 'shuffle', 1)));
  assert.notDeepEqual(draw(new Random(7, 'shuffle', 1)), draw(new Random(7, 'shuffle', 2)));
  assert.notDeepEqual(draw(new Random(7, 'shuffle', 1)), draw(new Random(8, 'shuffle', 1)));
});

test('a permutation holds every index once', () => {
  const order = new Random(3).permutation(1000);
  assert.deepEqual(
    [...order].toSorted((a, b) => a - b),
    Array.from({ length: 1000 }, (_, i) => i),
  );
  assert.notDeepEqual([...order].slice(0, 10), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('uniform and normal numbers have the moments of their distributions', () => {
  const random = new Random(1);
  const n = 20_000;
  const uniform = Array.from({ length: n }, () => random.uniform());
  const normal = Array.from({ length: n }, () => random.normal());
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  assert.ok(Math.abs(mean(uniform) - 0.5) < 0.01);
  assert.ok(Math.abs(mean(normal)) < 0.03);
  assert.ok(Math.abs(mean(normal.map((x) => x * x)) - 1) < 0.05);
});
