import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { convertFolder } from './convert.ts';
import { openDataset } from './dataset.ts';
import { SPLITS, type Split } from './locate.ts';
import { ParquetSource } from './parquet.ts';

// Ten pictures in two splits, written by Hugging Face's `datasets` in row groups of three. The red of picture i is 10 i,
// its class i % 3.
const FIXTURES = join(import.meta.dirname, '..', '..', 'test', 'parquet');
const TRAIN = join(FIXTURES, 'train-00000-of-00001.parquet');
const root = await mkdtemp(join(tmpdir(), 'sepal-parquet-'));
after(() => rm(root, { recursive: true }));

/** Numbers of the pictures in a split, by their red, with their labels checked. */
async function numbersIn(folder: string, split: Split): Promise<number[]> {
  const dataset = await openDataset(folder, { split });
  const numbers: number[] = [];
  for await (const { images, labels, mask } of dataset.batches({ batchSize: 16 })) {
    for (let row = 0; row < mask.length; row++) {
      if (mask[row] === 0) continue;
      const number = Math.round(images[row * 16 * 16 * 3] / 10);
      assert.equal(labels[row], number % 3);
      numbers.push(number);
    }
  }
  await dataset.close();
  return numbers;
}

test('files named after splits become those splits, and validation is drawn where none is', async () => {
  const { classNames, images } = await convertFolder(FIXTURES, { out: join(root, 'a'), size: 16, val: 0.4, test: 0 });
  assert.deepEqual(classNames, ['daisy', 'rose', 'tulip']);
  assert.deepEqual(images, { train: 7, val: 3, test: 0 });
  assert.deepEqual(await numbersIn(join(root, 'a'), 'train'), [0, 1, 2, 3, 4, 5, 6]);
  assert.deepEqual(await numbersIn(join(root, 'a'), 'val'), [7, 8, 9]);
});

test('folders named after splits become those, and rows of files with one name have names of their own', async () => {
  const folder = join(root, 'train set');
  for (const [split, file] of [
    ['train', 'train-00000-of-00001.parquet'],
    ['validation', 'validation-00000-of-00001.parquet'],
  ]) {
    await mkdir(join(folder, 'default', split), { recursive: true });
    await copyFile(join(FIXTURES, file), join(folder, 'default', split, '0000.parquet'));
  }
  const out = join(root, 'folders');
  const { images } = await convertFolder(folder, { out, size: 16, val: 0.4, test: 0.2 });
  assert.deepEqual(images, { train: 7, val: 3, test: 0 });
  assert.deepEqual(await numbersIn(out, 'val'), [7, 8, 9]);
  const { ids } = await openDataset(out, { split: ['train', 'val'] });
  assert.equal(new Set(ids).size, 10);
  assert.deepEqual([ids[0], ids[9]], ['train/0000/0', 'validation/0000/2']);
});

test('a label beyond the names of the classes is refused before anything is written', async () => {
  const folder = join(root, 'two-names');
  await mkdir(folder);
  const text = (await readFile(TRAIN)).toString('latin1').replace('rose", "tulip', 'rose_or_tulip');
  await writeFile(join(folder, 'x.parquet'), Buffer.from(text, 'latin1'));
  await assert.rejects(convertFolder(folder, { out: join(root, 'e'), size: 16 }), {
    code: 'LABEL_OUT_OF_RANGE',
    place: { file: join(folder, 'x.parquet'), record: 2 },
  });
});

test('one file is split by class, every row once', async () => {
  const { images } = await convertFolder(TRAIN, { out: join(root, 'b'), size: 16, val: 0.3, test: 0.3 });
  assert.deepEqual(images, { train: 3, val: 3, test: 1 });
  const all = (await Promise.all(SPLITS.map((split) => numbersIn(join(root, 'b'), split)))).flat();
  assert.deepEqual(
    all.toSorted((a, b) => a - b),
    [0, 1, 2, 3, 4, 5, 6],
  );
});

test('rows are read in any order', async () => {
  const source = await ParquetSource.open([TRAIN]);
  const forward = await source.read(Uint32Array.of(0, 1, 2, 3, 4, 5, 6));
  const back = await source.read(Uint32Array.of(6, 5, 4, 3, 2, 1, 0));
  assert.deepEqual(back, forward.toReversed());
  assert.deepEqual(source.place(4), { file: TRAIN, record: 4 });
});

test('a damaged file, and one without pictures, are named', async () => {
  const folder = join(root, 'damaged');
  await mkdir(folder);
  const file = join(folder, 'x.parquet');
  const bytes = await readFile(TRAIN);
  for (const damaged of [bytes.subarray(0, 500), Buffer.from('no parquet at all'), Buffer.alloc(0)]) {
    await writeFile(file, damaged);
    await assert.rejects(convertFolder(folder, { out: join(root, 'c'), size: 16 }), {
      code: 'BAD_PARQUET',
      place: { file },
    });
  }
  await copyFile(TRAIN, file);
  const renamed = Buffer.from(
    (await readFile(TRAIN)).toString('latin1').replaceAll('image', 'imaqe').replaceAll('Image', 'Imaqe'),
    'latin1',
  );
  await writeFile(file, renamed);
  await assert.rejects(convertFolder(folder, { out: join(root, 'd'), size: 16 }), {
    code: 'NOT_AN_IMAGE_SET',
    received: 'the columns imaqe, label',
  });
});

/** One row, image 'x' and label true, by pyarrow. */
const TRUE_LABEL =
  'UEFSMRUAFRYVFiwVAhUAFQYVBhwAAAACAAAAAgEBAAAAeBUAFQ4VDiwVAhUAFQYVBhwAAAACAAAAAgEBFQQZPDUAGAZzY2hlbWEVBAAVDCUCGAVpbWFnZQAVACUC' +
  'GAVsYWJlbAAWAhkcGSwmABwVDBklBgAZGAVpbWFnZRUAFgIWPBY8JghJHBUAFQAVAgA8FgIZBhkmAAIAAAAmABwVABklBgAZGAVsYWJlbBUAFgIWNBY0JkRJHBUA' +
  'FQAVAgA8KQYZJgACAAAAFnAWAiYIFnAAKCBwYXJxdWV0LWNwcC1hcnJvdyB2ZXJzaW9uIDI2LjAuMRksHAAAHAAAAMEAAABQQVIx';

test('labels that are neither numbers nor words are named', async () => {
  const file = join(root, 'true.parquet');
  await writeFile(file, Buffer.from(TRUE_LABEL, 'base64'));
  await assert.rejects(ParquetSource.open([file]), { code: 'NO_LABELS', received: 'a boolean' });
});

/** 3,000 rows of nothing in four row groups of 750, by pyarrow: each has fewer rows than the file has bytes. */
const MANY_ROWS =
  'UEFSMRUAFQ4VDiwV3AsVABUGFQYcAAAAAwAAANwLABUAFQ4VDiwV3AsVABUGFQYcAAAAAwAAANwLABUAFQ4VDiwV3AsVABUGFQYcAAAAAwAAANwLABUAFQ4VDiwV3AsV' +
  'ABUGFQYcAAAAAwAAANwLABUAFQ4VDiwV3AsVABUGFQYcAAAAAwAAANwLABUAFQ4VDiwV3AsVABUGFQYcAAAAAwAAANwLABUAFQ4VDiwV3AsVABUGFQYcAAAAAwAAANwL' +
  'ABUAFQ4VDiwV3AsVABUGFQYcAAAAAwAAANwLABUEGTw1ABgGc2NoZW1hFQQAFQwlAhgFaW1hZ2UAFQwlAhgFbGFiZWwlAEwcAAAAFvAuGUwZLCYAHBUMGSUGABkYBWlt' +
  'YWdlFQAW3AsWNhY2JghJHBUAFQAVAgA8FgAZBhkm3AsAAAAAJgAcFQwZJQYAGRgFbGFiZWwVABbcCxY2FjYmPkkcFQAVABUCADwWABkGGSbcCwAAAAAWbBbcCyYIFmwA' +
  'GSwmABwVDBklBgAZGAVpbWFnZRUAFtwLFjYWNiZ0SRwVABUAFQIAPBYAGQYZJtwLAAAAACYAHBUMGSUGABkYBWxhYmVsFQAW3AsWNhY2JqoBSRwVABUAFQIAPBYAGQYZ' +
  'JtwLAAAAABZsFtwLJnQWbAAZLCYAHBUMGSUGABkYBWltYWdlFQAW3AsWNhY2JuABSRwVABUAFQIAPBYAGQYZJtwLAAAAACYAHBUMGSUGABkYBWxhYmVsFQAW3AsWNhY2' +
  'JpYCSRwVABUAFQIAPBYAGQYZJtwLAAAAABZsFtwLJuABFmwAGSwmABwVDBklBgAZGAVpbWFnZRUAFtwLFjYWNibMAkkcFQAVABUCADwWABkGGSbcCwAAAAAmABwVDBkl' +
  'BgAZGAVsYWJlbBUAFtwLFjYWNiaCA0kcFQAVABUCADwWABkGGSbcCwAAAAAWbBbcCybMAhZsACggcGFycXVldC1jcHAtYXJyb3cgdmVyc2lvbiAyNi4wLjEZLBwAABwA' +
  'AAAmAgAAUEFSMQ==';

test('more rows than the file has bytes are refused before any is read, in however many row groups', async () => {
  const file = join(root, 'groups.parquet');
  await writeFile(file, Buffer.from(MANY_ROWS, 'base64'));
  await assert.rejects(ParquetSource.open([file]), { code: 'BAD_PARQUET', message: /3000 rows in 778 bytes/ });
});

/** One row whose label has 16 MiB, in 323 bytes with Brotli, by pyarrow. */
const LONG_LABEL =
  'UEFSMRUAFRYVHiwVAhUAFQYVBhwAAAAbCgAApAECBPCGQAE0rHAVABWUgIAQFVYsFQIVABUGFQYcAAAAy///PwCkAQIEwlQsl1XhEJC+3v95/v//ASABEIcFoHv/FwkA' +
  'ACQAAogAABUEGTw1ABgGc2NoZW1hFQQAFQwlAhgFaW1hZ2UAFQwlAhgFbGFiZWwlAEwcAAAAFgIZHBksJgAcFQwZJQYAGRgFaW1hZ2UVCBYCFjwWRCYISRwVABUAFQIA' +
  'PBYCGQYZJgACAAAAJgAcFQwZJQYAGRgFbGFiZWwVCBYCFsCAgBAWggEmTEkcFQAVABUCADwWgICAEBkGGSYAAgAAABb8gIAQFgImCBbGAQAoIHBhcnF1ZXQtY3BwLWFy' +
  'cm93IHZlcnNpb24gMjYuMC4xGSwcAAAcAAAA1AAAAFBBUjE=';

test('what unpacks to far more than the file has is refused before it takes memory', async () => {
  const file = join(root, 'bomb.parquet');
  await writeFile(file, Buffer.from(LONG_LABEL, 'base64'));
  await assert.rejects(ParquetSource.open([file]), { code: 'BAD_PARQUET', message: /unpack to more than 326 KiB/ });
});
