import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { create } from 'tar';
import { encodeJpeg, openDataset, type PublicSet } from '../src/data/index.ts';

const CHILD = join(import.meta.dirname, 'get-child.ts');
const SIZE = 16;
const PICTURES = 300;

test('a public data set whose getting is killed or interrupted at any stage is brought by the next try, and leaves nothing', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'sepal-get-interrupted-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const cache = join(root, 'cache', 'data', 'petunias');
  const out = join(root, 'work', 'flowers');
  await mkdir(join(root, 'work'));
  for (const name of ['red', 'white']) {
    await mkdir(join(root, 'photos', name), { recursive: true });
    for (let i = 0; i < PICTURES; i++) {
      const rgb = Uint8Array.from({ length: SIZE * SIZE * 3 }, (_, at) => (at * 7 + i * 13) % 256);
      await writeFile(join(root, 'photos', name, `${i}.jpg`), encodeJpeg({ rgb, size: SIZE, quality: 90 }));
    }
  }
  await create({ gzip: true, file: join(root, 'photos.tgz'), cwd: root }, ['photos']);
  const bytes = await readFile(join(root, 'photos.tgz'));

  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const headers = { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': bytes.length - start, ...(start > 0 && headers) });
    // The first one gets a part, and no end.
    if (ranges.push(request.headers.range) === 1) response.write(bytes.subarray(0, bytes.length >> 1));
    else response.end(bytes.subarray(start));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const set: PublicSet = {
    name: 'petunias',
    summary: 'two colours',
    licence: 'none',
    size: SIZE,
    form: {
      kind: 'folders',
      folder: 'photos',
      archive: {
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/photos.tgz`,
        sha256: createHash('sha256').update(bytes).digest('hex'),
      },
    },
  };
  await writeFile(join(root, 'set.json'), JSON.stringify(set));

  /** Runs the command, and sends it a signal as soon as a folder has something new of that name, and it isn't empty. */
  const get = async (signal?: NodeJS.Signals, folder = '', name = /./) => {
    const before = new Set(await readdir(folder).catch(() => []));
    const args = [CHILD, join(root, 'set.json'), 'data', 'get', 'petunias', '--out', out];
    const env = { ...process.env, SEPAL_CACHE: join(root, 'cache') };
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (text: Buffer) => (said += text.toString()));
    const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    if (signal !== undefined) {
      const isThere = async () => {
        const found = (await readdir(folder).catch(() => [])).find((each) => name.test(each) && !before.has(each));
        return found !== undefined && (await stat(join(folder, found)).catch(() => undefined))?.size !== 0;
      };
      while (child.exitCode === null && !(await isThere())) await delay(1);
      child.kill(signal);
    }
    const [status, killed] = await ended;
    return { status, killed, said };
  };
  const names = async (folder: string) => (await readdir(folder)).toSorted();
  const hidden = async (folder: string) => (await names(folder)).filter((name) => name.startsWith('.'));

  assert.equal((await get('SIGKILL', cache, /\.part$/)).killed, 'SIGKILL');
  const [part, ...more] = (await hidden(cache)).filter((name) => name.endsWith('.part'));
  assert.match(part, /^\.photos\.tgz\./);
  assert.deepEqual([...more, ...(await names(join(root, 'work')))], []);

  // The download goes on where it was; then the archive stays.
  assert.equal((await get('SIGKILL', cache, /^\.photos\.tgz\..*partial$/)).killed, 'SIGKILL');
  assert.deepEqual([ranges.length, ranges[0]], [2, undefined]);
  assert.match(ranges[1] ?? '', /^bytes=\d+-$/);
  assert.equal((await hidden(cache)).length, 1, 'what was being unpacked is still there');
  assert.deepEqual(await names(join(root, 'work')), []);

  const unpacking = await get('SIGINT', cache, /^\.photos\.tgz\..*partial$/);
  assert.equal(unpacking.status, 130, unpacking.said);
  assert.match(unpacking.said, /^error: interrupted by SIGINT$/m);
  assert.deepEqual(await names(cache), ['photos.tgz']);

  assert.equal((await get('SIGKILL', join(root, 'work'), /partial$/)).killed, 'SIGKILL');
  assert.equal((await hidden(join(root, 'work'))).length, 1, 'what was being written is still there');
  assert.deepEqual((await names(join(root, 'work'))).filter((name) => !name.startsWith('.')), []); // prettier-ignore

  const writing = await get('SIGTERM', join(root, 'work'), /partial$/);
  assert.equal(writing.status, 143, writing.said);
  assert.deepEqual([await names(join(root, 'work')), await names(cache)], [[], ['photos.tgz']]);

  const whole = await get();
  assert.equal(whole.status, 0, whole.said);
  assert.deepEqual([await names(join(root, 'work')), await names(cache)], [['flowers'], ['photos.tgz']]);
  let count = 0;
  for (const split of ['train', 'val', 'test'] as const) {
    await using dataset = await openDataset(out, { split, labelsRequired: true });
    count += dataset.count;
  }
  assert.equal(count, 2 * PICTURES);
  assert.equal(ranges.length, 2, 'the archive is asked for no more');
});
