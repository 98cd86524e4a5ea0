import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz } from './fuzz/fuzz.ts';
import { TARGETS } from './fuzz/targets/index.ts';

// `npm run fuzz` gives more cases, and others.
for (const { name, share = 1 } of TARGETS) {
  test(`${name}: damaged files are read or refused with a typed error, and nothing else`, async () => {
    const [result] = await fuzz({ cases: 200 * share, seed: 1, targets: [name] });
    assert.deepEqual(result.failures, []);
    // Cases that are all refused, or all read, would say little.
    assert.ok(result.refused > 0, 'nothing was damaged');
  });
}
