import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { Backend } from '../src/runtime/index.ts';
import { PROBLEMS } from '../src/serve/index.ts';
import { cpuBackend, skipWithoutCpuPlugin as skip } from './backend.ts';
import { HOSTILE_CASES, startHostileRun, type HostileRun } from './hostile/hostile-run.ts';

suite('hostile input', { skip }, () => {
  let backend: Backend;
  let hostile: HostileRun;

  before(async () => {
    backend = await cpuBackend();
    hostile = await startHostileRun(backend);
  });
  after(async () => {
    await hostile?.[Symbol.asyncDispose]();
    await backend?.close();
  });

  for (const each of HOSTILE_CASES) {
    // `npm run hostile` takes its time for these, too.
    if (each.slow === true) continue;
    test(`${each.group}: ${each.name}`, async () => {
      const { outcome, alive } = await hostile.run(each);
      assert.deepEqual(outcome, { status: each.status, code: each.code });
      assert.ok(alive, 'the server answers the next request');
    });
  }

  test('nothing reached an address that is not allowed', () => {
    assert.deepEqual(hostile.leaked, []);
  });
});

test('every status is documented, with its meaning', async () => {
  const document = await readFile(join(import.meta.dirname, '..', 'docs', 'serving.md'), 'utf8');
  const rows = [...document.matchAll(/^\| (\d{3}) +\| `(\w+)` +\| (.+?) +\|$/gm)].map(([, status, code, meaning]) => {
    return [code, [Number(status), meaning]];
  });
  assert.deepEqual(Object.fromEntries(rows), PROBLEMS);
});
