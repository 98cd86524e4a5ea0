import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findPlugin } from '../assets/index.ts';
import { loadPlugin } from './index.ts';

const cpu = await findPlugin('cpu').catch(() => undefined);
const tpu = await findPlugin('tpu').catch(() => undefined);

test('a CPU plugin has no profiler', { skip: cpu === undefined && 'needs the CPU plugin' }, async () => {
  assert.equal(await (await loadPlugin(cpu!.path)).startProfiler(), undefined);
});

test(
  'a profiler records and gives what it has, once; after it another one can start',
  { skip: tpu === undefined && 'needs libtpu: run `sepal plugin install tpu`' },
  async () => {
    const plugin = await loadPlugin(tpu!.path);
    for (let round = 0; round < 2; round++) {
      const profiler = await plugin.startProfiler();
      assert.ok(profiler);
      assert.ok((await profiler.stop()) instanceof Uint8Array);
      await assert.rejects(profiler.stop(), { code: 'FAILED_PRECONDITION' });
    }
  },
);
