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

test('a child that dies before its first case is one crash with its last words', async () => {
  const [result] = await fuzz({
    cases: 5,
    seed: 1,
    targets: ['noise'],
    nodeFlags: ['--import', './there-is-none.mjs'],
  });
  const [{ kind, what }, ...more] = result.failures;
  assert.equal(kind, 'crash');
  assert.match(what, /^before its first case: exit status 1: .*there-is-none\.mjs/s);
  assert.deepEqual(more, []);
});
