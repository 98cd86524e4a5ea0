import { setImmediate } from 'node:timers/promises';
import { findPlugin } from '../../src/assets/index.ts';
import { loadPlugin, type Client, type ElementType } from '../../src/pjrt/index.ts';
import { compile, openBackend } from '../../src/runtime/index.ts';
import { add, trace } from '../../src/xla/index.ts';
import { allReduce, identity, increment, longProgram, twiceAdd } from '../stablehlo.ts';

/** What a program may do wrong with a plugin. Each gives what it ends with, or throws it. */

const { path } = await findPlugin('cpu');
const plugin = await loadPlugin(path);
const newClient = () => plugin.createClient({ cpu_device_count: 2 });
const floats = (count: number) => new Float32Array(count);
const sent = (client: Client, shape: readonly number[], device = client.devices[0]) =>
  client.bufferFromHost(floats(shape.reduce((a, b) => a * b, 1)), 'f32', shape, device);
const sum = (client: Client) => client.compile(twiceAdd('3xf32'), { replicas: 1 });

export const MISUSES: Readonly<Record<string, () => Promise<unknown>>> = {
  async 'a read after destroy'() {
    const buffer = await sent(await newClient(), [3]);
    buffer.destroy();
    return buffer.toHost();
  },
  async 'a pointer asked for after destroy'() {
    const buffer = await sent(await newClient(), [3]);
    buffer.destroy();
    return buffer.devicePointer();
  },
  async 'a program run after destroy'() {
    const client = await newClient();
    const program = await sum(client);
    const x = await sent(client, [3]);
    program.destroy();
    return program.execute([[x, x]]);
  },
  async 'a program described after its client is destroyed'() {
    const client = await newClient();
    const program = await sum(client);
    await client.destroy();
    return program.memoryStats();
  },
  async 'a buffer read after its client is destroyed'() {
    const client = await newClient();
    const buffer = await sent(client, [3]);
    await client.destroy();
    return buffer.toHost();
  },
  async "the memory of a destroyed client's device"() {
    const client = await newClient();
    await client.destroy();
    return client.devices[0].memoryStats();
  },
  async "the attributes of a destroyed client's device"() {
    const client = await newClient();
    await client.destroy();
    return client.devices[0].attributes();
  },
  async "a transfer to another client's device"() {
    const [client, other] = [await newClient(), await newClient()];
    return sent(client, [3], other.devices[0]);
  },
  async "a transfer to a destroyed client's device"() {
    const [client, other] = [await newClient(), await newClient()];
    await other.destroy();
    return sent(client, [3], other.devices[0]);
  },
  async "another client's buffer as an argument"() {
    const [client, other] = [await newClient(), await newClient()];
    const x = await sent(other, [3]);
    return (await sum(client)).execute([[x, x]]);
  },
  async 'an argument on the wrong device'() {
    const client = await newClient();
    const x = await sent(client, [3], client.devices[1]);
    return (await sum(client)).execute([[x, x]]);
  },
  async 'an argument that is no buffer'() {
    const client = await newClient();
    const x = {} as Awaited<ReturnType<typeof sent>>;
    return (await sum(client)).execute([[x, x]]);
  },
  async 'too few arguments'() {
    const client = await newClient();
    return (await sum(client)).execute([[]]);
  },
  async 'an argument of another size'() {
    const client = await newClient();
    const x = await sent(client, [4]);
    return (await sum(client)).execute([[x, x]]);
  },
  async 'one buffer donated to two runs at once'() {
    const client = await newClient();
    const program = await client.compile(increment(8), { replicas: 1 });
    const x = await sent(client, [8]);
    const [, second] = await Promise.allSettled([program.execute([[x]]), program.execute([[x]])]);
    if (second.status === 'rejected') throw second.reason;
    return second.value;
  },
  async 'a donated buffer used again'() {
    const client = await newClient();
    const program = await client.compile(increment(8), { replicas: 1 });
    const x = await sent(client, [8]);
    await program.execute([[x]]);
    return program.execute([[x]]);
  },
  async 'a negative size'() {
    const client = await newClient();
    return client.bufferFromHost(floats(4), 'f32', [-2, -2], client.devices[0]);
  },
  async 'half a size'() {
    const client = await newClient();
    return client.bufferFromHost(floats(3), 'f32', [1.5, 2], client.devices[0]);
  },
  async 'an element type that there is not'() {
    const client = await newClient();
    return client.bufferFromHost(floats(3), 'f99' as ElementType, [3], client.devices[0]);
  },
  async 'host memory that shrinks during the transfer'() {
    const client = await newClient();
    const size = 2 ** 25;
    const memory = new ArrayBuffer(size, { maxByteLength: size });
    const transfer = client.bufferFromHost(new Uint8Array(memory), 'u8', [size], client.devices[0]);
    memory.resize(0);
    await transfer;
    return 'sent';
  },
  async 'host memory that is taken away during the transfer'() {
    const client = await newClient();
    const size = 2 ** 27;
    const memory = new ArrayBuffer(size);
    const bytes = new Uint8Array(memory).fill(7);
    const transfer = client.bufferFromHost(bytes, 'u8', [size], client.devices[0]);
    await setImmediate();
    try {
      memory.transfer(0);
      return 'taken';
    } catch {
      const copy = await (await transfer).toHost();
      return Buffer.compare(copy, bytes) === 0 ? 'kept' : 'changed';
    }
  },
  async 'host memory that is gone'() {
    const client = await newClient();
    const bytes = new Uint8Array(2 ** 20);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    return client.bufferFromHost(bytes, 'u8', [2 ** 20], client.devices[0]);
  },
  async 'memory of WebAssembly, and memory that threads share'() {
    const client = await newClient();
    const { Memory } = (globalThis as unknown as { WebAssembly: { Memory: new (pages: object) => { readonly buffer: ArrayBuffer } } }).WebAssembly; // prettier-ignore
    const { buffer } = new Memory({ initial: 2 });
    for (const memory of [
      buffer,
      new SharedArrayBuffer(2 ** 17),
      new SharedArrayBuffer(2 ** 17, { maxByteLength: 2 ** 18 }),
    ]) {
      await client.bufferFromHost(new Uint8Array(memory), 'u8', [2 ** 17], client.devices[0]);
    }
    return 'sent';
  },
  async 'data that is no array'() {
    const client = await newClient();
    return client.bufferFromHost({ byteLength: 12 } as Uint8Array, 'f32', [3], client.devices[0]);
  },
  async 'more bytes than can be counted'() {
    const client = await newClient();
    return client.bufferFromHost(floats(0), 'f32', [2 ** 40, 2 ** 40], client.devices[0]);
  },
  async 'a size that is no number'() {
    const client = await newClient();
    return client.bufferFromHost(floats(0), 'f32', [NaN], client.devices[0]);
  },
  async 'a device below zero'() {
    return (await newClient()).compile(identity('3xf32'), { replicas: 1, deviceIds: [-1] });
  },
  async 'a device that is no number'() {
    return (await newClient()).compile(identity('3xf32'), { replicas: 1, deviceIds: [NaN] });
  },
  async 'an option of the compiler that there is not'() {
    return (await newClient()).compile(identity('3xf32'), { replicas: 1, overrides: { xla_there_is_none: 1 } });
  },
  async 'a client destroyed twice at once, and then what was its'() {
    const client = await newClient();
    const [program, x] = [await sum(client), await sent(client, [3])];
    await Promise.all([client.destroy(), client.destroy()]);
    program.destroy();
    x.destroy();
    return 'closed';
  },
  async 'a tensor with more elements than can be counted'() {
    const backend = await openBackend({ device: 'cpu', compileCache: false });
    return compile(
      backend,
      trace([{ shape: [99_999_999_999, 99_999_999_999], dtype: 'float32' }], (x) => [add(x, x)]),
    );
  },
  async 'a tensor of half a size, traced'() {
    return trace([{ shape: [1.5], dtype: 'float32' }], (x) => [add(x, x)]);
  },
  'minus one devices': () => plugin.createClient({ cpu_device_count: -1 }),
  'a hundred thousand devices': () => plugin.createClient({ cpu_device_count: 100_000 }),
  'an option of the wrong type': () => plugin.createClient({ cpu_device_count: 'two' }),
  async 'an empty program'() {
    return (await newClient()).compile('', { replicas: 1 });
  },
  async 'bytes that are no program'() {
    return (await newClient()).compile(new Uint8Array(100).fill(200), { replicas: 1 });
  },
  async 'a damaged compiled program'() {
    const client = await newClient();
    const bytes = await (await sum(client)).serialize();
    bytes[bytes.length >> 1] ^= 0xff;
    return client.deserialize(bytes, { replicas: 1 });
  },
  async 'no replicas'() {
    return (await newClient()).compile(identity('3xf32'), { replicas: 0 });
  },
  async 'more replicas than devices'() {
    return (await newClient()).compile(identity('3xf32'), { replicas: 1000 });
  },
  async 'two replicas on one device'() {
    return (await newClient()).compile(allReduce(2), { replicas: 2, deviceIds: [0, 0] });
  },
  async 'a device that there is not'() {
    return (await newClient()).compile(identity('3xf32'), { replicas: 1, deviceIds: [77] });
  },
  async 'a client destroyed with runs and compilations in flight'() {
    const client = await newClient();
    const program = await client.compile(longProgram(20), { replicas: 1 });
    const [x, w] = [await sent(client, [8, 8]), await sent(client, [28, 28])];
    const work = [...Array.from({ length: 20 }, () => program.execute([[x, w]])), client.compile(longProgram(40), { replicas: 1 })]; // prettier-ignore
    const ends = Promise.allSettled(work);
    await client.destroy();
    await ends;
    return 'closed';
  },
  async 'two clients at once'() {
    const clients = [await newClient(), await newClient()];
    await Promise.all(
      clients.map(async (client) => {
        const program = await sum(client);
        for (let i = 0; i < 20; i++) {
          const x = await sent(client, [3]);
          await program.execute([[x, x]]);
        }
        await client.destroy();
      }),
    );
    return 'closed';
  },
  async 'an array of the wrong dtype'() {
    const backend = await openBackend({ device: 'cpu', compileCache: false });
    const type = { shape: [3], dtype: 'float32' } as const;
    const program = await compile(
      backend,
      trace([type], (x) => [add(x, x)]),
    );
    return program.run([await backend.replicate(new Int32Array(3), { shape: [3], dtype: 'int32' })]);
  },
  async 'an array of another backend'() {
    const [backend, other] = await Promise.all([1, 2].map(() => openBackend({ device: 'cpu', compileCache: false })));
    const type = { shape: [3], dtype: 'float32' } as const;
    const program = await compile(
      backend,
      trace([type], (x) => [add(x, x)]),
    );
    return program.run([await other.replicate(floats(3), type)]);
  },
  async 'a backend closed with runs in flight'() {
    const backend = await openBackend({ device: 'cpu', compileCache: false });
    const type = { shape: [3], dtype: 'float32' } as const;
    const program = await compile(
      backend,
      trace([type], (x) => [add(x, x)]),
    );
    const x = await backend.replicate(floats(3), type);
    const runs = Promise.allSettled(Array.from({ length: 20 }, () => program.run([x])));
    await backend.close();
    await runs;
    return program.run([x]);
  },
};
