import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../test/backend.ts';
import { add, allReduce, convert, lowerToStableHlo, mean, mul, replicaId, trace, type Tensor } from '../xla/index.ts';
import type { BackendOptions } from './open-backend.ts';
import { jit } from './jit.ts';

async function open(t: TestContext, options: BackendOptions = {}) {
  const backend = await cpuBackend(options);
  t.after(() => backend.close());
  return backend;
}

test('an option that the plugin doesn’t know is left out', { skip }, async (t) => {
  const backend = await open(t);
  const graph = trace([{ shape: [2], dtype: 'float32' }], (x) => [add(x, 1)]);
  const overrides = { xla_there_is_no_such_option: true, xla_backend_optimization_level: 1 };
  const compiled = await backend.compile(lowerToStableHlo(graph), { replicas: 1, overrides });
  assert.equal(compiled.numOutputs, 1);
  const loaded = await backend.load(await compiled.serialize(), { replicas: 1, overrides });
  assert.equal(loaded.numOutputs, 1);
});

test('a program that was compiled before an abort stays: what it has made may still be saved', { skip }, async (t) => {
  const stop = new AbortController();
  const backend = await open(t, { signal: stop.signal, compileCache: false });
  const type = { shape: [2], dtype: 'float32' } as const;
  const f = await jit(backend, (x: Tensor) => add(x, 1), [type]);
  stop.abort(new Error('enough'));
  const x = await backend.replicate(Float32Array.of(1, 2), type);
  assert.deepEqual([...(await (await f(x)).toHost())], [2, 3]);
  await assert.rejects(
    jit(backend, (y: Tensor) => add(y, 2), [type]),
    /enough/,
  );
});

suite('replicas', { skip }, () => {
  test('eight replicas sum over all of them', async (t) => {
    const backend = await open(t, { replicas: 8 });
    assert.equal(backend.replicas, 8);
    assert.match(backend.describe(), /^8 × cpu \(cpu, \d+ threads, PJRT 0\.\d+\)$/);
    const f = await jit(
      backend,
      (x: Tensor) => {
        const mine = mul(x, convert(replicaId(), 'float32'));
        const [total, count] = allReduce([mine, add(mul(mean(x), 0), 1)]);
        return { mine, total, count, most: allReduce([mine], 'max')[0], least: allReduce([mine], 'min')[0] };
      },
      [{ shape: [2], dtype: 'float32' }],
    );
    const x = await backend.replicate(Float32Array.of(1, 10), { shape: [2], dtype: 'float32' });
    const result = await f(x);
    for (let replica = 0; replica < 8; replica++) {
      assert.deepEqual([...(await result.mine.toHost(replica))], [replica, 10 * replica]);
      assert.deepEqual([...(await result.total.toHost(replica))], [28, 280]);
      assert.deepEqual([...(await result.count.toHost(replica))], [8]);
      assert.deepEqual([...(await result.most.toHost(replica))], [7, 70]);
      assert.deepEqual([...(await result.least.toHost(replica))], [0, 0]);
    }
  });

  test('a batch is split by rows and joined again', async (t) => {
    const backend = await open(t, { replicas: 8 });
    const data = Uint8Array.from({ length: 16 * 3 }, (_, i) => i);
    const sharded = await backend.shard(data, { shape: [16, 3], dtype: 'uint8' });
    assert.deepEqual(sharded.shape, [2, 3]);
    assert.deepEqual([...(await sharded.toHost(1))], [6, 7, 8, 9, 10, 11]);
    assert.deepEqual(await backend.gather(sharded), data);
    const floats = Float64Array.from({ length: 8 }, (_, i) => i / 3);
    assert.deepEqual(await backend.gather(await backend.shard(floats, { shape: [8], dtype: 'float64' })), floats);
  });

  test('a batch that doesn’t divide and data that don’t fill it are refused', async (t) => {
    const backend = await open(t, { replicas: 3 });
    await assert.rejects(backend.shard(new Float32Array(4), { shape: [4], dtype: 'float32' }), {
      code: 'BATCH_SIZE',
      message: "a batch of 4 doesn't divide over 3 replicas",
      hint: 'choose a batch size that is a multiple of 3',
    });
    await assert.rejects(backend.shard(new Float32Array(1), { shape: [], dtype: 'float32' }), { code: 'BATCH_SIZE' });
    await assert.rejects(backend.replicate(new Float32Array(5), { shape: [2, 3], dtype: 'float32' }), {
      code: 'ARRAY_SIZE',
      message: "5 values of 4 bytes don't fill float32[2,3]",
    });
    // Of as many bytes: their bits are other floats.
    for (const values of [new Float64Array(6), new Int32Array(6), [0, 0, 0, 0, 0, 0]]) {
      await assert.rejects(backend.replicate(values as unknown as Float32Array, { shape: [2, 3], dtype: 'float32' }), {
        code: 'ARRAY_SIZE',
        message: 'the values are no float32',
        expected: 'Float32Array',
        received: values.constructor.name,
      });
    }
  });

  test('one host tensor in two places becomes two arrays', async (t) => {
    const backend = await open(t);
    const zeros = { data: new Float32Array(2), shape: [2], dtype: 'float32' } as const;
    const before = backend.client.liveBufferCount;
    const { a, b } = await backend.replicateTree({ a: zeros, b: zeros });
    a.dispose();
    assert.deepEqual([...(await b.toHost())], [0, 0]);
    b.dispose();
    b.dispose();
    assert.equal(backend.client.liveBufferCount, before);
  });
});
