import assert from 'node:assert/strict';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { AddressPolicy } from './address-policy.ts';
import { fetchImage, type FetchOptions } from './fetch-image.ts';

const BYTES = Buffer.from('any bytes: their content is not looked at here');

/** What the server does at each path. */
const ANSWERS: Readonly<Record<string, RequestListener>> = {
  '/image': (_request, response) => void response.end(BYTES),
  '/once': (_request, response) => void response.writeHead(302, { location: '/image' }).end(),
  '/twice': (_request, response) => void response.writeHead(307, { location: 'once' }).end(),
  '/round': (_request, response) => void response.writeHead(301, { location: '/round' }).end(),
  '/inward': (_request, response) => void response.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
  '/to-file': (_request, response) => void response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
  '/gone': (_request, response) => void response.writeHead(404).end('no'),
  '/partial': (_request, response) => void response.writeHead(206).end(BYTES),
  '/says-large': (_request, response) => void response.writeHead(200, { 'content-length': 10_000 }).end(),
  '/is-large': (_request, response) => void response.end(Buffer.alloc(5000)),
  '/zipped': (_request, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(BYTES)),
  '/cut': (_request, response) => {
    response.writeHead(200, { 'content-length': 900 }).write(BYTES);
    setTimeout(() => response.destroy(), 20);
  },
  '/silent': () => {},
  '/slow': (_request, response) => {
    response.write('a');
  },
  '/headers': (request, response) => void response.end(JSON.stringify(request.headers)),
};

suite('fetching what a stranger names', () => {
  let server: Server;
  let port: number;
  const seen: string[] = [];

  before(async () => {
    server = createServer((request, response) => {
      seen.push(request.url ?? '');
      ANSWERS[request.url ?? '']?.(request, response);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    ({ port } = server.address() as AddressInfo);
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  const options = (more: Partial<FetchOptions> = {}): FetchOptions => ({
    policy: new AddressPolicy(['127.0.0.1']),
    limits: { imageBytes: 1000, fetchSeconds: 0.5, redirects: 2 },
    ...more,
  });
  const at = (path: string) => `http://127.0.0.1:${port}${path}`;

  test('bytes come as they are, also behind a few redirects', async () => {
    for (const path of ['/image', '/once', '/twice']) assert.deepEqual(await fetchImage(at(path), options()), BYTES);
  });

  for (const [path, code] of [
    ['/round', 'FETCH_FAILED'],
    ['/inward', 'ADDRESS_REFUSED'],
    ['/to-file', 'BAD_URL'],
    ['/gone', 'FETCH_FAILED'],
    ['/partial', 'FETCH_FAILED'],
    ['/says-large', 'TOO_LARGE'],
    ['/is-large', 'TOO_LARGE'],
    ['/zipped', 'FETCH_FAILED'],
    ['/cut', 'FETCH_FAILED'],
    ['/silent', 'FETCH_TIMEOUT'],
    ['/slow', 'FETCH_TIMEOUT'],
  ] as const) {
    test(`${path} ends with ${code}`, async () => {
      await assert.rejects(fetchImage(at(path), options()), { code });
    });
  }

  test('nothing of the client goes along', async () => {
    const headers = JSON.parse((await fetchImage(at('/headers'), options())).toString()) as Record<string, string>;
    assert.deepEqual(Object.keys(headers).toSorted(), [
      'accept',
      'accept-encoding',
      'connection',
      'host',
      'user-agent',
    ]);
  });

  test('a name is connected to at the address that was checked, whatever it means a moment later', async () => {
    const answers = ['127.0.0.1', '10.0.0.1'];
    let lookups = 0;
    const resolve = async () => [{ address: answers[lookups++], family: 4 }];
    assert.deepEqual(await fetchImage(`http://flower.test:${port}/image`, options({ resolve })), BYTES);
    assert.equal(lookups, 1);
    await assert.rejects(fetchImage(`http://flower.test:${port}/image`, options({ resolve })), {
      code: 'ADDRESS_REFUSED',
    });
  });

  test('a name with one address that is not permitted is refused, before anything is sent', async () => {
    seen.length = 0;
    const resolve = async () => [
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ];
    await assert.rejects(fetchImage(`http://flower.test:${port}/image`, options({ resolve })), {
      code: 'ADDRESS_REFUSED',
    });
    assert.deepEqual(seen, []);
  });

  test('a lookup that never ends is given up on', async () => {
    const resolve = async () => new Promise<never>(() => {});
    await assert.rejects(fetchImage('http://flower.test/', options({ resolve })), { code: 'FETCH_TIMEOUT' });
  });

  for (const url of [
    '',
    'rose.jpg',
    'ftp://a.org/x',
    'file:///etc/passwd',
    'http://a:b@c.org/',
    'javascript:alert(1)',
  ]) {
    test(`${JSON.stringify(url)} is no address to fetch`, async () => {
      await assert.rejects(fetchImage(url, options()), { code: 'BAD_URL' });
    });
  }
});
