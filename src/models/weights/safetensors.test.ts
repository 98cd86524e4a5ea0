import assert from 'node:assert/strict';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { DTYPES, type HostTensor } from '../../xla/index.ts';
import { host } from '../../../test/evaluate.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';

// Written by `writeSafetensors` and loaded by the Python package safetensors 0.8.0, which gave the same numbers.
const GOLDEN = Buffer.from(
  'yAAAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJub3RlIjoieCJ9LCJ3Ijp7ImR0eXBlIjoiRjMyIiwic2hhcGUiOlsyLDJdLCJkYXRhX29mZnNldHMi' +
    'OlswLDE2XX0sInN0ZXAiOnsiZHR5cGUiOiJVMzIiLCJzaGFwZSI6W10sImRhdGFfb2Zmc2V0cyI6WzE2LDIwXX0sImIiOnsiZHR5cGUiOiJCRjE2' +
    'Iiwic2hhcGUiOlszXSwiZGF0YV9vZmZzZXRzIjpbMjAsMjZdfX0gIAAAgD8AAADAAAAAPwAAgEAHAAAAgD8AQIC/',
  'base64',
);
const GOLDEN_TENSORS = new Map<string, HostTensor>([
  ['w', host('float32', [2, 2], [1, -2, 0.5, 4])],
  ['b', host('bfloat16', [3], [1, 2, -1])],
  ['step', host('uint32', [], [7])],
]);

const entry = (from: number, to: number, shape: readonly number[] = [(to - from) / 4], dtype = 'F32') => ({
  dtype,
  shape,
  data_offsets: [from, to],
});

/** A file with this header and eight bytes of data. */
function fileOf(header: unknown, data = Buffer.alloc(8)): Buffer {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.byteLength));
  return Buffer.concat([length, text, data]);
}

suite('a safetensors file', () => {
  let path: string;
  before(async () => {
    path = join(await mkdtemp(join(tmpdir(), 'sepal-safetensors-')), 'a.safetensors');
  });
  after(() => rm(join(path, '..'), { recursive: true }));

  test('holds every dtype, scalars and empty tensors, and text', async () => {
    const tensors = new Map<string, HostTensor>(
      DTYPES.map((dtype) => [`of/${dtype}`, host(dtype, [3], dtype === 'bool' ? [1, 0, 1] : [1, 2, 3])]),
    );
    tensors.set('scalar', host('float64', [], [0.1]));
    tensors.set('empty', host('int8', [0, 4], []));
    await writeSafetensors(path, tensors, { sepal: '{"ü": 1}', more: '' });
    const read = await readSafetensors(path);
    assert.deepEqual(read.tensors, tensors);
    assert.deepEqual(read.metadata, { sepal: '{"ü": 1}', more: '' });
  });

  test('has the bytes that the reference implementation reads', async () => {
    await writeSafetensors(path, GOLDEN_TENSORS, { note: 'x' });
    assert.deepEqual(await readFile(path), GOLDEN);
    await writeFile(path, GOLDEN);
    assert.deepEqual((await readSafetensors(path)).tensors, GOLDEN_TENSORS);
  });

  const small = freemem() < 4 * 2 ** 30 && 'takes 2 GiB of memory';
  test('of more than 2 GiB, as checkpoints of the largest models are, is read', { skip: small }, async () => {
    const large = fileOf({ a: entry(0, 2 ** 31, [2 ** 31], 'I8'), b: entry(2 ** 31, 2 ** 31 + 4) }, Buffer.alloc(0));
    const file = await open(path, 'w');
    await file.write(large);
    // Without blocks on the disk for what is between.
    await file.write(Buffer.from(Float32Array.of(3).buffer), 0, 4, large.byteLength + 2 ** 31);
    await file.close();
    const { tensors } = await readSafetensors(path);
    assert.equal(tensors.get('a')?.data.length, 2 ** 31);
    assert.deepEqual(tensors.get('b'), host('float32', [1], [3]));
    await rm(path);
  });

  test('without tensors is one', async () => {
    await writeFile(path, fileOf({}, Buffer.alloc(0)));
    assert.deepEqual(await readSafetensors(path), { tensors: new Map(), metadata: {} });
  });

  const huge = Buffer.alloc(16);
  huge.writeBigUInt64LE(2n ** 62n);
  const twice =
    '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}';
  const refused: readonly (readonly [string, Buffer, RegExp])[] = [
    ['that is empty', Buffer.alloc(0), /shorter than its header/],
    ['cut off in its header', GOLDEN.subarray(0, 60), /its header is cut off/],
    ['cut off in its data', GOLDEN.subarray(0, -4), /tensor b is cut off/],
    ['with a header longer than any', huge, /its header is cut off/],
    ['whose header is no JSON', fileOf('{"a":'), /its header is no JSON object/],
    ['whose header is a list', fileOf([]), /its header is no JSON object/],
    ['of another kind', Buffer.from('\x89PNG\r\n\x1a\nIHDR and more'), /its header is cut off/],
    ['with an entry that is none', fileOf({ a: { dtype: 'F32', shape: [2] } }), /entry of tensor a makes no sense/],
    ['with a negative size', fileOf({ a: entry(0, 8, [-2]) }), /entry of tensor a makes no sense/],
    ['with a shape that needs more bytes', fileOf({ a: entry(0, 8, [3]) }), /tensor a \[3\] has 8 bytes/],
    ['with a shape beyond all numbers', fileOf({ a: entry(0, 8, [2 ** 50, 2 ** 50]) }), /tensor a .* has 8 bytes/],
    ['with offsets beyond its end', fileOf({ a: entry(0, 16) }), /tensor a is cut off/],
    ['with offsets the wrong way round', fileOf({ a: entry(8, 0, [2]) }), /tensor a \[2\] has -8 bytes/],
    ['with tensors that overlap', fileOf({ a: entry(0, 8), b: entry(4, 8) }), /tensor b starts at byte 4/],
    ['with a hole', fileOf({ a: entry(4, 8) }), /tensor a starts at byte 4/],
    ['with bytes of no tensor', fileOf({ a: entry(0, 4) }), /4 bytes belong to no tensor/],
    ['with a name twice', fileOf(twice), /tensor a starts at byte 4/],
  ];
  for (const [name, bytes, message] of refused) {
    test(`${name} is refused`, async () => {
      await writeFile(path, bytes);
      await assert.rejects(readSafetensors(path), { name: 'WeightsError', code: 'WEIGHTS_CORRUPT', message });
    });
  }

  test('with a dtype that we do not have is refused by its name', async () => {
    await writeFile(path, fileOf({ a: entry(0, 8, [8], 'F8_E4M3') }));
    await assert.rejects(readSafetensors(path), { code: 'WEIGHTS_DTYPE', received: 'F8_E4M3', expected: /^F32, / });
  });

  test('that is not there, or a folder, is refused', async () => {
    await assert.rejects(readSafetensors(`${path}.no`), { code: 'WEIGHTS_FILE', message: /^there is no file / });
    await assert.rejects(readSafetensors(join(path, '..')), { code: 'WEIGHTS_FILE', message: /^can't read / });
  });
});
