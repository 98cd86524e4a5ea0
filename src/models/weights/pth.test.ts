import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, suite, test } from 'node:test';
import yazl from 'yazl';
import { openTensorFile } from './tensor-file.ts';

/** Writes the instructions that `torch.save` uses. */
const write = {
  text: (value: string) => {
    const bytes = Buffer.from(value);
    const head = Buffer.from([0x58, 0, 0, 0, 0]);
    head.writeUInt32LE(bytes.length, 1);
    return Buffer.concat([head, bytes]);
  },
  int: (value: number) => {
    const bytes = Buffer.from([0x4a, 0, 0, 0, 0]);
    bytes.writeInt32LE(value, 1);
    return bytes;
  },
  global: (module: string, name: string) => Buffer.from(`c${module}\n${name}\n`),
  tuple: (...items: readonly Buffer[]) => Buffer.concat([Buffer.from('('), ...items, Buffer.from('t')]),
  dict: (entries: Readonly<Record<string, Buffer>>) =>
    Buffer.concat([
      Buffer.from('}('),
      ...Object.entries(entries).flatMap(([key, value]) => [write.text(key), value]),
      Buffer.from('u'),
    ]),
  call: (callee: Buffer, args: Buffer) => Buffer.concat([callee, args, Buffer.from('R')]),
  pickle: (value: Buffer) => Buffer.concat([Buffer.from([0x80, 2]), value, Buffer.from('.')]),
};

interface View {
  readonly key: string;
  readonly type?: string;
  readonly length: number;
  readonly offset?: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

const ints = (values: readonly number[]) => write.tuple(...values.map(write.int));
const NO_HOOKS = write.call(write.global('collections', 'OrderedDict'), Buffer.from(')'));

function tensor({ key, type = 'FloatStorage', length, offset = 0, shape, strides }: View, legacy = false): Buffer {
  const id = [
    write.text('storage'),
    write.global('torch', type),
    write.text(key),
    write.text('cpu'),
    write.int(length),
  ];
  const storage = Buffer.concat([write.tuple(...id, ...(legacy ? [Buffer.from('N')] : [])), Buffer.from('Q')]);
  const args = write.tuple(storage, write.int(offset), ints(shape), ints(strides), Buffer.from([0x89]), NO_HOOKS);
  return write.call(write.global('torch._utils', '_rebuild_tensor_v2'), args);
}

const floats = (...values: readonly number[]) => Buffer.from(Float32Array.from(values).buffer);

async function zipFile(members: Readonly<Record<string, Buffer>>, compress = false): Promise<Buffer> {
  const zip = new yazl.ZipFile();
  for (const [name, bytes] of Object.entries(members)) zip.addBuffer(bytes, `archive/${name}`, { compress });
  zip.end();
  return buffer(zip.outputStream);
}

const zipOf = (entries: Readonly<Record<string, Buffer>>, storages: Readonly<Record<string, Buffer>>) =>
  zipFile({
    'data.pkl': write.pickle(write.dict(entries)),
    ...Object.fromEntries(Object.entries(storages).map(([key, bytes]) => [`data/${key}`, bytes])),
  });

/** `pickle.dumps` of the magic number, the protocol and the writer's machine. */
const LEGACY_START = Buffer.concat([
  Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex'),
  Buffer.from('80024de9032e', 'hex'),
  write.pickle(write.dict({ little_endian: Buffer.from([0x88]) })),
]);

function legacyOf(entries: Readonly<Record<string, Buffer>>, storages: readonly (readonly [string, number, Buffer])[]) {
  const keys = Buffer.concat([Buffer.from(']('), ...storages.map(([key]) => write.text(key)), Buffer.from('e')]);
  const data = storages.flatMap(([, count, bytes]) => {
    const length = Buffer.alloc(8);
    length.writeBigInt64LE(BigInt(count));
    return [length, bytes];
  });
  return Buffer.concat([LEGACY_START, write.pickle(write.dict(entries)), write.pickle(keys), ...data]);
}

suite('a PyTorch file', () => {
  let path: string;
  before(async () => {
    path = join(await mkdtemp(join(tmpdir(), 'sepal-pth-')), 'a.pth');
  });
  after(() => rm(join(path, '..'), { recursive: true }));

  const read = async (bytes: Buffer) => {
    await writeFile(path, bytes);
    const { tensors } = await openTensorFile(path);
    return Object.fromEntries(
      [...tensors].map(([name, stored]) => {
        const { shape, dtype, data } = stored.read();
        assert.deepEqual([stored.shape, stored.dtype], [shape, dtype]);
        return [name, [dtype, shape, Array.from(data, Number)]];
      }),
    );
  };
  const plain = { key: '0', length: 6, shape: [2, 3], strides: [3, 1] };
  const six = floats(1, 2, 3, 4, 5, 6);

  test('of either format gives rows, transposed views, parts, scalars and empty tensors', async () => {
    const views: Record<string, View> = {
      rows: plain,
      transposed: { ...plain, shape: [3, 2], strides: [1, 3] },
      part: { ...plain, offset: 1, shape: [2, 2] },
      scalar: { ...plain, offset: 5, shape: [], strides: [] },
      empty: { ...plain, shape: [0, 4], strides: [4, 1] },
    };
    const expected = {
      rows: ['float32', [2, 3], [1, 2, 3, 4, 5, 6]],
      transposed: ['float32', [3, 2], [1, 4, 2, 5, 3, 6]],
      part: ['float32', [2, 2], [2, 3, 5, 6]],
      scalar: ['float32', [], [6]],
      empty: ['float32', [0, 4], []],
    };
    const entries = (legacy: boolean) =>
      Object.fromEntries(Object.entries(views).map(([name, view]) => [name, tensor(view, legacy)]));
    assert.deepEqual(await read(await zipOf(entries(false), { '0': six })), expected);
    assert.deepEqual(await read(legacyOf(entries(true), [['0', 6, six]])), expected);
  });

  test('may hold any type of storage, parameters, and what is no tensor', async () => {
    const two = { length: 2, shape: [2], strides: [1] };
    const parameter = write.call(
      write.global('torch._utils', '_rebuild_parameter'),
      write.tuple(tensor({ ...two, key: 'f' }), Buffer.from([0x88]), NO_HOOKS),
    );
    const bytes = await zipOf(
      {
        parameter,
        half: tensor({ ...two, key: 'h', type: 'HalfStorage' }),
        brain: tensor({ ...two, key: 'b', type: 'BFloat16Storage' }),
        double: tensor({ ...two, key: 'd', type: 'DoubleStorage' }),
        long: tensor({ ...two, key: 'l', type: 'LongStorage' }),
        epoch: write.int(3),
      },
      {
        f: floats(1, 2),
        h: Buffer.from('003c00c0', 'hex'),
        b: Buffer.from('803f00c0', 'hex'),
        d: Buffer.from(Float64Array.of(0.1, 7).buffer),
        l: Buffer.from(BigInt64Array.of(5n, -1n).buffer),
      },
    );
    assert.deepEqual(await read(bytes), {
      parameter: ['float32', [2], [1, 2]],
      half: ['float16', [2], [0x3c00, 0xc000]],
      brain: ['bfloat16', [2], [0x3f80, 0xc000]],
      double: ['float64', [2], [0.1, 7]],
      long: ['int64', [2], [5, -1]],
    });
  });

  test("of a training script gives its model's weights, without DataParallel's name", async () => {
    const bytes = await zipOf(
      { state_dict: write.dict({ 'module.fc.weight': tensor(plain) }), optimizer: write.dict({ w: tensor(plain) }) },
      { '0': six },
    );
    assert.deepEqual(Object.keys(await read(bytes)), ['fc.weight']);
  });

  test("of a wrapped model has the model's own names", async () => {
    const names = ['module.fc.weight', '_orig_mod.fc.weight', 'module._orig_mod.fc.weight'];
    for (const name of names) {
      const bytes = await zipOf({ n_averaged: tensor({ ...plain, shape: [], strides: [] }), [name]: tensor(plain) }, { '0': six }); // prettier-ignore
      assert.deepEqual(Object.keys(await read(bytes)), ['fc.weight']);
    }
  });

  test('may have its weights under any key: the dict of the most tensors', async () => {
    const weights = write.dict({ 'fc.bias': tensor(plain), 'fc.weight': tensor(plain) });
    const optimizer = write.dict({ state: write.dict({ step: tensor(plain) }) });
    const entries = {
      ema: weights,
      model: write.dict({ name: write.text('resnet') }),
      optimizer,
      rng: write.dict({ cpu: tensor(plain) }),
    };
    assert.deepEqual(Object.keys(await read(await zipOf(entries, { '0': six }))), ['fc.bias', 'fc.weight']);
    await assert.rejects(read(await zipOf({ ...entries, student: weights }, { '0': six })), {
      code: 'WEIGHTS_FORMAT',
      received: 'ema, student',
    });
  });

  const evil = write.call(write.global('posix', 'system'), write.tuple(write.text('echo hi')));
  const refused: readonly (readonly [string, () => Buffer | Promise<Buffer>, string, RegExp])[] = [
    ['zip that calls a function', () => zipOf({ w: evil }, {}), 'WEIGHTS_UNSAFE', /would call posix\.system/],
    [
      'legacy file that calls a function',
      () => legacyOf({ w: evil }, []),
      'WEIGHTS_UNSAFE',
      /would call posix\.system/,
    ],
    ['bare pickle that calls a function', () => write.pickle(evil), 'WEIGHTS_UNSAFE', /would call posix\.system/],
    [
      'storage loaded by a function of its own',
      () =>
        zipOf({ w: write.call(write.global('torch.storage', '_load_from_bytes'), write.tuple(write.text(''))) }, {}),
      'WEIGHTS_UNSAFE',
      /would call torch\.storage\._load_from_bytes/,
    ],
    ['zip cut off', async () => (await zipOf({ w: tensor(plain) }, { '0': six })).subarray(0, -30), 'WEIGHTS_CORRUPT', /no whole zip archive of weights/], // prettier-ignore
    ['legacy file cut off', () => legacyOf({ w: tensor(plain, true) }, [['0', 6, six]]).subarray(0, -1), 'WEIGHTS_CORRUPT', /it is cut off/], // prettier-ignore
    ['legacy file with more behind it', () => Buffer.concat([legacyOf({ w: tensor(plain, true) }, [['0', 6, six]]), six]), 'WEIGHTS_CORRUPT', /24 bytes behind its end/], // prettier-ignore
    ['legacy file without a storage', () => legacyOf({ w: tensor(plain, true) }, []), 'WEIGHTS_CORRUPT', /numbers of tensor w are missing/], // prettier-ignore
    ['zip without a storage', () => zipOf({ w: tensor(plain) }, {}), 'WEIGHTS_CORRUPT', /storage 0 is missing/],
    ['zip with a short storage', () => zipOf({ w: tensor(plain) }, { '0': six.subarray(4) }), 'WEIGHTS_CORRUPT', /storage 0 has 20 bytes, not 24/], // prettier-ignore
    ['zip with compressed members', () => zipFile({ 'data.pkl': write.pickle(write.dict({ w: tensor(plain) })), 'data/0': six }, true), 'WEIGHTS_CORRUPT', /is compressed/], // prettier-ignore
    ['TorchScript', () => zipFile({ 'code/__torch__/net.py': six, 'data.pkl': six, 'constants.pkl': six }, true), 'WEIGHTS_FORMAT', /is TorchScript, not weights alone/], // prettier-ignore
    ['TorchScript without compression', () => zipFile({ 'data/0': six, 'data.pkl': six, 'constants.pkl': six }), 'WEIGHTS_FORMAT', /is TorchScript/], // prettier-ignore
    ['a program of torch.export', () => zipFile({ 'data/weights/weight_0': six, archive_format: Buffer.from('pt2') }), 'WEIGHTS_FORMAT', /is a program of torch\.export/], // prettier-ignore
    ['zip of something else', () => zipFile({ 'readme.txt': six }), 'WEIGHTS_CORRUPT', /no data\.pkl/],
    ['tensor beyond its storage', () => zipOf({ w: tensor({ ...plain, offset: 1 }) }, { '0': six }), 'WEIGHTS_CORRUPT', /tensor w reaches beyond its storage/], // prettier-ignore
    ['tensor that repeats one number', () => zipOf({ w: tensor({ ...plain, shape: [1e6, 1e6], strides: [0, 0] }) }, { '0': six }), 'WEIGHTS_CORRUPT', /tensor w reaches beyond its storage/], // prettier-ignore
    ['tensor of negative size', () => zipOf({ w: tensor({ ...plain, shape: [-2, 3] }) }, { '0': six }), 'WEIGHTS_CORRUPT', /arguments of a tensor/], // prettier-ignore
    ['tensor of more axes than PyTorch has', () => zipOf({ w: tensor({ key: '0', length: 6, shape: Array(65).fill(1), strides: Array(65).fill(1) }) }, { '0': six }), 'WEIGHTS_CORRUPT', /arguments of a tensor/], // prettier-ignore
    ['file without tensors', () => zipOf({ epoch: write.int(3) }, {}), 'WEIGHTS_CORRUPT', /no dict of tensors/],
    ['empty file', () => Buffer.alloc(0), 'WEIGHTS_CORRUPT', /cut off/],
  ];
  for (const [name, bytes, code, message] of refused) {
    test(`refused: ${name}`, async () => {
      await assert.rejects(read(await bytes()), { name: 'WeightsError', code, message });
    });
  }

  test('refused: a dict inside itself', async () => {
    const bytes = Buffer.concat([Buffer.from('}q\0'), write.text('state_dict'), Buffer.from('h\0s')]);
    await assert.rejects(read(await zipFile({ 'data.pkl': write.pickle(bytes) })), { message: /no dict of tensors/ });
  });

  test('refused: a zip with a changed byte', async () => {
    const bytes = await zipOf({ w: tensor(plain) }, { '0': six });
    bytes[bytes.indexOf(six) + 1] ^= 1;
    await assert.rejects(read(bytes), { code: 'WEIGHTS_CORRUPT', message: /archive\/data\/0 has another checksum/ });
  });
});
