import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../test/backend.ts';
import { add, type Tensor } from '../xla/index.ts';
import { compileCopy, jit, type Backend } from './index.ts';

suite('a copy on the devices', { skip }, () => {
  let backend: Backend;
  before(async () => {
    backend = await cpuBackend({ replicas: 2 });
  });
  after(() => backend.close());

  test('stays as it was when the original is donated to a step, and is freed by its owner', async () => {
    const type = { shape: [4096], dtype: 'float32' } as const;
    const types = { params: { w: type }, step: { shape: [], dtype: 'uint32' } } as const;
    const step = await jit(backend, (p: Tensor, by: Tensor) => add(p, by), [type, type], { donate: [0] });
    const copy = await compileCopy(backend, types);
    const live = backend.client.liveBufferCount;
    const w = await backend.replicate(new Float32Array(4096).fill(1), type);
    const by = await backend.replicate(new Float32Array(4096).fill(2), type);
    const number = await backend.replicate(Uint32Array.of(7), types.step);
    const copied = await copy({ params: { w }, step: number });
    // On every replica in memory of its own, which the step then can't write to.
    for (const [i, buffer] of copied.params.w.buffers.entries()) {
      assert.notEqual(buffer.devicePointer(), w.buffers[i].devicePointer());
    }
    const next = await step(w, by);
    assert.equal((await next.toHost())[4095], 3);
    assert.equal((await copied.params.w.toHost())[4095], 1);
    assert.equal((await copied.params.w.toHost(1))[0], 1);
    assert.deepEqual([...(await copied.step.toHost())], [7]);
    for (const array of [next, by, number, copied.params.w, copied.step]) array.dispose();
    assert.equal(backend.client.liveBufferCount, live);
  });
});
