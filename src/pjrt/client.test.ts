import assert from 'node:assert/strict';
import { openClient, testOnCpu } from '../../test/plugins.ts';
import { allReduce, identity, longProgram, twiceAdd } from '../../test/stablehlo.ts';
import { PjrtError } from './index.ts';

const floats = (bytes: Uint8Array<ArrayBuffer>) => [...new Float32Array(bytes.buffer)];

testOnCpu('a program runs on one device', async (path, context) => {
  const client = await openClient(context, path, { cpu_device_count: 1 });
  const [device] = client.addressableDevices;
  assert.equal(client.platformName, 'cpu');
  const program = await client.compile(twiceAdd('2x3xf32'), { replicas: 1 });
  assert.equal(program.numOutputs, 1);
  assert.deepEqual(program.outputTypes, ['f32']);
  assert.deepEqual(program.outputShapes, [[2, 3]]);
  const x = await client.bufferFromHost(Float32Array.of(1, 2, 3, 4, 5, 6), 'f32', [2, 3], device);
  const y = await client.bufferFromHost(new Float32Array(6).fill(0.5), 'f32', [2, 3], device);
  const [[sum]] = await program.execute([[x, y]]);
  assert.deepEqual(floats(await sum.toHost()), [2.5, 4.5, 6.5, 8.5, 10.5, 12.5]);
  assert.deepEqual(floats(await x.toHost()), [1, 2, 3, 4, 5, 6], 'arguments stay');
  assert.equal(sum.device, device);
});

testOnCpu('eight replicas sum over all of them', async (path, context) => {
  const client = await openClient(context, path, { cpu_device_count: 8 });
  assert.equal(client.devices.length, 8);
  const program = await client.compile(allReduce(8), { replicas: 8 });
  assert.equal(program.replicas, 8);
  assert.deepEqual(
    program.devices.map((device) => device.id),
    client.devices.map((device) => device.id),
  );
  const args = await Promise.all(
    program.devices.map(async (device, i) => [
      await client.bufferFromHost(
        new Float32Array(6).map((_, j) => i + j),
        'f32',
        [2, 3],
        device,
      ),
    ]),
  );
  // Launched at once, runs must not meet each other's all_reduce.
  const runs = await Promise.all(Array.from({ length: 20 }, () => program.execute(args)));
  for (const outputs of runs) {
    for (const [replica, [sum, id]] of outputs.entries()) {
      assert.deepEqual(floats(await sum.toHost()), [28, 36, 44, 52, 60, 68]);
      assert.deepEqual(new Uint32Array((await id.toHost()).buffer)[0], replica);
      assert.equal(sum.device, program.devices[replica]);
    }
  }
});

testOnCpu('replicas can be put on chosen devices', async (path, context) => {
  const client = await openClient(context, path, { cpu_device_count: 4 });
  const ids = [client.devices[3].id, client.devices[1].id];
  const program = await client.compile(allReduce(2), { replicas: 2, deviceIds: ids });
  assert.deepEqual(
    program.devices.map((device) => device.id),
    ids,
  );
});

testOnCpu('a program that does not parse is an error with the place', async (path, context) => {
  const client = await openClient(context, path, { cpu_device_count: 1 });
  await assert.rejects(client.compile('func.func @main() { nonsense }', { replicas: 1 }), (error: unknown) => {
    assert.ok(error instanceof PjrtError);
    assert.match(error.message, /nonsense/);
    assert.ok(!error.message.includes('\n'));
    assert.ok(error.fullText.length >= error.message.length);
    assert.ok(error.codeNumber > 0);
    return true;
  });
});

testOnCpu('a program survives being serialized', async (path, context) => {
  const client = await openClient(context, path, { cpu_device_count: 2 });
  const compiled = await client.compile(allReduce(2), { replicas: 2 });
  const bytes = await compiled.serialize();
  compiled.destroy();
  const program = await client.deserialize(bytes, { replicas: 2 });
  assert.deepEqual(program.outputShapes, [[2, 3], []]);
  assert.equal(program.devices.length, 2);
  const args = await Promise.all(
    program.devices.map(async (device) => [
      await client.bufferFromHost(new Float32Array(6).fill(1), 'f32', [2, 3], device),
    ]),
  );
  const [[sum]] = await program.execute(args);
  assert.deepEqual(floats(await sum.toHost()), [2, 2, 2, 2, 2, 2]);
  await assert.rejects(client.deserialize(new Uint8Array(64).fill(7), { replicas: 2 }), PjrtError);
});

testOnCpu('timers fire while the compiler works', async (path, context) => {
  const client = await openClient(context, path, { cpu_device_count: 1 });
  const order: string[] = [];
  const timer = new Promise<void>((resolve) => {
    setTimeout(() => {
      order.push('timer');
      resolve();
    }, 1);
  });
  await client.compile(longProgram(8), { replicas: 1 });
  order.push('compiled');
  await timer;
  assert.deepEqual(order, ['timer', 'compiled']);
});

testOnCpu('many transfers at once wait for each other instead of failing', async (path, context) => {
  const client = await openClient(context, path, { cpu_device_count: 1 });
  const [device] = client.addressableDevices;
  const buffers = await Promise.all(
    Array.from({ length: 1000 }, (_, i) => client.bufferFromHost(Int32Array.of(i), 'i32', [], device)),
  );
  const values = await Promise.all(buffers.map(async (buffer) => new Int32Array((await buffer.toHost()).buffer)[0]));
  assert.deepEqual(
    values,
    buffers.map((_, i) => i),
  );
});

testOnCpu('destroy waits for what runs and frees what is left', async (path, context) => {
  const client = await openClient(context, path, { cpu_device_count: 1 });
  const [device] = client.addressableDevices;
  const x = await client.bufferFromHost(Float32Array.of(1), 'f32', [], device);
  const reading = x.toHost();
  const compiling = client.compile(identity('f32'), { replicas: 1 });
  await client.destroy();
  assert.deepEqual(floats(await reading), [1]);
  assert.ok((await compiling).isDestroyed);
  assert.equal(client.liveBufferCount, 0);
  await assert.rejects(client.compile(identity('f32'), { replicas: 1 }), { code: 'FAILED_PRECONDITION' });
  await client.destroy();
});
