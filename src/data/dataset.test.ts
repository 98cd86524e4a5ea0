import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import type { Batch, BatchOptions } from './batches.ts';
import { openDataset, type OpenOptions } from './dataset.ts';
import { encodeExample } from './example.ts';
import type { Dataset } from './picture-set.ts';
import { frameRecord } from './tfrecord-writer.ts';

const root = await mkdtemp(join(tmpdir(), 'sepal-dataset-'));
after(() => rm(root, { recursive: true }));

const SIDE = 8;

/** A picture whose every pixel tells its number. */
async function picture(number: number, side = SIDE): Promise<Buffer> {
  const background = { r: number, g: 255 - number, b: 100 };
  return sharp({ create: { width: side, height: side, channels: 3, background } })
    .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
    .toBuffer();
}

type Values = Record<string, Buffer | string | number>;
const kaggle = async (number: number): Promise<Values> => ({
  image: await picture(number),
  class: number % 3,
  id: `id${number}`,
});

/** Writes a train split in two files, and class names. */
async function write(name: string, records: readonly Values[], classes = 'a\nb\nc\n'): Promise<string> {
  const folder = join(root, name);
  const train = join(folder, 'train');
  await mkdir(train, { recursive: true });
  await writeFile(join(folder, 'classes.txt'), classes);
  const half = Math.ceil(records.length / 2);
  for (const [i, part] of [records.slice(0, half), records.slice(half)].entries()) {
    const bytes = Buffer.concat(part.map((values) => frameRecord(encodeExample(values))));
    await writeFile(join(train, `0${i}.tfrec`), bytes);
  }
  return folder;
}

const TEN = await Promise.all(Array.from({ length: 10 }, (_, i) => kaggle(i)));
const ten = await write('ten', TEN);
const opened: Dataset[] = [];
after(() => Promise.all(opened.map((dataset) => dataset.close())));

async function openFile(location: string, options: OpenOptions = {}): Promise<Dataset> {
  const dataset = await openDataset(location, options);
  opened.push(dataset);
  return dataset;
}

const open = (folder: string, options: OpenOptions = {}) => openFile(folder, { split: 'train', ...options });

async function collect(dataset: Dataset, options: Partial<BatchOptions> = {}): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of dataset.batches({ batchSize: 4, ...options })) batches.push(batch);
  return batches;
}

/** Which records the rows with a picture are, by their pixels. */
function seen(batches: readonly Batch[]): number[] {
  return batches.flatMap(({ images, mask, indices }) => {
    const rowBytes = images.length / mask.length;
    return [...mask.keys()]
      .filter((row) => mask[row] === 1)
      .map((row) => {
        const red = images[row * rowBytes];
        assert.ok(Math.abs(red - indices[row]) <= 1, `row of record ${indices[row]} holds picture ${red}`);
        return indices[row];
      });
  });
}

const IN_ORDER = Array.from({ length: 10 }, (_, i) => i);

test('a split gives its records, labels, names and classes', async () => {
  const dataset = await open(ten);
  assert.equal(dataset.count, 10);
  assert.deepEqual(dataset.size, { height: SIDE, width: SIDE });
  assert.deepEqual(dataset.classNames, ['a', 'b', 'c']);
  assert.deepEqual(
    [...dataset.labels],
    IN_ORDER.map((i) => i % 3),
  );
  assert.equal(dataset.ids[9], 'id9');
  assert.deepEqual(dataset.place(7), {
    file: join(ten, 'train', '01.tfrec'),
    record: 2,
    offset: dataset.place(7).offset,
  });
  assert.deepEqual(await dataset.encoded(7), TEN[7].image);
});

test('the last batch is padded and masked, and every record comes once', async () => {
  const dataset = await open(ten);
  const batches = await collect(dataset);
  assert.deepEqual(
    batches.map(({ count }) => count),
    [4, 4, 2],
  );
  assert.deepEqual(seen(batches), IN_ORDER);
  const last = batches[2];
  assert.deepEqual([...last.mask], [1, 1, 0, 0]);
  assert.deepEqual([...last.labels], [2, 0, 0, 0]);
  assert.deepEqual([...last.indices], [8, 9, 0, 0]);
  assert.equal(last.images.length, 4 * SIDE * SIDE * 3);
  assert.ok(last.images.subarray(2 * SIDE * SIDE * 3).every((value) => value === 0));
});

test('a shuffle is a permutation: the same for one seed and epoch, another for another epoch', async () => {
  const dataset = await open(ten);
  const draw = async (seed: number, epoch: number) =>
    seen(await collect(dataset, { order: { shuffle: { seed, epoch } } }));
  const first = await draw(1, 0);
  assert.deepEqual(
    first.toSorted((a, b) => a - b),
    IN_ORDER,
  );
  assert.notDeepEqual(first, IN_ORDER);
  assert.deepEqual(await draw(1, 0), first);
  assert.notDeepEqual(await draw(1, 1), first);
  assert.notDeepEqual(await draw(2, 0), first);
});

test('records can be taken in a given order', async () => {
  const dataset = await open(ten);
  assert.deepEqual(seen(await collect(dataset, { order: Uint32Array.of(5, 3, 5, 9, 0) })), [5, 3, 5, 9, 0]);
  await assert.rejects(collect(dataset, { order: Uint32Array.of(10) }), { code: 'BAD_ORDER' });
});

for (const [name, options] of Object.entries<OpenOptions>({
  'all pixels cached': { cacheBudgetBytes: 1e6 },
  'some pixels cached': { cacheBudgetBytes: 4 * SIDE * SIDE * 3 },
  'nothing cached': { cacheBudgetBytes: 0 },
  'records read by offset': { cacheBudgetBytes: 0, recordBudgetBytes: 0 },
})) {
  test(`batches are the same in every epoch, with ${name}`, async () => {
    const dataset = await open(ten, options);
    for (let epoch = 0; epoch < 3; epoch++) {
      const order = { shuffle: { seed: 0, epoch } };
      const taken: number[] = [];
      for await (const batch of dataset.batches({ batchSize: 3, order })) {
        taken.push(...seen([batch]));
        batch.release();
      }
      assert.deepEqual(
        taken.toSorted((a, b) => a - b),
        IN_ORDER,
      );
    }
  });
}

test('a batch that is not released keeps its pixels', async () => {
  const dataset = await open(ten, { cacheBudgetBytes: 0 });
  assert.deepEqual(seen(await collect(dataset, { batchSize: 2 })), IN_ORDER);
});

test('a batch that is released twice lends its memory once, and only to batches of its size', async () => {
  const dataset = await open(ten, { cacheBudgetBytes: 0 });
  for await (const batch of dataset.batches({ batchSize: 4 })) {
    batch.release();
    batch.release();
  }
  const batches = await collect(dataset, { batchSize: 4 });
  assert.deepEqual(seen(batches), IN_ORDER);
  for (const batch of batches) batch.release();
  for (const { images } of await collect(dataset, { batchSize: 2 })) assert.equal(images.length, 2 * SIDE * SIDE * 3);
});

test('pictures that are decoded ahead, while the files come in, are those of their records', async () => {
  const dataset = await open(ten, { size: SIDE });
  // Until all of them are decoded: the batches stop that.
  await delay(50);
  assert.deepEqual(seen(await collect(dataset)), IN_ORDER);
});

test('records of files that are larger than the window that is read of them are whole', async () => {
  const many = await Promise.all(
    Array.from({ length: 24 }, async (_, i) => ({ ...(await kaggle(i)), id: `${i}`.padEnd(400_000) })),
  );
  const dataset = await open(await write('wide', many), { cacheBudgetBytes: 0, recordBudgetBytes: 0 });
  assert.deepEqual(
    seen(await collect(dataset)),
    many.map((_, i) => i),
  );
  assert.deepEqual(
    dataset.ids.map((id) => id.trim()),
    many.map((_, i) => `${i}`),
  );
});

const linux = process.platform === 'linux' ? false : 'counts the open files of /proc';

test('a data set that is closed leaves no file open', { skip: linux }, async () => {
  const openFiles = async () => (await readdir('/proc/self/fd')).length;
  const before = await openFiles();
  const dataset = await openDataset(ten, { split: 'train', cacheBudgetBytes: 0, recordBudgetBytes: 0 });
  assert.deepEqual(seen(await collect(dataset)), IN_ORDER);
  await dataset.close();
  assert.equal(await openFiles(), before);
});

test('names are the pictures’ own where each has one', async () => {
  assert.equal((await open(ten)).hasIds, true);
  const { image, class: label } = TEN[1];
  const some = await open(await write('some-ids', [TEN[0], { image, class: label }, TEN[2]]));
  assert.equal(some.hasIds, false);
  assert.deepEqual(some.ids, ['id0', 'train/00.tfrec#1', 'id2']);
});

test('gzip files, single files, patterns and folders of files are data sets too', async () => {
  const folder = join(root, 'flat');
  await mkdir(folder);
  const bytes = Buffer.concat(TEN.map((values) => frameRecord(encodeExample(values))));
  await writeFile(join(folder, 'a.tfrecord.gz'), gzipSync(bytes));
  for (const location of [folder, join(folder, 'a.tfrecord.gz'), join(folder, '*.gz')]) {
    const dataset = await openFile(location);
    assert.deepEqual(seen(await collect(dataset)), IN_ORDER);
    assert.deepEqual(dataset.classNames, ['class 0', 'class 1', 'class 2']);
  }
});

test('pictures of several sizes need a size', async () => {
  const mixed = await write('mixed', [TEN[0], { ...TEN[1], image: await picture(1, 12) }]);
  await assert.rejects(open(mixed), { code: 'WHICH_SIZE', received: '8x8 and 12x12' });
  const dataset = await open(mixed, { size: 10 });
  assert.deepEqual(seen(await collect(dataset)), [0, 1]);
});

test('a label out of range is refused with its record, or skipped', async () => {
  const folder = await write('range', [TEN[0], TEN[1], { ...TEN[2], class: 3 }]);
  await assert.rejects(open(folder), {
    code: 'LABEL_OUT_OF_RANGE',
    message: /01\.tfrec, record 0 \(byte \d+\): label 3, but there are 3 classes/,
  });
  const dataset = await open(folder, { badRecords: 'skip' });
  assert.equal(dataset.skipped.length, 1);
  assert.deepEqual(seen(await collect(dataset)), [0, 1]);
});

test('a record that is no JPEG is named, or masked and listed once', async () => {
  const folder = await write('nojpeg', [TEN[0], { ...TEN[1], image: Buffer.from('oops') }, TEN[2]]);
  const strict = await open(folder);
  await assert.rejects(collect(strict), { code: 'BAD_IMAGE', message: /00\.tfrec, record 1 / });
  const dataset = await open(folder, { badRecords: 'skip' });
  for (let epoch = 0; epoch < 2; epoch++) {
    const batches = await collect(dataset);
    assert.deepEqual(seen(batches), [0, 2]);
    assert.equal(batches[0].count, 3);
  }
  assert.deepEqual(
    dataset.skipped.map(({ record, reason }) => `${record}: ${reason}`),
    ['1: no readable image in 4 bytes: unknown format'],
  );
});

test('a picture that can’t be decoded is black, whatever its memory held before', async () => {
  // The second one's pixels end in the middle.
  const whole = await picture(1, 64);
  const records = [0, 1, 2, 3].map((i) => ({
    ...TEN[i],
    image: i === 1 ? whole.subarray(0, whole.length - 200) : whole,
  }));
  const dataset = await open(await write('half', records), { badRecords: 'skip', cacheBudgetBytes: 0 });
  const masks: number[] = [];
  for (let epoch = 0; epoch < 4; epoch++) {
    for await (const batch of dataset.batches({ batchSize: 1, order: { shuffle: { seed: 1, epoch } } })) {
      masks.push(batch.mask[0]);
      assert.equal(batch.indices[0] === 1, batch.images.every((value) => value === 0)); // prettier-ignore
      batch.images.fill(7);
      batch.release();
    }
  }
  assert.equal(masks.filter((valid) => valid === 0).length, 4);
});

test('a batch ends with what is wrong with a picture, also where others still wait for a decoder', async () => {
  const whole = await picture(1, 64);
  const half = whole.subarray(0, whole.length - 200);
  const many = Array.from({ length: 200 }, (_, i) => ({ ...TEN[0], id: `${i}`, image: i === 0 ? half : whole }));
  const dataset = await open(await write('many', many), { cacheBudgetBytes: 0 });
  await assert.rejects(collect(dataset, { batchSize: 100 }), { code: 'BAD_IMAGE', message: /00\.tfrec, record 0 / });
});

test('a flipped bit is an error, or skips that record alone', async () => {
  const bytes = Buffer.concat(TEN.map((values) => frameRecord(encodeExample(values))));
  bytes[frameRecord(encodeExample(TEN[0])).length + 200] ^= 1;
  const file = join(root, 'flipped.tfrec');
  await writeFile(file, bytes);
  await assert.rejects(openFile(file), { code: 'BAD_CHECKSUM', message: /flipped\.tfrec, record 1 / });
  const dataset = await openFile(file, { badRecords: 'skip' });
  assert.deepEqual([...dataset.ids], ['id0', ...IN_ORDER.slice(2).map((i) => `id${i}`)]);
  assert.deepEqual(dataset.skipped, [{ file, record: 1, reason: "the data doesn't match its checksum" }]);
});

test('a truncated file is an error, or gives what is whole', async () => {
  const bytes = Buffer.concat(TEN.map((values) => frameRecord(encodeExample(values))));
  const file = join(root, 'short.tfrec');
  await writeFile(file, bytes.subarray(0, bytes.length - 5));
  await assert.rejects(openFile(file), { code: 'TRUNCATED' });
  const dataset = await openFile(file, { badRecords: 'skip' });
  assert.equal(dataset.count, 9);
  assert.match(dataset.skipped[0].reason, /ends inside .* the rest of the file is lost/);
});

test('a file that changes after it was indexed is noticed', async () => {
  const file = join(root, 'changing.tfrec');
  const bytes = Buffer.concat(TEN.map((values) => frameRecord(encodeExample(values))));
  await writeFile(file, bytes);
  const dataset = await openFile(file, { recordBudgetBytes: 0 });
  await writeFile(file, bytes.fill(0, 400));
  await assert.rejects(collect(dataset), { code: 'CHANGED' });
});

test('unlabelled records are fine unless labels are required', async () => {
  const folder = await write('unlabelled', [{ image: TEN[0].image, id: 'x' }]);
  const dataset = await open(folder);
  assert.equal(dataset.labelled, false);
  assert.deepEqual([...dataset.labels], [-1]);
  await assert.rejects(open(folder, { labelsRequired: true }), { code: 'NO_LABELS' });
});

test('the test split may lack the label that is named, others may not', async () => {
  const folder = join(root, 'named');
  for (const split of ['train', 'test']) {
    await mkdir(join(folder, split), { recursive: true });
    const values = { picture: await picture(1), ...(split === 'train' && { species: 1 }) };
    await writeFile(join(folder, split, '0.tfrec'), frameRecord(encodeExample(values)));
  }
  const features = { image: 'picture', label: 'species' };
  assert.deepEqual([...(await open(folder, { features })).labels], [1]);
  const unlabelled = await open(folder, { split: 'test', features });
  assert.deepEqual([unlabelled.labelled, unlabelled.layout?.name], [false, 'custom']);
  await assert.rejects(open(folder, { split: 'test', features, labelsRequired: true }), { code: 'NO_LABELS' });
  await assert.rejects(open(folder, { features: { ...features, label: 'spezies' } }), { code: 'NO_LABELS' });
});

test('labels of -1 are none in the test split, as TFDS writes them, and bad in others', async () => {
  const folder = join(root, 'hidden');
  for (const split of ['train', 'test']) {
    await mkdir(join(folder, split), { recursive: true });
    const values = { image: await picture(1), class: -1, id: 'x' };
    await writeFile(join(folder, split, '0.tfrec'), frameRecord(encodeExample(values)));
  }
  const hidden = await open(folder, { split: 'test' });
  assert.deepEqual([hidden.labelled, [...hidden.labels]], [false, [-1]]);
  await assert.rejects(open(folder, { split: 'test', labelsRequired: true }), { code: 'LABEL_OUT_OF_RANGE' });
  await assert.rejects(open(folder), { code: 'LABEL_OUT_OF_RANGE' });
});

test('shards without an ending are records where a split is all that they are called', async () => {
  const folder = join(root, 'imagenet');
  await mkdir(folder);
  for (const [number, name] of ['train-00000-of-00002', 'train-00001-of-00002', 'validation-00000-of-00001'].entries())
    await writeFile(join(folder, name), frameRecord(encodeExample(TEN[number])));
  await writeFile(join(folder, 'model.ckpt.data-00000-of-00001'), 'weights');
  assert.deepEqual((await open(folder)).ids, ['id0', 'id1']);
  assert.deepEqual((await open(folder, { split: 'val' })).ids, ['id2']);
});

test('what is missing is said, with the nearest names', async () => {
  await mkdir(join(root, 'empty'));
  await assert.rejects(openFile(join(root, 'empty')), { code: 'NO_RECORD_FILES', received: 'an empty folder' });
  await assert.rejects(openFile(join(root, 'tenn')), { code: 'NOT_FOUND', hint: /did you mean "ten"/ });
  await assert.rejects(openFile(join(root, '*.nothing')), { code: 'NOT_FOUND' });
  await assert.rejects(open(ten, { split: 'val' }), { code: 'NO_SPLIT', received: 'the splits train' });
  const file = join(root, 'none.tfrec');
  await writeFile(file, '');
  await assert.rejects(openFile(file), { code: 'NO_RECORDS' });
});

test('a split whose records are all bad says why the first one is', async () => {
  const folder = await write('negative', [
    { ...TEN[0], class: -1 },
    { ...TEN[1], class: -1 },
  ]);
  await assert.rejects(open(folder, { badRecords: 'skip' }), {
    code: 'NO_RECORDS',
    received: '2 bad records, the first one because of this: label -1 in feature "class" is negative',
  });
});

test('sizes and batches that there can’t be are refused, not blamed on pictures', async () => {
  for (const size of [0, 8.5, { height: 8, width: -1 }]) {
    await assert.rejects(open(ten, { size }), { code: 'OUT_OF_RANGE', message: /^(height|width) is out of range$/ });
  }
  const dataset = await open(ten);
  for (const options of [{ batchSize: 0 }, { batchSize: 2.5 }, { batchSize: 2, prefetch: 0 }]) {
    await assert.rejects(dataset.batches(options).next(), { code: 'OUT_OF_RANGE', expected: 'a whole number from 1' });
  }
  await dataset.close();
});

test('an abort ends the batches with its reason', async () => {
  const dataset = await open(ten);
  const stop = new AbortController();
  const taken: number[] = [];
  await assert.rejects(async () => {
    for await (const batch of dataset.batches({ batchSize: 2, signal: stop.signal })) {
      taken.push(batch.count);
      // The next ones are decoded by then.
      await delay(50);
      stop.abort(new Error('enough'));
    }
  }, /enough/);
  assert.deepEqual(taken, [2]);
});

test('a consumer may leave early', async () => {
  const dataset = await open(ten);
  for await (const batch of dataset.batches({ batchSize: 2 })) {
    assert.equal(batch.count, 2);
    break;
  }
  assert.deepEqual(seen(await collect(dataset)), IN_ORDER);
});

test('of several damaged files the first is named, however they come in', async () => {
  const folder = await write('two-damaged', TEN);
  for (const [file, size] of [
    ['00.tfrec', 3_000_000],
    ['01.tfrec', 100],
  ] as const) {
    const damaged = Buffer.concat([frameRecord(encodeExample({ ...TEN[0], id: 'x'.repeat(size) })), Buffer.of(1, 2)]);
    await writeFile(join(folder, 'train', file), damaged);
  }
  await assert.rejects(open(folder, { size: SIDE }), { code: 'TRUNCATED', message: /00\.tfrec, record 1 / });
});

test('a link that leads nowhere is a file that is not there', async () => {
  const folder = await write('broken-link', TEN);
  const link = join(folder, 'train', '02.tfrec');
  await symlink(join(root, 'gone.tfrec'), link);
  await assert.rejects(open(folder), { code: 'NOT_FOUND', message: `${link}: no such file` });
});
