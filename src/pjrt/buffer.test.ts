import assert from 'node:assert/strict';
import { openClient, testOnCpu } from '../../test/plugins.ts';
import { identity } from '../../test/stablehlo.ts';
import { ELEMENT_TYPES, elementSize, type ElementType } from './index.ts';

/** The types' names in StableHLO where they differ. */
const STABLEHLO: Partial<Record<ElementType, string>> = {
  pred: 'i1',
  u8: 'ui8',
  u16: 'ui16',
  u32: 'ui32',
  u64: 'ui64',
  c64: 'complex<f32>',
  c128: 'complex<f64>',
};

testOnCpu('arrays of every type come back as they went, through a program', async (path, context) => {
  const client = await openClient(context, path);
  const [device] = client.addressableDevices;
  for (const type of ELEMENT_TYPES) {
    const bytes = Uint8Array.from({ length: 6 * elementSize(type) }, (_, i) => (type === 'pred' ? i % 2 : i + 1));
    const program = await client.compile(identity(`3x2x${STABLEHLO[type] ?? type}`), { replicas: 1 });
    assert.deepEqual(program.outputTypes, [type]);
    const sent = await client.bufferFromHost(bytes, type, [3, 2], device);
    const [[received]] = await program.execute([[sent]]);
    assert.equal(received.elementType, type);
    assert.deepEqual(received.shape, [3, 2]);
    assert.deepEqual(await received.toHost(), bytes, type);
  }
});

testOnCpu('scalars, empty arrays and views into larger memory work', async (path, context) => {
  const client = await openClient(context, path);
  const [device] = client.addressableDevices;
  const scalar = await client.bufferFromHost(Float64Array.of(2.5), 'f64', [], device);
  assert.deepEqual(new Float64Array((await scalar.toHost()).buffer), Float64Array.of(2.5));
  const empty = await client.bufferFromHost(new Float32Array(), 'f32', [0, 4], device);
  assert.equal((await empty.toHost()).length, 0);
  const shared = new Int16Array(new SharedArrayBuffer(64), 8, 3);
  shared.set([7, 8, 9]);
  const view = await client.bufferFromHost(shared, 'i16', [3], device);
  assert.deepEqual([...new Int16Array((await view.toHost()).buffer)], [7, 8, 9]);
});

testOnCpu('host memory may change once the buffer is there', async (path, context) => {
  const client = await openClient(context, path);
  const data = new Float32Array(100_000).fill(1);
  const buffer = await client.bufferFromHost(data, 'f32', [100_000], client.addressableDevices[0]);
  data.fill(2);
  const read = new Float32Array((await buffer.toHost()).buffer);
  assert.ok(read.every((value) => value === 1));
});

testOnCpu('data that does not fill the shape is told with both sizes', async (path, context) => {
  const client = await openClient(context, path);
  await assert.rejects(client.bufferFromHost(new Float32Array(5), 'f32', [2, 3], client.addressableDevices[0]), {
    code: 'INVALID_ARGUMENT',
    message: "the data doesn't fill an array of f32[2,3]",
    expected: '24 bytes',
    received: '20',
  });
});

testOnCpu('a buffer may be destroyed while it is read, and not read after', async (path, context) => {
  const client = await openClient(context, path);
  const buffer = await client.bufferFromHost(Float32Array.of(1, 2), 'f32', [2], client.addressableDevices[0]);
  assert.equal(client.liveBufferCount, 1);
  assert.equal(buffer.isDeleted(), false);
  const reading = buffer.toHost();
  buffer.destroy();
  buffer.destroy();
  assert.equal(client.liveBufferCount, 0);
  assert.ok(buffer.isDeleted());
  assert.deepEqual([...new Float32Array((await reading).buffer)], [1, 2]);
  await assert.rejects(buffer.toHost(), /f32\[2\] is used after destroy\(\)/);
});
