import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { skipWithoutCpuPlugin as skip } from '../../test/backend.ts';

const RUNTIME = join(import.meta.dirname, '..', 'runtime', 'index.ts');

/** Variables that a start may have from its user. */
const OURS = /^(?:PJRT_NPROC|NPROC|TF_CPP_MIN_LOG_LEVEL|CPUPROFILE_FREQUENCY|TPU_|ALLOW_MULTIPLE_LIBTPU_LOAD)/;

// A new variable moves the table that threads may be reading.
test('opening a device adds no variable to the environment', { skip }, () => {
  const program = `
    const { openBackend } = await import(${JSON.stringify(RUNTIME)});
    const before = Object.keys(process.env).toSorted();
    const backend = await openBackend({ device: 'cpu', threads: 1 });
    const after = Object.keys(process.env).toSorted();
    const threads = process.env.PJRT_NPROC;
    await backend.close();
    console.log(JSON.stringify({ before, after, threads }));`;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OURS.test(name)));
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    env,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  const { before, after, threads } = JSON.parse(stdout) as Record<string, unknown>;
  assert.deepEqual(after, before);
  assert.equal(threads, '1');
});
