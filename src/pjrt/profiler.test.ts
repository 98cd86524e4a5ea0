import assert from 'node:assert/strict';
import { testOnCpu, testOnLibtpu } from '../../test/plugins.ts';
import { loadPlugin } from './index.ts';

testOnCpu('a CPU plugin has no profiler', async (path) => {
  assert.equal(await (await loadPlugin(path)).startProfiler(), undefined);
});

testOnLibtpu('a profiler records and gives what it has, once; after it another one can start', async (path) => {
  const plugin = await loadPlugin(path);
  for (let round = 0; round < 2; round++) {
    const profiler = await plugin.startProfiler();
    assert.ok(profiler);
    assert.ok((await profiler.stop()) instanceof Uint8Array);
    await assert.rejects(profiler.stop(), { code: 'FAILED_PRECONDITION' });
  }
});
