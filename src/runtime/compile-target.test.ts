import assert from 'node:assert/strict';
import { test } from 'node:test';
import { knownSeconds } from './compile-target.ts';

test('ops of unknown time, for which libtpu takes a second each off, are left out of the sum', () => {
  assert.equal(knownSeconds(0.0127), 0.0127);
  // Of a ResNet50 for v5e-8 and of a plain CNN for v5e-16.
  assert.ok(Math.abs(knownSeconds(-72.9860076904) - 0.0139923096) < 1e-9);
  assert.ok(Math.abs(knownSeconds(-2.99965) - 0.00035) < 1e-9);
});
