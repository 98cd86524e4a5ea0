import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeFile as writeWhole } from './atomic-file.ts';
import { makeFolder } from './make-folder.ts';

test('a folder is made with all that it lies in, by several at once, and not in the place of a file', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'sepal-folder-'));
  t.after(() => rm(root, { recursive: true }));
  const deep = join(root, 'a', 'b', 'c');
  await Promise.all([makeFolder(deep), makeFolder(deep), makeFolder(join(root, 'a', 'd'))]);
  await makeFolder(deep);
  assert.ok((await stat(deep)).isDirectory());
  await symlink(deep, join(root, 'link'));
  await makeFolder(join(root, 'link', 'e'));
  await makeFolder(join(root, 'link'));
  await writeFile(join(root, 'file'), '');
  await assert.rejects(makeFolder(join(root, 'file')), { code: 'EEXIST' });
  await assert.rejects(makeFolder(join(root, 'file', 'x', 'y')), { code: 'ENOTDIR' });
  await assert.rejects(writeWhole(join(root, 'file', 'x', 'y'), ''), {
    code: 'WRITE_FAILED',
    message: /x\/y: there is a file where a folder is to be$/,
  });
});

// The library's own `recursive` never comes back from this.
test('where no folder can be made that is an error', { skip: !existsSync('/proc/self') }, async () => {
  await assert.rejects(makeFolder('/proc/sepal/runs'), { code: 'ENOENT' });
  await assert.rejects(writeWhole('/proc/sepal/runs/file', ''), {
    code: 'WRITE_FAILED',
    message: /^can't write \/proc\/sepal/,
  });
});
