import assert from 'node:assert/strict';
import { truncateSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { deflateSync, gzipSync } from 'node:zlib';
import type { DataError } from './data-error.ts';
import { frameRecord } from './tfrecord-writer.ts';
import { scanTfrecord } from './tfrecord.ts';

const folder = await mkdtemp(join(tmpdir(), 'sepal-tfrecord-'));
after(() => rm(folder, { recursive: true }));

// Three records of 10, 20 and 30 bytes: they start at 0, 26 and 62, and the file ends at 108.
const RECORDS = [10, 20, 30].map((length) => Buffer.alloc(length, length));
const GOOD = Buffer.concat(RECORDS.map(frameRecord));

async function scan(bytes: Uint8Array, keep = false) {
  const file = join(folder, 'x.tfrec');
  await writeFile(file, bytes);
  const records: string[] = [];
  const errors: { error: DataError; restLost: boolean }[] = [];
  const { bytes: kept } = await scanTfrecord(
    file,
    {
      record: (data, record, offset) => void records.push(`${record}@${offset}:${data.length}x${data[0]}`),
      bad: (error, restLost) => void errors.push({ error, restLost }),
    },
    { keep },
  );
  return { records, errors, kept };
}

const flipped = (byte: number) => GOOD.with(byte, GOOD[byte] ^ 4);
const ALL = ['0@12:10x10', '1@38:20x20', '2@74:30x30'];

test('a file gives its records and their offsets, kept in memory or not', async () => {
  assert.deepEqual((await scan(GOOD)).records, ALL);
  const { records, kept } = await scan(GOOD, true);
  assert.deepEqual(records, ALL);
  assert.deepEqual(kept, GOOD);
});

test('gzip is unpacked, whatever the name', async () => {
  assert.deepEqual((await scan(gzipSync(GOOD))).records, ALL);
});

test('a truncated gzip file gives the records before the damage', async () => {
  const { records, errors } = await scan(gzipSync(GOOD, { level: 0 }).subarray(0, 70));
  assert.deepEqual(records, ['0@12:10x10']);
  assert.equal(errors.at(-1)!.restLost, true);
});

test('a record larger than the read window is read whole', async () => {
  const large = Buffer.alloc(9_000_000, 7);
  const { records, errors } = await scan(Buffer.concat([RECORDS[0], large, RECORDS[1]].map(frameRecord)));
  assert.deepEqual(errors, []);
  assert.deepEqual(records, ['0@12:10x10', '1@38:9000000x7', `2@${26 + 9_000_016 + 12}:20x20`]);
});

test('a flipped bit in the data loses that record only', async () => {
  const { records, errors } = await scan(flipped(40));
  assert.deepEqual(records, [ALL[0], ALL[2]]);
  assert.equal(errors.length, 1);
  const { error, restLost } = errors[0];
  assert.equal(error.code, 'BAD_CHECKSUM');
  assert.equal(restLost, false);
  assert.match(error.message, /x\.tfrec, record 1 \(byte 26\): the data doesn't match its checksum/);
});

test('a flipped bit in the length loses the rest', async () => {
  const { records, errors } = await scan(flipped(27));
  assert.deepEqual(records, [ALL[0]]);
  assert.equal(errors[0].error.code, 'BAD_CHECKSUM');
  assert.equal(errors[0].restLost, true);
  assert.match(errors[0].error.message, /record 1 \(byte 26\): the length doesn't match its checksum/);
});

test('a truncated file says in which part of which record', async () => {
  const inData = await scan(GOOD.subarray(0, 90));
  assert.deepEqual(inData.records, ALL.slice(0, 2));
  assert.equal(inData.errors[0].error.code, 'TRUNCATED');
  assert.match(inData.errors[0].error.message, /record 2 \(byte 62\): the file ends inside its 30 bytes of data/);
  const inHeader = await scan(GOOD.subarray(0, 65));
  assert.match(inHeader.errors[0].error.message, /record 2 \(byte 62\): the file ends inside its header/);
});

test('a file that gets shorter while it is read is truncated', async () => {
  const file = join(folder, 'shrinking.tfrec');
  await writeFile(file, Buffer.concat(Array.from({ length: 30 }, () => frameRecord(Buffer.alloc(1_000_000)))));
  const errors: DataError[] = [];
  const sink = { record: () => {}, bad: (error: DataError) => void errors.push(error) };
  await scanTfrecord(file, sink, { onBytes: () => truncateSync(file, 3_500_000) });
  assert.deepEqual(errors.map(({ code }) => code), ['TRUNCATED']); // prettier-ignore
});

test('what is no TFRecord file is called so', async () => {
  for (const bytes of [Buffer.from('label,image\n0,a.jpg\n'), Buffer.from('x')]) {
    const { errors } = await scan(bytes);
    assert.equal(errors[0].error.code, 'NOT_TFRECORD');
  }
  const [{ error }] = (await scan(deflateSync(GOOD))).errors;
  assert.match(error.message, /compressed with zlib, which is not read/);
  assert.match(error.hint!, /GZIP/);
});

test('an empty file has no records and no error', async () => {
  assert.deepEqual(await scan(Buffer.alloc(0)), { records: [], errors: [], kept: undefined });
});

test('a missing file is named', async () => {
  const sink = { record: () => {}, bad: () => {} };
  await assert.rejects(scanTfrecord(join(folder, 'none.tfrec'), sink), { code: 'NOT_FOUND' });
});

test('an aborted scan ends with the reason of the abort', async () => {
  const file = join(folder, 'aborted.tfrec');
  await writeFile(file, GOOD);
  const signal = AbortSignal.abort(new Error('stop'));
  await assert.rejects(scanTfrecord(file, { record: () => {}, bad: () => {} }, { signal }), /stop/);
  assert.deepEqual(await readFile(file), GOOD);
});
