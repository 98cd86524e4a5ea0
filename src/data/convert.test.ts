import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import sharp, { type SharpOptions } from 'sharp';
import { convertFolder, splitByClass } from './convert.ts';
import { openDataset } from './dataset.ts';
import { SPLITS } from './locate.ts';

const root = await mkdtemp(join(tmpdir(), 'sepal-convert-'));
after(() => rm(root, { recursive: true }));

async function photo(path: string, side = 40): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  await sharp({ create: { width: side, height: side + 8, channels: 3, background: '#4080c0' } }).toFile(path);
}

const photos = join(root, 'photos');
for (const name of ['daisy', 'rose']) for (let i = 0; i < 10; i++) await photo(join(photos, name, `${i}.jpg`));
await photo(join(photos, 'rose', 'deeper', 'a.png'));
await writeFile(join(photos, 'rose', 'notes.txt'), 'not a picture');

test('a folder per class becomes a data set in Kaggle layout', async () => {
  const out = join(root, 'out');
  const { classNames, images, skipped } = await convertFolder(photos, { out, size: 32, val: 0.2, test: 0.1 });
  assert.deepEqual(classNames, ['daisy', 'rose']);
  assert.deepEqual(images, { train: 15, val: 4, test: 2 });
  assert.deepEqual(skipped, []);
  assert.equal(await readFile(join(out, 'classes.txt'), 'utf8'), 'daisy\nrose\n');
  assert.deepEqual(await readdir(join(out, 'tfrecords-jpeg-32x32', 'train')), ['00-32x32-15.tfrec']);

  const ids: string[] = [];
  for (const split of SPLITS) {
    const dataset = await openDataset(out, { split, labelsRequired: true });
    assert.deepEqual(dataset.size, { height: 32, width: 32 });
    for (const [i, id] of dataset.ids.entries()) assert.equal(id.split('/')[0], classNames[dataset.labels[i]]);
    ids.push(...dataset.ids);
  }
  assert.equal(new Set(ids).size, 21);
  assert.ok(ids.includes('rose/deeper/a'));
});

test('two pictures that differ in their ending alone have names of their own', async () => {
  const twins = join(root, 'twins');
  for (const name of ['1.jpg', '1.png', '2.jpg']) await photo(join(twins, 'daisy', name));
  await convertFolder(twins, { out: join(root, 'twins-out'), size: 32, val: 0, test: 0 });
  const { ids, hasIds } = await openDataset(join(root, 'twins-out'), { split: 'train' });
  assert.deepEqual(ids.toSorted(), ['daisy/1.jpg', 'daisy/1.png', 'daisy/2']);
  assert.ok(hasIds);
});

test('a picture whose ending stands there twice has no other’s name', async () => {
  const twice = join(root, 'twice');
  for (const name of ['1.jpg', '1.png', '1.jpg.jpg', '2.png.jpg']) await photo(join(twice, 'daisy', name));
  await convertFolder(twice, { out: join(root, 'twice-out'), size: 32, val: 0, test: 0 });
  const { ids } = await openDataset(join(root, 'twice-out'), { split: 'train' });
  assert.deepEqual(ids.toSorted(), ['daisy/1.jpg', 'daisy/1.jpg.jpg', 'daisy/1.png', 'daisy/2.png']);
});

test('the same seed makes the same files', async () => {
  const make = async (name: string, seed: number) => {
    const out = join(root, name);
    await convertFolder(photos, { out, size: 32, seed, val: 0.2, test: 0.1 });
    return readFile(join(out, 'tfrecords-jpeg-32x32', 'train', '00-32x32-15.tfrec'));
  };
  const first = await make('seed-a', 1);
  assert.deepEqual(await make('seed-b', 1), first);
  assert.notDeepEqual(await make('seed-c', 2), first);
});

test('a split keeps the shares of the classes and takes every picture once', () => {
  const labels = Int32Array.from({ length: 120 }, (_, i) => (i < 100 ? 0 : 1));
  const splits = splitByClass(labels, { val: 0.1, test: 0.2 }, 0);
  const count = (split: Uint32Array, label: number) => split.filter((index) => labels[index] === label).length;
  assert.deepEqual([count(splits.val, 0), count(splits.test, 0), count(splits.train, 0)], [10, 20, 70]);
  assert.deepEqual([count(splits.val, 1), count(splits.test, 1), count(splits.train, 1)], [2, 4, 14]);
  const all = SPLITS.flatMap((split) => [...splits[split]]);
  assert.equal(new Set(all).size, 120);
});

test('a class with few pictures has one in each split, and one to train on', () => {
  const splits = splitByClass(Int32Array.of(0, 0, 0, 1, 1), { val: 0.15, test: 0.15 }, 0);
  const labels = [0, 0, 0, 1, 1];
  const of = (split: Uint32Array) => [...split].map((index) => labels[index]).toSorted((a, b) => a - b);
  assert.deepEqual([of(splits.train), of(splits.val), of(splits.test)], [[0, 1], [0, 1], [0]]);
});

test('a class with one picture trains on it', () => {
  const splits = splitByClass(Int32Array.of(0), { val: 0.15, test: 0.15 }, 0);
  assert.deepEqual([...splits.train], [0]);
});

test('a picture that is a JPEG of the size already is kept byte for byte', async () => {
  const folder = join(root, 'exact');
  await mkdir(join(folder, 'a'), { recursive: true });
  const bytes = await sharp({ create: { width: 16, height: 16, channels: 3, background: 'red' } })
    .jpeg()
    .toBuffer();
  await writeFile(join(folder, 'a', 'x.jpg'), bytes);
  await convertFolder(folder, { out: join(root, 'exact-out'), size: 16 });
  const dataset = await openDataset(join(root, 'exact-out'), { split: 'train' });
  assert.deepEqual(await dataset.encoded(0), bytes);
});

test('a bad picture leaves no folder, or is skipped and listed', async () => {
  const folder = join(root, 'bad');
  for (let i = 0; i < 4; i++) await photo(join(folder, 'a', `${i}.jpg`));
  await writeFile(join(folder, 'a', 'broken.jpg'), 'oops');
  const out = join(root, 'bad-out');
  await assert.rejects(convertFolder(folder, { out, size: 16 }), {
    code: 'BAD_IMAGE',
    message: /broken\.jpg: no readable image in 4 bytes/,
  });
  assert.ok(!(await readdir(root)).some((name) => name.includes('bad-out')));
  const { images, skipped } = await convertFolder(folder, { out, size: 16, badRecords: 'skip' });
  assert.equal(images.train + images.val + images.test, 4);
  assert.deepEqual(
    skipped.map(({ file }) => file),
    [join(folder, 'a', 'broken.jpg')],
  );
});

test('an output folder with something in it is left alone', async () => {
  const out = join(root, 'full');
  await mkdir(out);
  await writeFile(join(out, 'thesis.doc'), 'x');
  await assert.rejects(convertFolder(photos, { out, size: 16, force: true }), { code: 'OUT_NOT_EMPTY' });
  await rm(join(out, 'thesis.doc'));
  await convertFolder(photos, { out, size: 16 });
  await assert.rejects(convertFolder(photos, { out, size: 24 }), { code: 'OUT_NOT_EMPTY', hint: /--force/ });
  await convertFolder(photos, { out, size: 24, force: true });
  assert.deepEqual(await readdir(out), ['classes.txt', 'tfrecords-jpeg-24x24']);
});

test('what is written never lies in the folder of classes, where it would be one the next time', async () => {
  const source = join(root, 'source');
  for (const name of ['daisy', 'rose']) await photo(join(source, name, '1.jpg'));
  await symlink(source, join(root, 'linked'));
  const convert = (out: string, from = source) => convertFolder(from, { out, size: 16, val: 0, test: 0 });
  const inside = [source, join(source, 'out'), join(source, 'new', 'out'), join(root, 'linked', 'out')];
  for (const out of inside) await assert.rejects(convert(out), { code: 'OUT_IN_SOURCE', hint: /source-tfrecords$/ });
  await assert.rejects(convert(join(source, 'out'), join(root, 'linked')), { code: 'OUT_IN_SOURCE' });
  assert.deepEqual(await readdir(source), ['daisy', 'rose']);
  await convert(join(root, 'source-tfrecords'));
  // Where a table says what is read, nothing else is.
  const table = { file: join(root, 'source.csv') };
  await writeFile(table.file, 'file,label\ndaisy/1.jpg,daisy\nrose/1.jpg,rose\n');
  await convertFolder(source, { out: join(source, 'out'), table, size: 16, val: 0, test: 0 });
});

test('folders with one name, no folders, empty folders and files are refused', async () => {
  const twice = join(root, 'twice');
  for (const name of ['Water Lily', 'water_lily']) await photo(join(twice, name, 'a.jpg'));
  const options = { out: join(root, 'nowhere'), size: 16 };
  await assert.rejects(convertFolder(twice, options), { code: 'DUPLICATE_CLASS' });
  await assert.rejects(convertFolder(join(photos, 'daisy'), options), { code: 'NO_CLASS_FOLDERS' });
  await mkdir(join(root, 'hollow', 'daisy'), { recursive: true });
  await assert.rejects(convertFolder(join(root, 'hollow'), options), { code: 'NO_IMAGES' });
  await assert.rejects(convertFolder(join(root, 'missing'), options), { code: 'NOT_FOUND' });
  const file = join(photos, 'daisy', '1.jpg');
  const refused = { code: 'NOT_FOUND', message: `${file} is a file, not a folder of photos` };
  await assert.rejects(convertFolder(file, options), { ...refused, hint: /the photos of each class/ });
  const table = { file: join(root, 'source.csv') };
  await assert.rejects(convertFolder(file, { ...options, table }), { ...refused, hint: /photos of the table/ });
  await assert.rejects(convertFolder(photos, { ...options, val: 0.6, test: 0.5 }), { code: 'BAD_SHARES' });
});

test('an abort leaves nothing', async () => {
  const stop = new AbortController();
  const onProgress = (done: number) => {
    if (done === 3) stop.abort(new Error('enough'));
  };
  const options = { out: join(root, 'aborted'), size: 16, signal: stop.signal, onProgress };
  await assert.rejects(convertFolder(photos, options), /enough/);
  assert.ok(!(await readdir(root)).some((name) => name.includes('aborted')));
});

test('a full disk is said so and leaves nothing half-written', async (context) => {
  const disk = join(root, 'disk');
  await mkdir(disk);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]).status !== 0) {
    return context.skip('mounting a small disk needs root on Linux');
  }
  try {
    const noise = join(root, 'noise', 'a');
    await mkdir(noise, { recursive: true });
    for (let i = 0; i < 4; i++) {
      const pixels = {
        create: { width: 128, height: 128, channels: 3, noise: { type: 'gaussian', mean: 128, sigma: 60 } },
      };
      await sharp(pixels as SharpOptions)
        .png()
        .toFile(join(noise, `${i}.png`));
    }
    await assert.rejects(convertFolder(join(root, 'noise'), { out: join(disk, 'out'), size: 128 }), {
      code: 'DISK_FULL',
    });
    assert.deepEqual(await readdir(disk), []);
  } finally {
    spawnSync('umount', [disk]);
  }
});
