import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readMatFile } from '../../../src/data/get/mat-file.ts';
import { LABELS_MAT, SPLITS_MAT } from '../../../src/data/get/mat-fixture.ts';
import { listLabelled } from '../../../src/data/label-table.ts';
import { ParquetSource } from '../../../src/data/parquet.ts';
import { mutate, mutateText } from '../mutate.ts';
import type { Target } from '../target.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', 'parquet');

/** Bytes behind the data of a Parquet file: the length of its description, and a word. */
const PARQUET_END = 8;

const parquet: Target = {
  name: 'parquet',
  extension: '.parquet',
  share: 0.5,
  async prepare() {
    const names = ['train-00000-of-00001.parquet', 'validation-00000-of-00001.parquet'];
    const whole = await Promise.all(names.map((name) => readFile(join(FIXTURES, name))));
    return (random) => {
      if (random.integer(2) === 0) return mutate(whole, random);
      // Only the description is damaged, and its length is right.
      const bytes = whole[random.integer(whole.length)];
      const end = bytes.length - PARQUET_END;
      const start = end - bytes.readUInt32LE(end);
      const description = mutate([bytes.subarray(start, end)], random);
      const tail = Buffer.from(bytes.subarray(end));
      tail.writeUInt32LE(description.length);
      return Buffer.concat([bytes.subarray(0, start), description, tail]);
    };
  },
  async read(path) {
    const source = await ParquetSource.open([path]);
    for (let first = 0; first < source.count; first += 4) {
      await source.read(Uint32Array.from({ length: Math.min(4, source.count - first) }, (_, i) => first + i));
    }
    await source.close();
  },
};

const mat: Target = {
  name: 'mat',
  extension: '.mat',
  share: 0.7,
  prepare: async () => (random) => mutate([LABELS_MAT, SPLITS_MAT], random),
  read: async (_path, bytes) => void readMatFile(bytes, 'case'),
};

const TABLES = [
  'file,label\na.jpg,daisy\nb.jpg,rose\n',
  '"image_id";"class"\n"a";1\n"b";2\n',
  '\ufeffid\tspecies\na\tdaisy\nb\t"rose, red"\n',
];
const TABLE_WORDS = ['\n', ',', ';', '\t', '"', '""', '\r\n', '\0', 'a.jpg', '../a', 'constructor', '__proto__', 'file', 'label', '\ufeff']; // prettier-ignore

let photos = '';
const table: Target = {
  name: 'label-table',
  extension: '.csv',
  share: 0.5,
  async prepare(folder) {
    photos = join(folder, 'photos');
    await mkdir(photos, { recursive: true });
    for (const name of ['a.jpg', 'b.jpg']) await writeFile(join(photos, name), '');
    return (random) => mutateText(TABLES, TABLE_WORDS, random);
  },
  read: async (path) => void (await listLabelled(photos, { file: path })),
};

export const tableTargets: readonly Target[] = [parquet, mat, table];
