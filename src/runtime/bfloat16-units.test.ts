import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasBfloat16Units } from './bfloat16-units.ts';

test('TPUs have units for bfloat16, and GPUs from Ampere on', () => {
  assert.equal(hasBfloat16Units('tpu', {}), true);
  assert.equal(hasBfloat16Units('cpu', {}), false);
  const gpu = (capability: string) => hasBfloat16Units('cuda', { compute_capability: capability });
  assert.deepEqual(['6.0', '7.5', '8.0', '8.9', '9.0', '9.0a', '10.0', '12.0'].map(gpu), [
    false, false, true, true, true, true, true, true,
  ]); // prettier-ignore
  assert.equal(hasBfloat16Units('cuda', {}), false, 'a plugin that does not say');
  assert.equal(hasBfloat16Units('rocm', { compute_capability: '9.0' }), false);
});
