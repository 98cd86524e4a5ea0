import assert from 'node:assert/strict';
import { openClient, testOnCpu } from '../../test/plugins.ts';
import { allReduce, increment, twiceAdd } from '../../test/stablehlo.ts';
import { PjrtError } from './index.ts';

testOnCpu('a donated argument gives its memory to the output', async (path, context) => {
  const client = await openClient(context, path);
  const program = await client.compile(increment(1024), { replicas: 1 });
  assert.equal(program.memoryStats().alias, 4096);
  let state = await client.bufferFromHost(new Float32Array(1024), 'f32', [1024], client.addressableDevices[0]);
  for (let step = 1; step <= 3; step++) {
    const pointer = state.devicePointer();
    const [[next]] = await program.execute([[state]]);
    assert.equal(next.devicePointer(), pointer);
    assert.ok(state.isDeleted());
    await assert.rejects(program.execute([[state]]), /f32\[1024\] is used after a program took its memory/);
    state.destroy();
    state = next;
    assert.equal(new Float32Array((await state.toHost()).buffer)[7], step);
  }
  assert.equal(client.liveBufferCount, 1);
});

testOnCpu(
  'an argument that is destroyed during the first launch is not taken for a donated one',
  async (path, context) => {
    const client = await openClient(context, path);
    const program = await client.compile(twiceAdd('4xf32'), { replicas: 1 });
    const make = async () =>
      client.bufferFromHost(Float32Array.of(1, 2, 3, 4), 'f32', [4], client.addressableDevices[0]);
    const [a, early, late] = [await make(), await make(), await make()];
    const launching = program.launch([[a, early]]);
    early.destroy();
    await (
      await launching
    ).done;
    await program.execute([[a, late]]);
    assert.deepEqual([...new Float32Array((await late.toHost()).buffer)], [1, 2, 3, 4]);
  },
);

testOnCpu('two hundred steps leave no buffers and no memory behind', async (path, context) => {
  const client = await openClient(context, path);
  const size = 2 ** 18;
  const [device] = client.addressableDevices;
  const program = await client.compile(twiceAdd(`${size}xf32`), { replicas: 1 });
  const batch = new Float32Array(size);
  const step = async () => {
    const x = await client.bufferFromHost(batch, 'f32', [size], device);
    const [[sum]] = await program.execute([[x, x]]);
    await sum.toHost();
    x.destroy();
    sum.destroy();
  };
  for (let i = 0; i < 50; i++) await step();
  const before = process.memoryUsage.rss();
  for (let i = 0; i < 200; i++) {
    await step();
    assert.equal(client.liveBufferCount, 0);
  }
  // Each step moves four arrays of 1 MiB: one that leaked each time would be 200 MiB.
  const grown = (process.memoryUsage.rss() - before) / 2 ** 20;
  assert.ok(grown < 100, `memory grew by ${grown.toFixed(0)} MiB`);
});

testOnCpu('outputs of a launch can feed the next one before they are computed', async (path, context) => {
  const client = await openClient(context, path);
  const program = await client.compile(increment(8), { replicas: 1 });
  let state = await client.bufferFromHost(new Float32Array(8), 'f32', [8], client.addressableDevices[0]);
  const runs: Promise<void>[] = [];
  for (let i = 0; i < 10; i++) {
    const { outputs, done } = await program.launch([[state]]);
    runs.push(done);
    state.destroy();
    [[state]] = outputs;
  }
  await Promise.all(runs);
  assert.equal(new Float32Array((await state.toHost()).buffer)[0], 10);
});

testOnCpu('arguments that do not fit are an error', async (path, context) => {
  const client = await openClient(context, path, { cpu_device_count: 2 });
  const program = await client.compile(allReduce(2), { replicas: 2 });
  const [device] = client.addressableDevices;
  const x = await client.bufferFromHost(new Float32Array(6), 'f32', [2, 3], device);
  await assert.rejects(program.execute([[x]]), { code: 'INVALID_ARGUMENT', expected: /2 lists/ });
  await assert.rejects(program.execute([[x], []]), { code: 'INVALID_ARGUMENT' });
  const single = await client.compile(twiceAdd('4xf32'), { replicas: 1 });
  await assert.rejects(single.execute([[x, x]]), PjrtError);
  await assert.rejects(single.execute([[x]]), PjrtError);
  single.destroy();
  await assert.rejects(single.execute([[x, x]]), /after destroy\(\)/);
});

testOnCpu('a program tells what the compiler made of it', async (path, context) => {
  const client = await openClient(context, path);
  const program = await client.compile(twiceAdd('16xf32'), { replicas: 1 });
  const stats = program.memoryStats();
  assert.equal(stats.argument, 128);
  assert.equal(stats.output, 64);
  const { format, code } = await program.optimizedProgram();
  assert.match(format, /hlo|mlir/);
  assert.ok(code.length > 100);
  assert.ok(program.fingerprint().length > 0);
});
