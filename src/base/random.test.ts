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

/** The part of a normal distribution beyond ±x, to 2e-7 (Abramowitz and Stegun 7.1.26). */
function beyond(x: number): number {
  const z = x / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * z);
  const polynomial = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return polynomial * Math.exp(-z * z);
}

test('normal numbers fill the bell and its tails', () => {
  const n = 2_000_000;
  const random = new Random(11, 'bell');
  const counts = new Float64Array(9);
  let above = 0;
  for (let i = 0; i < n; i++) {
    const value = random.normal();
    counts[Math.min(counts.length - 1, Math.floor(2 * Math.abs(value)))]++;
    if (value > 0) above++;
  }
  assert.ok(Math.abs(above / n - 0.5) < 2 / Math.sqrt(n), `${above} of ${n} above 0`);
  let squares = 0;
  for (const [i, count] of counts.entries()) {
    const expected = n * (beyond(i / 2) - (i === counts.length - 1 ? 0 : beyond((i + 1) / 2)));
    squares += (count - expected) ** 2 / expected;
  }
  // χ² with 8 degrees of freedom exceeds this once in a thousand times.
  assert.ok(squares < 26.1, `χ² ${squares}`);
});
