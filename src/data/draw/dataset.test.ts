import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { bytesValue, integerValues, parseExample, type Features } from '../example.ts';
import { scanTfrecord } from '../tfrecord.ts';
import { drawDataset, type DrawOptions } from './dataset.ts';

const scratch = mkdtempSync(join(tmpdir(), 'sepal-draw-'));
after(() => rm(scratch, { recursive: true, force: true }));

let folders = 0;
const newOut = () => join(scratch, String(folders++), 'flowers');
const small = { classes: 3, train: 18, val: 6, test: 5, shards: 2, difficulty: 'easy' } satisfies Omit<
  DrawOptions,
  'out'
>;

async function records(file: string): Promise<Features[]> {
  const found: Features[] = [];
  const sink = {
    record: (data: Buffer) => void found.push(parseExample(Buffer.from(data), { file })),
    bad: (error: Error) => {
      throw error;
    },
  };
  await scanTfrecord(file, sink);
  return found;
}

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted();
}

test('a data set has the layout, names, labels, ids and sizes of Kaggle’s', async () => {
  const out = newOut();
  const progress: number[] = [];
  const made = await drawDataset({ ...small, out, size: 224, onProgress: (done) => progress.push(done) });
  assert.deepEqual(made.classes, ['daisy', 'dandelion', 'rose']);
  assert.deepEqual(
    progress,
    Array.from({ length: 29 }, (_, i) => i + 1),
  );
  assert.equal(await readFile(join(out, 'classes.txt'), 'utf8'), 'daisy\ndandelion\nrose\n');

  const files = await filesUnder(out);
  assert.deepEqual(files, [
    'classes.txt',
    'tfrecords-jpeg-224x224/test/00-224x224-3.tfrec',
    'tfrecords-jpeg-224x224/test/01-224x224-2.tfrec',
    'tfrecords-jpeg-224x224/train/00-224x224-9.tfrec',
    'tfrecords-jpeg-224x224/train/01-224x224-9.tfrec',
    'tfrecords-jpeg-224x224/val/00-224x224-3.tfrec',
    'tfrecords-jpeg-224x224/val/01-224x224-3.tfrec',
  ]);
  const ids = new Set<string>();
  const labels: Record<string, number[]> = { train: [0, 0, 0], val: [0, 0, 0] };
  for (const file of files.slice(1)) {
    const found = await records(join(out, file));
    assert.equal(found.length, Number(/-(\d+)\.tfrec$/.exec(basename(file))![1]));
    const split = file.split('/')[1];
    for (const features of found) {
      ids.add(Buffer.from(bytesValue(features, 'id')!).toString());
      const { format, width, height, channels } = await sharp(bytesValue(features, 'image')).metadata();
      assert.deepEqual([format, width, height, channels], ['jpeg', 224, 224, 3]);
      const label = integerValues(features, 'class');
      if (split === 'test') assert.deepEqual(label, []);
      else labels[split][Number(label[0])]++;
    }
  }
  assert.equal(ids.size, 29);
  assert.deepEqual(labels, { train: [6, 6, 6], val: [2, 2, 2] });
});

test('the same seed writes the same bytes, another seed others', async () => {
  const [first, second, other] = [newOut(), newOut(), newOut()];
  await drawDataset({ ...small, out: first });
  await drawDataset({ ...small, out: second });
  await drawDataset({ ...small, out: other, seed: 1 });
  // Without anybody who listens to the progress, too, each split has its files.
  const splits = (await filesUnder(first)).map((file) => file.split('/')[1]);
  assert.deepEqual(new Set(splits.slice(1)), new Set(['train', 'val', 'test']));
  for (const file of await filesUnder(first)) {
    const bytes = await readFile(join(first, file));
    assert.deepEqual(bytes, await readFile(join(second, file)), file);
    if (file !== 'classes.txt') assert.notDeepEqual(bytes, await readFile(join(other, file)), file);
  }
});

test('an abort half way leaves nothing behind', async () => {
  const out = newOut();
  const parent = join(out, '..');
  await mkdir(parent, { recursive: true });
  const controller = new AbortController();
  const reason = new Error('interrupted');
  const drawing = drawDataset({
    ...small,
    out,
    train: 200,
    signal: controller.signal,
    onProgress: (done) => {
      if (done === 120) controller.abort(reason);
    },
  });
  await assert.rejects(drawing, reason);
  assert.deepEqual(await readdir(parent), []);
});

test('a folder with something in it is refused; force replaces a data set and nothing else', async () => {
  const out = newOut();
  await drawDataset({ ...small, out });
  await assert.rejects(drawDataset({ ...small, out }), { name: 'UsageError', code: 'OUT_NOT_EMPTY', hint: /--force/ });
  await drawDataset({ ...small, out, classes: 2, force: true });
  assert.equal(await readFile(join(out, 'classes.txt'), 'utf8'), 'daisy\ndandelion\n');
  assert.deepEqual(await readdir(join(out, '..')), ['flowers']);

  await writeFile(join(out, 'thesis.txt'), 'my only copy');
  await assert.rejects(drawDataset({ ...small, out, force: true }), { code: 'OUT_NOT_EMPTY', received: /thesis\.txt/ });
  assert.equal(await readFile(join(out, 'thesis.txt'), 'utf8'), 'my only copy');
});

test('an empty folder is used, a file is refused', async () => {
  const out = newOut();
  await mkdir(out, { recursive: true });
  await drawDataset({ ...small, out });
  assert.ok((await readdir(out)).includes('classes.txt'));
  await assert.rejects(drawDataset({ ...small, out: join(out, 'classes.txt') }), { code: 'OUT_NOT_FOLDER' });
});

test('options out of range are refused before anything is drawn', async () => {
  const out = newOut();
  const refused = (options: Partial<DrawOptions>, expected: object) =>
    assert.rejects(drawDataset({ ...small, out, ...options }), { name: 'UsageError', ...expected });
  await refused({ classes: 105 }, { expected: '2 to 104', received: '105' });
  await refused({ size: 200 }, { code: 'BAD_SIZE', expected: '192, 224, 331, 512', hint: 'the nearest is 192' });
  await refused({ size: 400 }, { hint: 'the nearest is 331' });
  await refused({ train: 0 }, { code: 'OUT_OF_RANGE' });
  await refused({ val: -1 }, { code: 'OUT_OF_RANGE' });
  await refused({ shards: 0 }, { code: 'OUT_OF_RANGE' });
  await refused({ seed: 0.5 }, { code: 'OUT_OF_RANGE' });
  await assert.rejects(readdir(join(out, '..')), { code: 'ENOENT' });
});
