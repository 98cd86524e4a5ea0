import assert from 'node:assert/strict';
import { chmod, chown, mkdtemp, readdir, readFile, readlink, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { withoutRoot } from '../../test/without-root.ts';
import { mountSmallDisk } from '../../test/small-disk.ts';
import { dropDrafts, fillFile, removeDrafts, writeFile } from './atomic-file.ts';

suite('a file written at once', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-write-'));
  });
  after(() => rm(folder, { recursive: true }));

  test('is text or bytes, in folders that are made for it, in place of an older one', async () => {
    const path = join(folder, 'a', 'b', 'c.txt');
    await writeFile(path, 'ü'.repeat(1000));
    assert.equal(await readFile(path, 'utf8'), 'ü'.repeat(1000));
    await writeFile(path, new Uint8Array([1, 2, 3, 4]).subarray(1, 3));
    assert.deepEqual([...(await readFile(path))], [2, 3]);
    assert.deepEqual(await readdir(join(folder, 'a', 'b')), ['c.txt']);
  });

  test('may come in pieces', async () => {
    const path = join(folder, 'pieces', 'file');
    await writeFile(path, [Buffer.from('one '), new Uint8Array(), Buffer.from('two')]);
    assert.equal(await readFile(path, 'utf8'), 'one two');
  });

  test('leaves no drafts of writers that were killed once they are removed', async () => {
    const killed = join(folder, 'killed');
    await writeFile(join(killed, 'last.safetensors'), 'whole');
    await writeFile(join(killed, '.last.safetensors.0123456789ab'), 'a part');
    await writeFile(join(killed, '.gitignore'), '*');
    await removeDrafts(killed);
    assert.deepEqual((await readdir(killed)).toSorted(), ['.gitignore', 'last.safetensors']);
    await removeDrafts(join(folder, 'nothing'));
  });

  test('leaves nothing where the process ends while it is filled', async () => {
    const ended = join(folder, 'ended');
    await writeFile(join(ended, 'a'), 'old');
    const left: string[][] = [];
    const filling = fillFile(join(ended, 'a'), async (draft) => {
      await writeFile(draft, 'a part');
      dropDrafts();
      left.push(await readdir(ended));
    });
    await assert.rejects(filling, { code: 'WRITE_FAILED' });
    assert.deepEqual(left, [['a']]);
    assert.equal(await readFile(join(ended, 'a'), 'utf8'), 'old');
  });

  test('through a link goes where the link points', async () => {
    const [file, link] = [join(folder, 'file'), join(folder, 'link')];
    await writeFile(file, 'old');
    await symlink(file, link);
    await writeFile(link, 'new');
    assert.equal(await readFile(file, 'utf8'), 'new');
    assert.equal(await readlink(link), file);
  });

  test('by several at once is one of theirs', async () => {
    const path = join(folder, 'shared');
    const contents = Array.from({ length: 8 }, (_, i) => String(i).repeat(100_000));
    await Promise.all(contents.map((content) => writeFile(path, content)));
    assert.ok(contents.includes(await readFile(path, 'utf8')));
    assert.ok((await readdir(folder)).every((name) => !name.startsWith('.')));
  });

  test('where a folder stands, or in a file, is refused in one line', async () => {
    await writeFile(join(folder, 'taken', 'inner'), '');
    await assert.rejects(writeFile(join(folder, 'taken'), 'x'), {
      code: 'WRITE_FAILED',
      message: /^can't write .*taken: /,
    });
    await assert.rejects(writeFile(join(folder, 'taken', 'inner', 'x'), 'x'), { code: 'WRITE_FAILED' });
    assert.ok((await readdir(folder)).every((name) => !name.startsWith('.')));
  });

  test('in a folder that may not be written is refused, and what is there stays', async () => {
    const closed = join(folder, 'closed');
    await writeFile(join(closed, 'a'), 'old');
    await chmod(closed, 0o500);
    await chmod(folder, 0o755);
    if (process.getuid?.() === 0) await chown(closed, 65_534, 65_534);
    await withoutRoot(async () => {
      const refusal = { code: 'WRITE_FAILED', message: `no permission to write ${join(closed, 'a')}` };
      await assert.rejects(writeFile(join(closed, 'a'), 'new'), refusal);
      await assert.rejects(writeFile(join(closed, 'inner', 'a'), 'new'), { code: 'WRITE_FAILED' });
      assert.equal(await readFile(join(closed, 'a'), 'utf8'), 'old');
      assert.deepEqual(await readdir(closed), ['a']);
    });
    await chmod(closed, 0o700);
  });

  test('on a disk with room for a part of it leaves the older one whole', async (t) => {
    await using disk = await mountSmallDisk(64 * 1024);
    if (disk === undefined) {
      t.skip('needs the right to mount a small tmpfs');
      return;
    }
    const path = join(disk.path, 'a');
    const old = Buffer.alloc(40_000, 1);
    await writeFile(path, old);
    await assert.rejects(writeFile(path, Buffer.alloc(40_000, 2)), {
      code: 'DISK_FULL',
      message: `no room left on the disk while writing ${path}`,
    });
    assert.deepEqual(await readFile(path), old);
    assert.deepEqual(await readdir(disk.path), ['a']);
  });
});
