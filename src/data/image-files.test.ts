import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { devNull, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { listClassFolders, openImages } from './image-files.ts';

const root = await mkdtemp(join(tmpdir(), 'sepal-images-'));
after(() => rm(root, { recursive: true }));

const picture = (background: string) => sharp({ create: { width: 30, height: 20, channels: 3, background } });
await mkdir(join(root, 'set', 'b', 'deep'), { recursive: true });
await mkdir(join(root, 'set', 'a'));
const files = [
  join(root, 'set', 'a', 'x.png'),
  join(root, 'set', 'b', 'deep', 'z.jpg'),
  join(root, 'set', 'b', 'y.webp'),
];
for (const file of files) await picture('#c86432').toFile(file);
await writeFile(join(root, 'set', 'a', '.hidden.jpg'), 'x');

test('files and folders are opened in order, under their paths', async () => {
  const dataset = await openImages([files[2], join(root, 'set')], { size: 16 });
  assert.deepEqual(dataset.ids, [files[2], ...files]);
  assert.equal(dataset.labelled, false);
  for await (const { images, mask } of dataset.batches({ batchSize: 4 })) {
    assert.deepEqual([...mask], [1, 1, 1, 1]);
    for (let row = 0; row < 4; row++) {
      const [red, green, blue] = images.subarray(row * 16 * 16 * 3);
      assert.ok(
        Math.abs(red - 200) < 8 && Math.abs(green - 100) < 8 && Math.abs(blue - 50) < 8,
        `${red} ${green} ${blue}`,
      );
    }
  }
});

const skip = process.platform === 'linux' ? false : 'counts the open files of /proc';

test('of a batch of many photos few are open at a time', { skip }, async () => {
  const before = readdirSync('/proc/self/fd').length;
  const dataset = await openImages(
    Array.from({ length: 600 }, () => files[0]),
    { size: 4 },
  );
  let most = 0;
  const counting = setInterval(() => (most = Math.max(most, readdirSync('/proc/self/fd').length - before)), 0);
  const { value } = await dataset.batches({ batchSize: 600 }).next();
  clearInterval(counting);
  assert.ok(value !== undefined && value.mask.every((valid) => valid === 1));
  assert.ok(most < 200, `${most} were open`);
});

test('a file that is missing or no picture is named, or skipped', async () => {
  const bad = join(root, 'bad.jpg');
  await writeFile(bad, 'oops');
  await assert.rejects(openImages([join(root, 'none.jpg')], { size: 16 }), { code: 'NOT_FOUND' });
  await assert.rejects(openImages([await emptyFolder()], { size: 16 }), { code: 'NO_IMAGES' });
  const strict = await openImages([bad], { size: 16 });
  await assert.rejects(strict.batches({ batchSize: 1 }).next(), { code: 'BAD_IMAGE', place: { file: bad } });
  const device = await openImages([devNull], { size: 16 });
  await assert.rejects(device.batches({ batchSize: 1 }).next(), {
    code: 'UNREADABLE',
    message: `${devNull}: is a pipe or a device`,
  });
  // Nobody writes to it: whoever opened it would wait for ever.
  const pipe = join(root, 'pipe.jpg');
  if (spawnSync('mkfifo', [pipe]).status === 0) {
    const waiting = await openImages([pipe], { size: 16 });
    await assert.rejects(waiting.batches({ batchSize: 1 }).next(), { code: 'UNREADABLE', place: { file: pipe } });
    await rm(pipe);
  }
  const dataset = await openImages([bad, files[0]], { size: 16, badRecords: 'skip' });
  const { value } = await dataset.batches({ batchSize: 2 }).next();
  assert.deepEqual([...value!.mask], [0, 1]);
  assert.equal(dataset.skipped[0].file, bad);
});

test('a picture that breaks while others wait to be decoded is an error of its batch, not of the process', async () => {
  const folder = join(root, 'many');
  await mkdir(folder);
  // More than are decoded at a time, and slow beside the first one.
  const noise = { type: 'gaussian', mean: 128, sigma: 30 } as const;
  const slow = await sharp({ create: { width: 900, height: 900, channels: 3, background: 'red', noise } })
    .png({ compressionLevel: 1 })
    .toBuffer();
  await writeFile(join(folder, '00.png'), slow.subarray(0, 1000));
  for (let i = 1; i < 64; i++) await writeFile(join(folder, `${i}`.padStart(2, '0') + '.png'), slow);
  const dataset = await openImages([folder], { size: 16 });
  await assert.rejects(dataset.batches({ batchSize: 64 }).next(), {
    code: 'BAD_IMAGE',
    place: { file: join(folder, '00.png') },
  });
});

test('class folders give labels in the order of their names', async () => {
  const found = await listClassFolders(join(root, 'set'));
  assert.deepEqual(found, { classNames: ['a', 'b'], files, labels: Int32Array.of(0, 1, 1), unlisted: 0 });
});

test('photos in a format that is not read are named, and not passed over', async () => {
  const folder = join(root, 'phone');
  await mkdir(folder);
  const photo = join(folder, 'IMG_1.HEIC');
  await writeFile(photo, Buffer.from('\0\0\0\x18ftypheic\0\0\0\0heicmif1'));
  const dataset = await openImages([folder], { size: 16 });
  await assert.rejects(dataset.batches({ batchSize: 1 }).next(), { code: 'BAD_IMAGE', place: { file: photo } });
});

test('folders of splits are not taken for classes', async () => {
  const folder = join(root, 'splits');
  for (const split of ['Train', 'validation']) {
    await mkdir(join(folder, split, 'a'), { recursive: true });
    await copyFile(files[0], join(folder, split, 'a', 'x.png'));
  }
  await assert.rejects(listClassFolders(folder), { code: 'NO_CLASS_FOLDERS', received: 'Train, validation' });
  assert.deepEqual((await listClassFolders(join(folder, 'Train'))).classNames, ['a']);
});

test('links to folders are followed, but not round and round', async () => {
  const folder = join(root, 'linked');
  await mkdir(join(folder, 'b'), { recursive: true });
  await copyFile(files[2], join(folder, 'b', 'y.webp'));
  await symlink(join(root, 'set', 'a'), join(folder, 'a'), 'dir');
  await symlink(join(root, 'set', 'b', 'deep'), join(folder, 'b', 'deep'), 'dir');
  await symlink(folder, join(folder, 'b', 'back'), 'dir');
  const { classNames, files: found } = await listClassFolders(folder);
  assert.deepEqual(classNames, ['a', 'b']);
  assert.deepEqual(
    found,
    ['a/x.png', 'b/deep/z.jpg', 'b/y.webp'].map((file) => join(folder, file)),
  );
});

test('copies in hidden folders, and folders that are called like photos, are no photos', async () => {
  const folder = join(root, 'notebook');
  for (const path of ['a', 'a/.ipynb_checkpoints', 'a/album.jpg']) await mkdir(join(folder, path), { recursive: true });
  for (const path of ['x.png', '.ipynb_checkpoints/x-checkpoint.png', 'album.jpg/1.png']) {
    await copyFile(files[0], join(folder, 'a', path));
  }
  const { files: found } = await listClassFolders(folder);
  assert.deepEqual(
    found,
    ['a/album.jpg/1.png', 'a/x.png'].map((file) => join(folder, file)),
  );
});

async function emptyFolder(): Promise<string> {
  const folder = join(root, 'empty');
  await mkdir(folder, { recursive: true });
  return folder;
}
