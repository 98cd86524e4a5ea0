import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import {
  array,
  assert as check,
  asyncProperty,
  boolean,
  constantFrom as oneOf,
  dictionary,
  integer,
  jsonValue,
  nat,
  oneof,
  property,
  record as recordOf,
  string as anyText,
  uint8Array,
} from 'fast-check';
import { stringify } from 'yaml';
import { InternalError, SepalError } from '../src/base/index.ts';
import { readClassFile } from '../src/data/classes.ts';
import { bytesValue, encodeExample, integerValues, parseExample } from '../src/data/example.ts';
import { scanTfrecord } from '../src/data/tfrecord.ts';
import { frameRecord } from '../src/data/tfrecord-writer.ts';
import { readSafetensors, writeSafetensors } from '../src/models/index.ts';
import { openTensorFile } from '../src/models/weights/tensor-file.ts';
import { readCheckpoint } from '../src/train/run/checkpoint.ts';
import { parseRecipe } from '../src/train/recipe/recipe.ts';
import { readRecipeFile } from '../src/train/recipe/recipe-file.ts';
import { byteSize, DTYPES, elementCount, hostArray, type HostTensor } from '../src/xla/index.ts';

/** The same cases each time; `npm run fuzz` is the place for new ones. */
const RUNS = { seed: 9, numRuns: 150 } as const;
const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) => (a < b ? -1 : 1);
const PLACE = { file: 'x' };

const bytes = (maxLength = 200) => uint8Array({ maxLength });
const name = anyText({ minLength: 1, maxLength: 12, unit: 'grapheme' });

const tensor = recordOf({ dtype: oneOf(...DTYPES), shape: array(nat(3), { maxLength: 3 }), fill: bytes(300) }).map(
  ({ dtype, shape, fill }): HostTensor => {
    const data = new Uint8Array(elementCount(shape) * byteSize(dtype));
    // Whole numbers of few bits are every dtype's own, also as floats and as truth values.
    data.set(fill.subarray(0, data.length).map((value) => value % 2));
    return { shape, dtype, data: hostArray(dtype, data.buffer) };
  },
);

suite('readers', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-readers-'));
  });
  after(() => rm(folder, { recursive: true }));

  const save = async (file: string, content: Uint8Array | string): Promise<string> => {
    const path = join(folder, file);
    await writeFile(path, content);
    return path;
  };
  const records = async (content: Uint8Array): Promise<{ records: Buffer[]; bad: string[] }> => {
    const found: Buffer[] = [];
    const bad: string[] = [];
    const sink = { record: (data: Buffer) => void found.push(Buffer.from(data)), bad: ({ code }: SepalError) => void bad.push(code) }; // prettier-ignore
    await scanTfrecord(await save('a.tfrec', content), sink);
    return { records: found, bad };
  };

  test('give TFRecords back as they were written, plain and gzipped', async () => {
    await check(
      asyncProperty(array(bytes(), { maxLength: 6 }), boolean(), async (wanted, packed) => {
        const whole = Buffer.concat(wanted.map(frameRecord));
        // An empty file has no records, and that is no damage.
        const read = await records(packed ? gzipSync(whole) : whole);
        assert.deepEqual(read, { records: wanted.map((record) => Buffer.from(record)), bad: [] });
      }),
      RUNS,
    );
  });

  test('find every damaged byte of a TFRecord file', async () => {
    const file = array(bytes(40), { minLength: 1, maxLength: 4 });
    await check(
      asyncProperty(file, nat(), integer({ min: 1, max: 255 }), async (wanted, at, change) => {
        const whole = Buffer.concat(wanted.map(frameRecord));
        whole[at % whole.length] ^= change;
        const { records: found, bad } = await records(whole);
        assert.ok(bad.length > 0);
        for (const record of found) assert.ok(wanted.some((one) => record.equals(one)));
      }),
      RUNS,
    );
  });

  test('give features back as they were encoded', () => {
    check(
      property(dictionary(name, oneof(bytes(), integer()), { maxKeys: 5 }), (values) => {
        const features = parseExample(encodeExample(values), PLACE);
        for (const [key, value] of Object.entries(values)) {
          if (typeof value === 'number') assert.equal(Number(integerValues(features, key)[0]), value);
          else assert.deepEqual(Buffer.from(bytesValue(features, key)!), Buffer.from(value));
        }
      }),
      RUNS,
    );
  });

  test('give tensors of every dtype and shape back', async () => {
    await check(
      asyncProperty(dictionary(name, tensor, { maxKeys: 4 }), dictionary(name, anyText()), async (all, metadata) => {
        // prettier-ignore
        const path = join(folder, 'all.safetensors');
        const tensors = new Map(Object.entries(all).filter(([key]) => key !== '__metadata__'));
        await writeSafetensors(path, tensors, metadata);
        const read = await readSafetensors(path);
        assert.deepEqual(new Map([...read.tensors].toSorted(byName)), new Map([...tensors].toSorted(byName)));
        assert.deepEqual({ ...read.metadata }, { ...metadata });
      }),
      RUNS,
    );
  });

  test('refuse a cut-off safetensors file wherever it is cut', async () => {
    const path = join(folder, 'whole.safetensors');
    await writeSafetensors(path, new Map([['w', { shape: [3], dtype: 'float32', data: Float32Array.of(1, 2, 3) }]]));
    const whole = await readFile(path);
    for (let length = 0; length < whole.length; length++) {
      const cut = await save('cut.safetensors', whole.subarray(0, length));
      await assert.rejects(readSafetensors(cut), { name: 'WeightsError', code: 'WEIGHTS_CORRUPT' });
    }
  });

  /** Reads what is no such file at all, and wants a typed error where it is refused. */
  const refuses = async (read: () => Promise<unknown>): Promise<void> => {
    try {
      await read();
    } catch (error) {
      assert.ok(error instanceof SepalError && !(error instanceof InternalError), String(error));
      assert.ok(!error.message.includes('\n'), error.message);
    }
  };

  test('refuse any bytes in one line', async () => {
    const starts = ['', '\x89HDF\r\n\x1a\n', 'PK\x03\x04', '\x80\x02', '\x1f\x8b\x08', '\x10\0\0\0\0\0\0\0{'];
    const start = oneOf(...starts).map((text) => Buffer.from(text, 'latin1'));
    await check(
      asyncProperty(start, bytes(), async (head, tail) => {
        const path = await save('any.pth', Buffer.concat([head, tail]));
        await refuses(() => openTensorFile(path));
        await refuses(() => readCheckpoint(path));
        await refuses(() => readClassFile(path));
        await refuses(async () => parseRecipe(await readRecipeFile(path), path));
        await refuses(() => records(Buffer.concat([head, tail])));
      }),
      RUNS,
    );
  });

  test('refuse any settings in one line that names the file', async () => {
    await check(
      asyncProperty(jsonValue({ maxDepth: 4 }), async (value) => {
        const path = await save('any.yaml', stringify(value));
        const read = await readRecipeFile(path);
        assert.deepEqual(JSON.stringify(read), JSON.stringify(value));
        assert.throws(() => parseRecipe(read, path), (error: unknown) => error instanceof SepalError && error.message.startsWith(path)); // prettier-ignore
      }),
      RUNS,
    );
  });

  test('refuse what is nested without end', async () => {
    const deep = 100_000;
    const yaml = await save('deep.yaml', '['.repeat(deep));
    await assert.rejects(readRecipeFile(yaml), { code: 'RECIPE_FILE' });
    const header = Buffer.from('{"a":'.repeat(deep));
    const length = Buffer.from(BigUint64Array.of(BigInt(header.length)).buffer);
    const weights = await save('deep.safetensors', Buffer.concat([length, header]));
    await assert.rejects(readSafetensors(weights), { code: 'WEIGHTS_CORRUPT' });
    // Groups inside of groups, which no writer has used for years and every reader has to skip.
    assert.throws(() => parseExample(Buffer.alloc(deep, 0x0b), PLACE), { code: 'BAD_EXAMPLE' });
    // Lists that hold lists.
    const lists = await save('deep.pth', Buffer.concat([Buffer.from([0x80, 2]), Buffer.alloc(deep, 0x5d), Buffer.alloc(deep - 1, 0x61), Buffer.from('.')])); // prettier-ignore
    await assert.rejects(openTensorFile(lists), { name: 'WeightsError' });
  });

  test('refuse YAML aliases that lead nowhere or would fill the memory', async () => {
    const nowhere = await save('nowhere.yaml', 'model: *cnn\n');
    await assert.rejects(readRecipeFile(nowhere), { code: 'RECIPE_FILE', message: /nowhere\.yaml: .*cnn/ });
    const levels = Array.from({ length: 12 }, (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i},`.repeat(10)}]`);
    const bomb = await save('bomb.yaml', ['l0: &l0 [x]', ...levels].join('\n'));
    await assert.rejects(readRecipeFile(bomb), { code: 'RECIPE_FILE', message: /bomb\.yaml: Excessive alias count/ });
  });
});
