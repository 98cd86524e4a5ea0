import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completeLimits, DEFAULT_LIMITS } from './limits.ts';

test('larger images make room for bodies that hold one and for several such bodies at a time', () => {
  assert.deepEqual(completeLimits(), DEFAULT_LIMITS);
  const large = completeLimits({ imageBytes: 200 * 2 ** 20 });
  assert.ok(large.bodyBytes > large.imageBytes);
  assert.ok(large.heldBytes >= 4 * large.bodyBytes);
  assert.ok(completeLimits({ bodyBytes: 100 * 2 ** 20 }).heldBytes >= 400 * 2 ** 20);
});

test('what is given counts as it is', () => {
  const given = { imageBytes: 2 ** 30, bodyBytes: 2 ** 20, heldBytes: 2 ** 21 };
  assert.deepEqual(completeLimits(given), { ...DEFAULT_LIMITS, ...given });
});
