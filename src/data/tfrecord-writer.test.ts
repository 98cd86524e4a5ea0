import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { bytesValue, encodeExample, integerValues, parseExample } from './example.ts';
import { shardName, TfrecordWriter } from './tfrecord-writer.ts';
import { scanTfrecord } from './tfrecord.ts';

const root = await mkdtemp(join(tmpdir(), 'sepal-writer-'));
after(() => rm(root, { recursive: true }));

test('what is written is read back, under a name that is there only at the end', async () => {
  const folder = join(root, 'new', 'train');
  const writer = await TfrecordWriter.create(folder);
  for (let i = 0; i < 3; i++) {
    await writer.write(encodeExample({ image: Buffer.alloc(i, i), class: 2 ** 40 + i, id: `ä${i}` }));
  }
  assert.ok((await readdir(folder)).every((name) => name.startsWith('.')));
  const path = await writer.finish(shardName(4, 192, writer.count));
  assert.deepEqual(await readdir(folder), ['04-192x192-3.tfrec']);

  const read: unknown[] = [];
  const sink = {
    record: (data: Buffer) => {
      const features = parseExample(data, { file: path });
      const id = Buffer.from(bytesValue(features, 'id')!).toString();
      read.push([bytesValue(features, 'image')!.length, Number(integerValues(features, 'class')[0]), id]);
    },
    bad: (error: Error) => assert.fail(error),
  };
  await scanTfrecord(path, sink);
  assert.deepEqual(
    read,
    [0, 1, 2].map((i) => [i, 2 ** 40 + i, `ä${i}`]),
  );
});

test('a file that is not finished is removed', async () => {
  const folder = join(root, 'left');
  const writer = await TfrecordWriter.create(folder);
  await writer.write(encodeExample({ id: 'a' }));
  await writer.discard();
  assert.deepEqual(await readdir(folder), []);
});

test('a file that can’t get its name is removed too', async () => {
  const folder = join(root, 'taken');
  await mkdir(join(folder, '00.tfrec'), { recursive: true });
  {
    await using writer = await TfrecordWriter.create(folder);
    await writer.write(encodeExample({ id: 'a' }));
    await assert.rejects(writer.finish('00.tfrec'), { code: 'WRITE_FAILED' });
  }
  assert.deepEqual(await readdir(folder), ['00.tfrec']);
});

test('a folder that there can’t be is named, not the hidden file in it', async () => {
  const file = join(root, 'file');
  await writeFile(file, '');
  await assert.rejects(TfrecordWriter.create(file), {
    code: 'WRITE_FAILED',
    message: `can't write ${file}: there is a file where a folder is to be`,
  });
});

test('bytes of an image are a view of the record, not a copy', () => {
  const record = encodeExample({ image: Buffer.from('pixels'), id: 'a' });
  const image = bytesValue(parseExample(record, { file: 'f' }), 'image')!;
  assert.equal(image.buffer, record.buffer);
});

test('a record that is no Example is named', () => {
  assert.throws(() => parseExample(Buffer.from([0x0a, 0xff]), { file: 'f', record: 2, offset: 7 }), {
    code: 'BAD_EXAMPLE',
    message: 'f, record 2 (byte 7): the record is no tf.train.Example',
  });
});
