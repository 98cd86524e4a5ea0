import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suggestRate } from './find-rate.ts';

/** A run whose loss falls by a factor from 1e-4 to 1e-2, stays, and rises from 1e-1 on. */
const points = Array.from({ length: 61 }, (_, i) => {
  const exponent = -6 + i / 10;
  const fallen = Math.min(1, Math.max(0, (exponent + 4) / 2));
  return { rate: 10 ** exponent, loss: 2 - 1.5 * fallen + Math.max(0, exponent + 1) };
});

test('a suggested rate is where the loss is nearly down, and not where it is about to rise', () => {
  const rate = suggestRate(points);
  assert.ok(rate >= 5e-3 && rate < 1e-2, String(rate));
  // A loss that blows up soon after.
  assert.equal(suggestRate(points.slice(0, 44)), rate);
});

test('a loss that never falls suggests the least rate, and no steps none', () => {
  assert.equal(suggestRate([1, 2, 3].map((loss, i) => ({ rate: 10 ** (i - 6), loss }))), 1e-6);
  assert.ok(Number.isNaN(suggestRate([])));
});
