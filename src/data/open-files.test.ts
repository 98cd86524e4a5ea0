import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { OpenFiles } from './open-files.ts';

const root = await mkdtemp(join(tmpdir(), 'sepal-open-'));
after(() => rm(root, { recursive: true }));
const paths = Array.from({ length: 600 }, (_, i) => join(root, String(i)));
for (const [i, path] of paths.entries()) await writeFile(path, String(i));

const skip = process.platform === 'linux' ? false : 'counts the open files of /proc';

test('of many files that are read at a time, and again and again, few are open', { skip }, async () => {
  const before = (await readdir('/proc/self/fd')).length;
  const files = new OpenFiles(paths);
  let most = 0;
  const read = async (number: number) =>
    files.read(number, async (file) => {
      most = Math.max(most, (await readdir('/proc/self/fd')).length - before);
      const bytes = Buffer.alloc(8);
      return bytes.toString('latin1', 0, await file.read(bytes, 0, 8, 0));
    });
  for (let pass = 0; pass < 2; pass++) {
    const found = await Promise.all(paths.map(async (_, i) => read((i * 7) % 600)));
    assert.deepEqual(
      found,
      paths.map((_, i) => String((i * 7) % 600)),
    );
  }
  // Some are being listed, too.
  assert.ok(most < 300, `${most} were open`);
  await files.close();
  assert.ok((await readdir('/proc/self/fd')).length <= before);
});

test('a file that was not there is opened where it is there by then', async () => {
  const late = join(root, 'late');
  const files = new OpenFiles([late]);
  const size = async () => files.read(0, async (file) => file.size);
  await assert.rejects(size(), { code: 'NOT_FOUND' });
  await writeFile(late, 'here');
  assert.equal(await size(), 4);
  await files.close();
});

test('a file that is being read stays open, however many others are read meanwhile', async () => {
  const files = new OpenFiles(paths);
  const others = Promise.withResolvers<void>();
  const slow = files.read(7, async (file) => {
    await others.promise;
    const bytes = Buffer.alloc(8);
    return bytes.toString('latin1', 0, await file.read(bytes, 0, 8, 0));
  });
  for (let number = 100; number < 400; number++) await files.read(number, async (file) => file.size);
  others.resolve();
  assert.equal(await slow, '7');
  await files.close();
});
