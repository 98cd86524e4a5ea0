import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { download } from './download.ts';
import type { TransferProgress } from './transfer.ts';

const CONTENT = randomBytes(300_000);
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
const FAST = { backoff: 1 };

/** Starts a server for one test; `url` is a file on it, `target` where to put that file in a fresh folder. */
async function serve(t: TestContext, listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const folder = await mkdtemp(join(tmpdir(), 'sepal-download-'));
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/weights.bin`;
  return { asset: { url, sha256: SHA256 }, folder, target: join(folder, 'weights.bin') };
}

/**
 * A server that sends the part that a request asks for, and at most `limit` bytes of it. The connection is cut once the
 * client has them: `onProgress` must be given to the download.
 */
function cuttingServer(limit: number) {
  const ranges: (string | undefined)[] = [];
  let cut = () => {};
  let cutAt = Infinity;
  const listener: RequestListener = (request, response) => {
    ranges.push(request.headers.range);
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': CONTENT.length - start,
      ...(start > 0 && { 'content-range': `bytes ${start}-${CONTENT.length - 1}/${CONTENT.length}` }),
    });
    cutAt = start + limit;
    cut = () => response.destroy();
    response.write(CONTENT.subarray(start, cutAt));
    if (cutAt >= CONTENT.length) response.end();
  };
  const onProgress = ({ bytes }: TransferProgress) => {
    if (bytes === cutAt) cut();
  };
  return { ranges, listener, onProgress };
}

test('a whole download lands at its path with progress up to its size', async (t) => {
  const { asset, target, folder } = await serve(t, (_request, response) => response.end(CONTENT));
  let last = 0;
  await download(asset, target, {
    onProgress({ bytes }) {
      assert.ok(bytes >= last);
      last = bytes;
    },
  });
  assert.equal(last, CONTENT.length);
  assert.deepEqual(await readFile(target), CONTENT);
  assert.deepEqual(await readdir(folder), ['weights.bin']);
});

test('a server that sends more than the file has is left, and nothing of it stays', async (t) => {
  let sent = 0;
  const { asset, target, folder } = await serve(t, (_request, response) => {
    const more = () => {
      sent += CONTENT.length;
      if (sent >= 64 * CONTENT.length) response.end();
      else response.write(CONTENT, more);
    };
    more();
  });
  await assert.rejects(download({ ...asset, size: CONTENT.length - 1 }, target, FAST), {
    code: 'CHECKSUM_MISMATCH',
    message: /gives more bytes than the file has/,
    expected: '299999 bytes',
  });
  assert.ok(sent < 32 * CONTENT.length, `${sent} bytes`);
  assert.deepEqual(await readdir(folder), []);
});

test('a file that is there is not asked for again', async (t) => {
  let requests = 0;
  const { asset, target } = await serve(t, (_request, response) => {
    requests++;
    response.end(CONTENT);
  });
  await download(asset, target);
  await download(asset, target);
  assert.equal(requests, 1);
});

test('a dropped connection goes on where it stopped', async (t) => {
  const { ranges, listener, onProgress } = cuttingServer(130_000);
  const { asset, target } = await serve(t, listener);
  await download(asset, target, { ...FAST, onProgress });
  assert.deepEqual(await readFile(target), CONTENT);
  assert.deepEqual(ranges, [undefined, 'bytes=130000-', 'bytes=260000-']);
});

test('an interrupted download keeps its bytes and the next one goes on with them', async (t) => {
  const { ranges, listener } = cuttingServer(200_000);
  const { asset, target, folder } = await serve(t, listener);
  const interrupt = new AbortController();
  const stopped = download(asset, target, {
    signal: interrupt.signal,
    onProgress: ({ bytes }) => bytes === 200_000 && interrupt.abort(new Error('stop')),
  });
  await assert.rejects(stopped, { message: 'stop' });
  assert.ok(!(await readdir(folder)).includes('weights.bin'));
  await download(asset, target);
  assert.deepEqual(await readFile(target), CONTENT);
  assert.deepEqual(ranges, [undefined, 'bytes=200000-']);
});

test('a server that ignores ranges is read from the start again', async (t) => {
  const { listener, onProgress } = cuttingServer(50_000);
  const { asset, target } = await serve(t, (request, response) => {
    if (request.headers.range === undefined) listener(request, response);
    else response.end(CONTENT);
  });
  await download(asset, target, { ...FAST, onProgress });
  assert.deepEqual(await readFile(target), CONTENT);
});

test('more bytes than the server has are thrown away', async (t) => {
  const { asset, target, folder } = await serve(t, (request, response) => {
    if (request.headers.range === undefined) response.end(CONTENT);
    else response.writeHead(416, { 'content-range': `bytes */${CONTENT.length}` }).end();
  });
  await writeFile(join(folder, `.weights.bin.${SHA256.slice(0, 12)}.part`), Buffer.alloc(CONTENT.length + 1));
  await download(asset, target, FAST);
  assert.deepEqual(await readFile(target), CONTENT);
});

test('a file with another checksum is refused and removed', async (t) => {
  const { asset, target, folder } = await serve(t, (_request, response) => response.end('something else'));
  await assert.rejects(download(asset, target), {
    code: 'CHECKSUM_MISMATCH',
    expected: `sha256 ${SHA256}`,
    received: `sha256 ${createHash('sha256').update('something else').digest('hex')}`,
  });
  assert.deepEqual(await readdir(folder), []);
});

test('a file may be pinned by MD5', async (t) => {
  const { asset, target } = await serve(t, (_request, response) => response.end(CONTENT));
  const { url } = asset;
  await assert.rejects(download({ url, md5: '0'.repeat(32) }, target), {
    code: 'CHECKSUM_MISMATCH',
    expected: `md5 ${'0'.repeat(32)}`,
  });
  await download({ url, md5: createHash('md5').update(CONTENT).digest('hex') }, target);
  assert.deepEqual(await readFile(target), CONTENT);
});

test('a missing file is refused at once', async (t) => {
  let requests = 0;
  const { asset, target } = await serve(t, (_request, response) => {
    requests++;
    response.writeHead(404).end();
  });
  await assert.rejects(download(asset, target, FAST), { code: 'DOWNLOAD_FAILED', message: /404/ });
  assert.equal(requests, 1);
});

test('a server in trouble is asked again, and given up after the last attempt', async (t) => {
  let requests = 0;
  const { asset, target } = await serve(t, (_request, response) => {
    if (++requests === 3) response.end(CONTENT);
    else response.writeHead(503).end();
  });
  await download(asset, target, FAST);
  assert.equal(requests, 3);

  const broken = await serve(t, (_request, response) => response.writeHead(503).end());
  await assert.rejects(download(broken.asset, broken.target, { ...FAST, attempts: 2 }), {
    code: 'DOWNLOAD_FAILED',
    message: /503.*2 attempts/,
  });
});

test('a server that never gets further is given up with the reason', async (t) => {
  const { listener, onProgress } = cuttingServer(1000);
  const { asset, target, folder } = await serve(t, (request, response) => {
    if (request.headers.range === undefined) listener(request, response);
    else response.destroy();
  });
  await assert.rejects(download(asset, target, { ...FAST, attempts: 3, onProgress }), {
    code: 'DOWNLOAD_FAILED',
    message: /3 attempts/,
    hint: /goes on where it stopped/,
  });
  assert.ok(!(await readdir(folder)).includes('weights.bin'));
});

test('two downloads of one file make one request', async (t) => {
  let requests = 0;
  const { asset, target } = await serve(t, (_request, response) => {
    requests++;
    setTimeout(() => response.end(CONTENT), 50);
  });
  await Promise.all([download(asset, target), download(asset, target)]);
  assert.equal(requests, 1);
});
