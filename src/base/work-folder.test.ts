import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { abandonedPlaces, isRunning, removeAbandoned, workPlace } from './work-folder.ts';

test('what a process that is gone has left beside a path is found by its name, and nothing else is', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sepal-work-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'flowers');
  const gone = spawnSync(process.execPath, ['--version']).pid;
  assert.ok(!isRunning(gone) && isRunning(process.pid));
  const own = workPlace(path);
  const left = own.replace(`-${process.pid}-`, `-${gone}-`);
  const others = [
    own,
    workPlace(join(folder, 'flowers2')).replace(`-${process.pid}-`, `-${gone}-`),
    // Of another machine.
    left.replace(/flowers\./, 'flowers.elsewhere-'),
    join(folder, '.flowers.partial'),
    path,
  ];
  for (const place of [...others, left]) await mkdir(place);
  await writeFile(join(left, 'a'), '');
  await mkdir(`${left}-old`);
  assert.deepEqual((await abandonedPlaces(path)).toSorted(), [left, `${left}-old`]);
  await removeAbandoned(path);
  assert.deepEqual((await readdir(folder)).toSorted(), others.map((each) => basename(each)).toSorted());
  await removeAbandoned(join(folder, 'none', 'flowers'));
});
