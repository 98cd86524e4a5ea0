import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import sharp from 'sharp';

const MAIN = join(import.meta.dirname, '..', 'main.ts');
const root = await mkdtemp(join(tmpdir(), 'sepal-data-cli-'));
after(() => rm(root, { recursive: true }));

const data = (...args: string[]) => spawnSync(process.execPath, [MAIN, 'data', ...args], { encoding: 'utf8' });

const photos = join(root, 'photos');
for (const name of ['daisy', 'rose']) {
  await mkdir(join(photos, name), { recursive: true });
  for (let i = 0; i < 5; i++) {
    const create = { width: 20, height: 20, channels: 3 as const, background: { r: 40 * i, g: 90, b: 7 } };
    await sharp({ create }).toFile(join(photos, name, `${i}.jpg`));
  }
}
const flowers = join(root, 'flowers');
const train = join(flowers, 'tfrecords-jpeg-16x16', 'train', '00-16x16-6.tfrec');

test('convert, info and check work on one data set', () => {
  const converted = data('convert', photos, '--out', flowers, '--size', '16', '--val', '0.2', '--test', '0.2');
  assert.equal(converted.status, 0, converted.stderr);
  assert.match(converted.stderr, /2 classes in .*flowers: 6 pictures to train on, 2 to validate, 2 to test/);

  const info = data('info', flowers);
  assert.equal(info.status, 0, info.stderr);
  assert.match(info.stdout, /^train +1 +6 +16x16 +Kaggle +yes$/m);
  assert.match(info.stdout, /^0 +daisy +3 +1 +1 +█+$/m);

  const json = JSON.parse(data('info', flowers, '--json').stdout) as { split: string; records: number }[];
  assert.deepEqual(
    json.map(({ split, records }) => [split, records]),
    [
      ['train', 6],
      ['val', 2],
      ['test', 2],
    ],
  );

  const check = data('check', flowers);
  assert.equal(check.status, 0, check.stderr);
  assert.equal(check.stdout, '');
  assert.match(check.stderr, /10 records in 3 files: all good/);
});

test('check lists every bad record and ends with status 1', async () => {
  const bytes = await readFile(train);
  bytes[100] ^= 1;
  const file = join(root, 'bad.tfrec');
  await writeFile(file, bytes.subarray(0, bytes.length - 3));
  const { status, stdout, stderr } = data('check', file);
  assert.equal(status, 1);
  const lines = stdout.trimEnd().split('\n');
  assert.equal(lines.length, 2);
  assert.equal(lines[0], `${file}, record 0: the data doesn't match its checksum`);
  assert.match(lines[1], /record 5: the file ends inside its \d+ bytes of data.*; the rest of the file is lost$/);
  assert.match(stderr, /4 records in 1 file could be read; 2 problems found/);
});

test('convert refuses a folder that holds something, and a bad picture', async () => {
  const again = data('convert', photos, '--out', flowers, '--size', '16');
  assert.equal(again.status, 1);
  assert.match(again.stderr, /^error: .*flowers is not empty.*\n {2}hint: replace the data set with --force/);

  await writeFile(join(photos, 'rose', 'broken.jpg'), 'oops');
  const out = join(root, 'more');
  const failed = data('convert', photos, '--out', out);
  assert.equal(failed.status, 1);
  assert.match(failed.stderr, /^error: .*broken\.jpg: no readable image in 4 bytes: unknown format/);
  const skipped = data('convert', photos, '--out', out, '--bad-records', 'skip');
  assert.equal(skipped.status, 0, skipped.stderr);
  assert.match(skipped.stderr, /skipped .*broken\.jpg: no readable image/);
  assert.match(skipped.stderr, /; 1 skipped$/m);
});

test('a wrong place gets one line and a hint', () => {
  const { status, stdout, stderr } = data('info', join(root, 'flowrs'));
  assert.equal(status, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /^error: no such file or folder: .*flowrs\n {2}hint: in .*: did you mean "flowers"/);
});

test('a table of labels beside a folder becomes a data set, and check --deep finds the copies in it', async () => {
  const loose = join(root, 'loose');
  await mkdir(loose);
  const rows: string[] = [];
  for (let i = 0; i < 8; i++) {
    // The last one is the first one again, under another name and class.
    const noise = Buffer.from(Uint8Array.from({ length: 75 }, (_, at) => ((at + 1) * ((i % 7) + 3) * 7919) % 251));
    const photo = sharp(noise, { raw: { width: 5, height: 5, channels: 3 } }).resize(64, 64);
    await photo.png().toFile(join(loose, `${i}.png`));
    rows.push(`${i},${i < 7 ? 'rose' : 'daisy'}`);
  }
  const labels = join(root, 'labels.csv');
  await writeFile(labels, `id,breed\n${rows.join('\n')}\n`);
  const out = join(root, 'from-table');
  const converted = data(
    'convert',
    loose,
    '--labels',
    labels,
    '--out',
    out,
    '--size',
    '64',
    '--val',
    '0',
    '--test',
    '0',
  );
  assert.equal(converted.status, 0, converted.stderr);
  assert.match(converted.stderr, /2 classes in .*: 8 pictures to train on/);

  const check = data('check', out, '--deep');
  assert.equal(check.status, 0, check.stderr);
  assert.match(check.stdout, /^one photo, two classes, 100\.0% alike:\n(  train .*\n){2}$/);
  assert.match(check.stderr, /1 group of near-duplicates: 1 with two classes, 0 across splits/);
  const json = JSON.parse(data('check', out, '--deep', '--json').stdout) as {
    duplicates: { members: { id: string }[] }[];
  };
  assert.deepEqual(json.duplicates[0].members.map(({ id }) => id).toSorted(), ['0', '7']);
});

test('get names the file to bring by hand where its server does not have it, and leaves nothing', async (t) => {
  const server = createServer((_request, response) => response.writeHead(404).end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}/files`;
  const out = join(root, 'got');
  const child = spawn(process.execPath, [MAIN, 'data', 'get', 'oxford102', '--mirror', mirror, '--out', out], {
    env: { ...process.env, SEPAL_CACHE: join(root, 'cache') },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const stderr = await text(child.stderr);
  assert.equal(child.exitCode ?? (await once(child, 'exit'))[0], 1);
  assert.match(stderr, /can't download http:.*\/files\/imagelabels\.mat: 404/);
  assert.match(
    stderr,
    /bring https:\/\/www\.robots\.ox\.ac\.uk\/.*imagelabels\.mat from another machine and put it at .*cache/,
  );
  await assert.rejects(readFile(join(out, 'classes.txt')), { code: 'ENOENT' });
  const unknown = data('get', 'roses');
  assert.equal(unknown.status, 2);
  assert.match(unknown.stderr, /tf_flowers, oxford102, petals/);
});
