import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { workPlace } from '../base/index.ts';
import { writeDatasetFolder } from './output-folder.ts';

test('a data set that was being replaced when its process was killed is there again for the next one', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'sepal-output-'));
  t.after(() => rm(root, { recursive: true }));
  const out = join(root, 'flowers');
  const fill = (text: string) => async (draft: string) => {
    await mkdir(draft, { recursive: true });
    await writeFile(join(draft, 'classes.txt'), text);
  };
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
