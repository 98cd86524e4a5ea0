import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { mountSmallDisk } from '../../test/small-disk.ts';
import { workPlace } from '../base/index.ts';
import { writeDatasetFolder } from './output-folder.ts';

const fill = (text: string) => async (draft: string) => {
  await mkdir(draft, { recursive: true });
  await writeFile(join(draft, 'classes.txt'), text);
};

test('a data set that was being replaced when its process was killed is there again for the next one', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'sepal-output-'));
  t.after(() => rm(root, { recursive: true }));
  const out = join(root, 'flowers');
  await writeDatasetFolder(out, false, fill('first'));
  // Killed between the two renames: the old one is aside, and the new one is not yet in its place.
  const gone = spawnSync(process.execPath, ['--version']).pid;
  const draft = workPlace(out).replace(`-${process.pid}-`, `-${gone}-`);
  await fill('second')(draft);
  await rename(out, `${draft}-old`);

  await assert.rejects(writeDatasetFolder(out, false, fill('third')), { code: 'OUT_NOT_EMPTY' });
  assert.deepEqual(await readdir(root), ['flowers']);
  assert.equal(await readFile(join(out, 'classes.txt'), 'utf8'), 'first');
  await writeDatasetFolder(out, true, fill('third'));
  assert.deepEqual(await readdir(root), ['flowers']);
  assert.equal(await readFile(join(out, 'classes.txt'), 'utf8'), 'third');
});

test('of two processes that make one folder the first one’s stays', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'sepal-output-'));
  t.after(() => rm(root, { recursive: true }));
  const out = join(root, 'flowers');
  const late = writeDatasetFolder(out, false, async (draft) => {
    await fill('late')(draft);
    await writeDatasetFolder(out, false, fill('early'));
  });
  await assert.rejects(late, { code: 'OUT_NOT_EMPTY' });
  assert.deepEqual(await readdir(root), ['flowers']);
  assert.equal(await readFile(join(out, 'classes.txt'), 'utf8'), 'early');
});

test('a folder that can’t be replaced is refused before any work, and a link is followed', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'sepal-output-'));
  t.after(() => rm(root, { recursive: true }));
  const never = async () => assert.fail('work was begun');
  const before = process.cwd();
  process.chdir(root);
  try {
    await assert.rejects(writeDatasetFolder('.', false, never), { code: 'OUT_IN_USE', message: /the folder that you/ });
  } finally {
    process.chdir(before);
  }
  await using disk = await mountSmallDisk(2 ** 20);
  if (disk === undefined) return t.diagnostic('no disk can be mounted here');
  await assert.rejects(writeDatasetFolder(disk.path, false, never), {
    code: 'OUT_IN_USE',
    message: /a disk of its own/,
  });
  const link = join(root, 'link');
  await mkdir(join(disk.path, 'flowers'));
  await symlink(join(disk.path, 'flowers'), link);
  await writeDatasetFolder(link, false, fill('there'));
  assert.ok((await lstat(link)).isSymbolicLink());
  assert.equal(await readFile(join(disk.path, 'flowers', 'classes.txt'), 'utf8'), 'there');
});
