import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { float32Of } from './stored-tensor.ts';
import { openTensorFile } from './tensor-file.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', '..', 'test', 'weights');

/** Variables of the model in `tiny.py`, which count up from one to the next. */
const VARIABLES: readonly (readonly [string, string, readonly number[]])[] = [
  ['inner_conv', 'kernel', [1, 1, 3, 2]],
  ['inner_conv', 'bias', [2]],
  ['inner_bn', 'gamma', [2]],
  ['inner_bn', 'beta', [2]],
  ['inner_bn', 'moving_mean', [2]],
  ['inner_bn', 'moving_variance', [2]],
  ['depthwise', 'kernel', [3, 3, 2, 1]],
  ['predictions', 'kernel', [8, 3]],
  ['predictions', 'bias', [3]],
];

suite('a weight file that Keras wrote', () => {
  /** Layer and variable with shape and first value. */
  const expected = (slots: boolean) => {
    let start = 0;
    const numbers = new Map<string, number>();
    return VARIABLES.map(([layer, variable, shape]) => {
      const first = start;
      start += shape.reduce((a, b) => a * b);
      const number = numbers.get(layer) ?? 0;
      numbers.set(layer, number + 1);
      const outer = layer.startsWith('inner') ? 'inner' : layer;
      return slots ? [layer, String(number), shape, first, 'float32'] : [outer, variable, shape, first, 'float32'];
    });
  };
  const read = async (name: string) => {
    const file = await openTensorFile(join(FIXTURES, name));
    try {
      const layers = file.keras?.layers ?? [];
      return layers.flatMap((layer) =>
        layer.tensors.map(({ slot, tensor }) => {
          const { data, dtype } = tensor.read();
          return [layer.name, slot, tensor.shape, Number(data[0]), dtype];
        }),
      );
    } finally {
      file.close();
    }
  };
  const sorted = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row)).toSorted();

  test('in the old form has groups of the outer layers, in order', async () => {
    assert.deepEqual(await read('tiny.h5'), expected(false));
  });

  test('in the form of Keras 3 has each layer under its name', async () => {
    assert.deepEqual(sorted(await read('tiny.weights.h5')), sorted(expected(true)));
  });

  for (const name of ['tiny-compiled.weights.h5', 'tiny.keras']) {
    test(`is read without the state of training that is beside it: ${name}`, async () => {
      assert.deepEqual(sorted(await read(name)), sorted(expected(true)));
    });
  }

  test('has its bits where its variables are float16', async () => {
    const rows = await read('tiny-float16.weights.h5');
    const file = await openTensorFile(join(FIXTURES, 'tiny-float16.weights.h5'));
    const numbers = [...file.tensors.values()].flatMap((tensor) => [...float32Of(tensor.read())]);
    assert.deepEqual(new Set(rows.map(([, , , , dtype]) => dtype)), new Set(['float16']));
    assert.deepEqual(
      numbers.toSorted((a, b) => a - b),
      Array.from(numbers, (_, i) => i),
    );
  });

  test('is refused when it is cut off', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sepal-hdf5-'));
    try {
      const whole = await readFile(join(FIXTURES, 'tiny.h5'));
      for (const length of [20, 1000, whole.length - 1]) {
        const path = join(folder, `${length}.h5`);
        await writeFile(path, whole.subarray(0, length));
        await assert.rejects(openTensorFile(path), { name: 'WeightsError', code: 'WEIGHTS_CORRUPT', message: /no whole HDF5 file/ }); // prettier-ignore
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

for (const how of ['storage', 'link', 'virtual']) {
  test(`a file that would read another one is refused: ${how}`, async () => {
    await assert.rejects(openTensorFile(join(FIXTURES, `outside-${how}.h5`)), {
      code: 'WEIGHTS_UNSAFE',
      message: /outside-\w+\.h5 has tensors in another file, which is not read/,
      received: '"/etc/hostname"',
    });
  });
}

test('files that Keras wrote as several are refused as that; a number in the name of a whole one is none', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sepal-shards-'));
  t.after(() => rm(folder, { recursive: true }));
  const bytes = await readFile(join(FIXTURES, 'tiny.weights.h5'));
  const [list, part, whole] = ['net.weights.json', 'net_00001.weights.h5', 'epoch_00001.weights.h5'].map((name) => join(folder, name)); // prettier-ignore
  await writeFile(list, '{\n    "metadata": {},\n    "weight_map": {}\n}');
  for (const path of [part, whole]) await writeFile(path, bytes);
  for (const path of [list, part]) {
    await assert.rejects(openTensorFile(path), {
      code: 'WEIGHTS_FORMAT',
      message: /is part of weights that Keras wrote as several files/,
      hint: /max_shard_size=None/,
    });
  }
  assert.ok((await openTensorFile(whole)).tensors.size > 0);
});

test('a length that the file has no bytes for takes no memory', async () => {
  const bytes = await readFile(join(FIXTURES, 'tiny.weights.h5'));
  // The name of a layer: its length, and the address of the heap that it is in.
  const name = Buffer.alloc(12);
  name.writeUInt32LE('inner_conv'.length);
  name.writeBigUInt64LE(BigInt(bytes.indexOf('GCOL')), 4);
  const place = bytes.indexOf(name);
  assert.ok(place > 0);
  bytes.writeUInt32LE(1_400_000_000, place);
  const folder = await mkdtemp(join(tmpdir(), 'sepal-hdf5-'));
  try {
    const path = join(folder, 'long.weights.h5');
    await writeFile(path, bytes);
    const before = process.resourceUsage().maxRSS;
    await assert.rejects(openTensorFile(path), { code: 'WEIGHTS_CORRUPT' });
    const grown = (process.resourceUsage().maxRSS - before) * 1024;
    assert.ok(grown < 600e6, `${grown} bytes`);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a file that is there but holds no weights is refused with its beginning', async () => {
  await assert.rejects(openTensorFile(import.meta.filename), {
    code: 'WEIGHTS_FORMAT',
    received: 'a file that begins with 696d706f72742061',
  });
  await assert.rejects(openTensorFile(`${import.meta.filename}.no`), {
    code: 'WEIGHTS_FILE',
    message: /there is no file/,
  });
});
