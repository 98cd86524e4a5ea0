import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { findClassFile, readClassFile, writeClassFile } from './classes.ts';

const folder = await mkdtemp(join(tmpdir(), 'sepal-classes-'));
after(() => rm(folder, { recursive: true }));

async function read(name: string, text: string | Buffer): Promise<string[]> {
  const path = join(folder, name);
  await writeFile(path, text);
  return readClassFile(path);
}

test('names are read from lines, numbered lines and JSON', async () => {
  const names = ['daisy', 'hard-leaved pocket orchid'];
  assert.deepEqual(await read('a.txt', 'daisy\r\nhard-leaved pocket orchid\r\n\n'), names);
  assert.deepEqual(await read('a.txt', '1:hard-leaved pocket orchid\n0:daisy\n'), names);
  assert.deepEqual(await read('a.json', '\uFEFF["daisy", "hard-leaved pocket orchid"]'), names);
  assert.deepEqual(await read('a.json', '{"1": "hard-leaved pocket orchid", "0": "daisy"}'), names);
});

test('two classes with one name, an empty name, one of several lines and no name are refused', async () => {
  await assert.rejects(read('a.txt', 'rose\ntulip\nrose\n'), {
    code: 'DUPLICATE_CLASS',
    message: /classes 0 and 2 have one name/,
  });
  await assert.rejects(read('a.txt', 'water lily\nWater_Lily\n'), { code: 'DUPLICATE_CLASS' });
  await assert.rejects(read('a.txt', 'rose\n\ntulip\n'), {
    code: 'BAD_CLASS_FILE',
    message: /class 1 has an empty name/,
  });
  await assert.rejects(read('a.txt', ''), { code: 'BAD_CLASS_FILE' });
  await assert.rejects(read('a.json', '["rose", "water\\nlily"]'), {
    code: 'BAD_CLASS_FILE',
    message: /class 1 has a name of several lines/,
  });
});

test('names are read in UTF-8 and UTF-16, and refused in other encodings', async () => {
  const text = 'L\u00f6wenzahn\r\nrose\r\n';
  const names = ['L\u00f6wenzahn', 'rose'];
  assert.deepEqual(await read('a.txt', text), names);
  assert.deepEqual(await read('a.txt', Buffer.from(`\uFEFF${text}`, 'utf16le')), names);
  for (const bytes of [Buffer.from(text, 'latin1'), gzipSync(text)])
    await assert.rejects(read('a.txt', bytes), { code: 'BAD_CLASS_FILE', message: /not in UTF-8/ });
});

test('a class file that is something else is refused', async () => {
  await assert.rejects(read('a.json', '{"daisy": 0}'), { code: 'BAD_CLASS_FILE' });
  await assert.rejects(read('a.json', '["daisy"'), { code: 'BAD_CLASS_FILE' });
  await assert.rejects(read('a.txt', '0:daisy\n2:rose\n'), { code: 'BAD_CLASS_FILE', received: '2' });
  await assert.rejects(readClassFile(join(folder, 'none.txt')), { code: 'NOT_FOUND' });
});

test('names that are written are read again, those that begin with a number and a colon too', async () => {
  const counted = Array.from({ length: 11 }, (_, number) => `${number}: species`).toSorted();
  for (const names of [['daisy', 'rose'], counted, ['7:rose']]) {
    await writeClassFile(join(folder, 'written'), names);
    assert.deepEqual(await readClassFile(join(folder, 'written', 'classes.txt')), names);
  }
});

test('the class file is found above split and size folders, and not further up', async () => {
  const train = join(folder, 'set', 'tfrecords-jpeg-192x192', 'train');
  await mkdir(train, { recursive: true });
  const records = join(train, '00.tfrec');
  await writeFile(join(folder, 'classes.txt'), 'of\nanother\nset\n');
  assert.equal(await findClassFile(records), undefined);
  const own = join(folder, 'set', 'classes.txt');
  await writeFile(own, 'a\nb\n');
  assert.equal(await findClassFile(records), own);
});

test('the class file that TFDS writes beside its records is found', async () => {
  const version = join(folder, 'my_flowers', '1.0.0');
  await mkdir(version, { recursive: true });
  await writeFile(join(version, 'label.labels.txt'), 'daisy\nrose\n');
  const file = await findClassFile(join(version, 'my_flowers-train.tfrecord-00000-of-00001'));
  assert.deepEqual(await readClassFile(file!), ['daisy', 'rose']);
});
