import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import type { HostileCase, Target } from './case.ts';
import { predict, send, sendRaw } from './send.ts';

const jpeg = await sharp({ create: { width: 48, height: 48, channels: 3, background: '#40a060' } })
  .jpeg()
  .toBuffer();

/** Lines of a raw request with the server's name. */
const head = ({ host, port }: Target, ...lines: readonly string[]): string =>
  `${[lines[0], `Host: ${host}:${port}`, ...lines.slice(1)].join('\r\n')}\r\n\r\n`;

type Row = readonly [name: string, status: number, code: HostileCase['code'], attack: HostileCase['attack']];
const json = (text: string | Buffer) => (target: Target) => predict(target, text, 'application/json');
const get = (path: string) => (target: Target) =>
  sendRaw(target, [head(target, `GET ${path} HTTP/1.1`, 'Connection: close')]);
const post =
  (...lines: readonly string[]) =>
  (target: Target) =>
    sendRaw(target, [head(target, 'POST /api/predict HTTP/1.1', ...lines)]);

const PATHS: readonly Row[] = [
  ['/../../etc/passwd', '/../../../../etc/passwd'],
  ['/page/../server.ts', '/page/../server.ts'],
  ['dots percent-encoded', '/page/%2e%2e/%2e%2e/package.json'],
  ['slashes percent-encoded', '/page/..%2f..%2fpackage.json'],
  ['encoded twice', '/page/%252e%252e%252fpackage.json'],
  ['four dots', '/page/....//....//package.json'],
  ['a null byte', '/page/main.js%00.png'],
  ['an overlong encoding of a dot', '/page/%c0%ae%c0%ae/package.json'],
  ['no valid encoding', '/page/%zz'],
  ['a semicolon', '/page;/../package.json'],
  ["the page's folder", '/page/'],
  ["the page's settings", '/page/tsconfig.json'],
].map(([name, path]): Row => [name, 404, 'NOT_FOUND', get(path)]);
const NO_PATHS: readonly Row[] = [['backslashes', 400, 'BAD_REQUEST', get('/page/..\\..\\package.json')]];

const JSON_BODIES: readonly Row[] = [
  ['nothing', ''],
  ['half an object', '{"url": "http://exam'],
  ['a number', '17'],
  ['null', 'null'],
  ['a list', '["http://example.org/"]'],
  ['an empty object', '{}'],
  ['a URL that is a number', '{"url": 17}'],
  ['a URL that is an object', '{"url": {"href": "http://example.org"}}'],
  ['no URLs', '{"urls": []}'],
  ['a prototype', '{"__proto__": {"url": "http://example.org"}}'],
  ['a URL and something more', '{"url": "http://example.org", "admin": true}'],
  ['30,000 brackets', '['.repeat(30_000)],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
].map(([name, text]): Row => [String(name), 400, 'BAD_REQUEST', json(text)]);

const OTHERS: readonly Row[] = [
  ['JSON of 1 MB', 413, 'TOO_LARGE', json(JSON.stringify({ url: 'a'.repeat(1_000_000) }))],
  [
    'a thousand URLs',
    413,
    'TOO_MANY_IMAGES',
    json(JSON.stringify({ urls: Array.from({ length: 1000 }, () => 'http://a.org/') })),
  ],
  ['an image beyond the limit', 413, 'TOO_LARGE', (target) => predict(target, Buffer.alloc(3_000_000), 'image/jpeg')],
  [
    'a body that says 1 TB',
    413,
    'TOO_LARGE',
    post('Content-Type: image/jpeg', 'Content-Length: 1000000000000', 'Connection: close'),
  ],
  [
    'a body in chunks without end',
    413,
    'TOO_LARGE',
    (target) => {
      const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(0x10000), Buffer.from('\r\n')]);
      const start = head(
        target,
        'POST /api/predict HTTP/1.1',
        'Content-Type: image/jpeg',
        'Transfer-Encoding: chunked',
      );
      return sendRaw(target, [start, ...Array.from({ length: 60 }, () => chunk)]);
    },
  ],
  ['no image', 400, 'NO_IMAGE', (target) => predict(target, '', 'image/jpeg')],
  ['no content type', 415, 'UNSUPPORTED_TYPE', post('Content-Length: 0', 'Connection: close')],
  ['text', 415, 'UNSUPPORTED_TYPE', (target) => predict(target, 'hello', 'text/plain')],
  ['XML', 415, 'UNSUPPORTED_TYPE', (target) => predict(target, '<a/>', 'application/xml')],
  [
    'a form of the old kind',
    415,
    'UNSUPPORTED_TYPE',
    (target) => predict(target, 'url=http://a.org', 'application/x-www-form-urlencoded'),
  ],
  [
    'a gzip bomb as the body',
    415,
    'UNSUPPORTED_TYPE',
    (target) => predict(target, gzipSync(Buffer.alloc(1e6)), 'image/jpeg', { 'content-encoding': 'gzip' }),
  ],
];

const multipart = (text: string) => (target: Target) => predict(target, text, 'multipart/form-data; boundary=x');
const part = (name: string, body: string, extra = '') =>
  `--x\r\nContent-Disposition: form-data; name="${name}"${extra}\r\n\r\n${body}\r\n`;
const FORMS: readonly Row[] = [
  ['no boundary', 400, 'BAD_REQUEST', (target) => predict(target, 'x', 'multipart/form-data')],
  ['no end', 400, 'BAD_REQUEST', multipart(part('image', 'abc', '; filename="a.jpg"'))],
  ['nothing', 400, 'BAD_REQUEST', multipart('')],
  ['another boundary', 400, 'BAD_REQUEST', multipart('--y\r\n\r\n--y--\r\n')],
  ['no parts', 400, 'NO_IMAGE', multipart('--x--\r\n')],
  ['fields that mean nothing', 400, 'NO_IMAGE', multipart(`${part('a', '1')}${part('b', '2')}--x--\r\n`)],
  ['500 files', 413, 'TOO_MANY_IMAGES', multipart(`${part('f', 'x', '; filename="a"').repeat(500)}--x--\r\n`)],
  ['500 fields', 413, 'TOO_MANY_IMAGES', multipart(`${part('f', 'x').repeat(500)}--x--\r\n`)],
  ['a URL of 100 KB', 400, 'BAD_URL', multipart(`${part('url', 'a'.repeat(100_000))}--x--\r\n`)],
  [
    'a file beyond the limit',
    413,
    'TOO_LARGE',
    multipart(`${part('f', 'a'.repeat(3_000_000), '; filename="a"')}--x--\r\n`),
  ],
  [
    'a path as its file name',
    415,
    'UNSUPPORTED_IMAGE',
    multipart(`${part('f', 'x', '; filename="../../../etc/cron.d/x"')}--x--\r\n`),
  ],
];

const QUERIES: readonly Row[] = [
  'top=0',
  'top=-1',
  'top=1e9',
  'top=many',
  'top=2.5',
  'explain=maybe',
  'admin=true',
].map((query): Row => [
  query,
  400,
  'BAD_REQUEST',
  (target) =>
    send(target, `/api/predict?${query}`, { method: 'POST', body: jpeg, headers: { 'content-type': 'image/jpeg' } }),
]);

const HTTP: readonly Row[] = [
  ['GET of what takes POST', 405, 'METHOD_NOT_ALLOWED', get('/api/predict')],
  ['DELETE', 405, 'METHOD_NOT_ALLOWED', (target) => send(target, '/api/model', { method: 'DELETE' })],
  [
    'TRACE',
    405,
    'METHOD_NOT_ALLOWED',
    (target) => sendRaw(target, [head(target, 'TRACE / HTTP/1.1', 'Connection: close')]),
  ],
  ['a method that is none', 400, 'BAD_REQUEST', (target) => sendRaw(target, [head(target, 'HACK / HTTP/1.1')])],
  ['no HTTP', 400, 'BAD_REQUEST', (target) => sendRaw(target, ['EHLO mail\r\n\r\n'])],
  ['TLS', 400, 'BAD_REQUEST', (target) => sendRaw(target, [Buffer.from([0x16, 3, 1, 0, 0xa5, 1, 0, 0, 0xa1, 3, 3])])],
  ['HTTP/2', 400, 'BAD_REQUEST', (target) => sendRaw(target, ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'])],
  ['HTTP/9.9', 400, 'BAD_REQUEST', (target) => sendRaw(target, [head(target, 'GET / HTTP/9.9')])],
  ['no host', 400, undefined, (target) => sendRaw(target, ['GET / HTTP/1.1\r\n\r\n'])],
  [
    "another site's name as the host",
    421,
    'WRONG_HOST',
    (target) => sendRaw(target, ['GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n']),
  ],
  ['a path of 30 KB', 431, 'HEADERS_TOO_LARGE', get(`/${'a'.repeat(30_000)}`)],
  [
    'a header of 30 KB',
    431,
    'HEADERS_TOO_LARGE',
    (target) => sendRaw(target, [head(target, 'GET / HTTP/1.1', `X: ${'a'.repeat(30_000)}`)]),
  ],
  [
    'a thousand headers',
    431,
    'HEADERS_TOO_LARGE',
    (target) =>
      sendRaw(target, [
        head(target, 'GET / HTTP/1.1', ...Array.from({ length: 1000 }, (_, i) => `X-Number-${i}: hello there`)),
      ]),
  ],
  [
    'a header with a null byte',
    400,
    'BAD_REQUEST',
    (target) => sendRaw(target, [head(target, 'GET / HTTP/1.1', 'X: a\0b')]),
  ],
  [
    'a line feed in a header',
    400,
    'BAD_REQUEST',
    (target) => sendRaw(target, [head(target, 'GET / HTTP/1.1', 'X: a\nb c')]),
  ],
  ['two lengths', 400, 'BAD_REQUEST', post('Content-Type: image/jpeg', 'Content-Length: 1', 'Content-Length: 2')],
  [
    'a length and chunks (smuggling)',
    400,
    'BAD_REQUEST',
    post('Content-Type: image/jpeg', 'Content-Length: 4', 'Transfer-Encoding: chunked'),
  ],
  ['a negative length', 400, 'BAD_REQUEST', post('Content-Type: image/jpeg', 'Content-Length: -1')],
  ['chunks twice over', 400, 'BAD_REQUEST', post('Content-Type: image/jpeg', 'Transfer-Encoding: chunked, identity')],
  [
    'a chunk whose length is no number',
    400,
    'BAD_REQUEST',
    (target) =>
      sendRaw(target, [
        head(target, 'POST /api/predict HTTP/1.1', 'Content-Type: image/jpeg', 'Transfer-Encoding: chunked'),
        'zz\r\n',
      ]),
  ],
  [
    "another site's page",
    403,
    'CROSS_SITE',
    (target) => predict(target, jpeg, 'image/jpeg', { 'sec-fetch-site': 'cross-site' }),
  ],
  [
    "another site's page by plain http",
    403,
    'CROSS_SITE',
    (target) => predict(target, jpeg, 'image/jpeg', { origin: 'http://evil.example' }),
  ],
  ['a page of no site', 403, 'CROSS_SITE', (target) => predict(target, jpeg, 'image/jpeg', { origin: 'null' })],
  [
    "a neighbour site's page",
    403,
    'CROSS_SITE',
    (target) => predict(target, jpeg, 'image/jpeg', { 'sec-fetch-site': 'same-site' }),
  ],
];

const SLOW: readonly Row[] = [
  [
    'headers that never end',
    408,
    'TOO_SLOW',
    (target) => sendRaw(target, [`GET / HTTP/1.1\r\nHost: ${target.host}\r\nX: a`]),
  ],
  [
    'headers, a few bytes at a time',
    408,
    'TOO_SLOW',
    (target) =>
      sendRaw(target, [
        `GET / HTTP/1.1\r\nHost: ${target.host}\r\n`,
        ...Array.from({ length: 20 }, () => [{ wait: 200 }, 'X: a\r\n'] as const).flat(),
      ]),
  ],
  [
    'a body that never comes',
    408,
    'TOO_SLOW',
    (target) =>
      sendRaw(target, [head(target, 'POST /api/predict HTTP/1.1', 'Content-Type: image/jpeg', 'Content-Length: 5000')]),
  ],
  [
    'a body, a byte at a time',
    408,
    'TOO_SLOW',
    (target) =>
      sendRaw(target, [
        head(target, 'POST /api/predict HTTP/1.1', 'Content-Type: image/jpeg', 'Content-Length: 5000'),
        ...Array.from({ length: 25 }, () => [{ wait: 200 }, 'a'] as const).flat(),
      ]),
  ],
];

const cases = (group: string, list: readonly Row[], slow = false): HostileCase[] =>
  list.map(([name, status, code, attack]) => ({ group, name, status, code, attack, slow }));

export const REQUEST_CASES: readonly HostileCase[] = [
  ...cases('a path', [...PATHS, ...NO_PATHS]),
  ...cases('JSON', JSON_BODIES),
  ...cases('a body', OTHERS),
  ...cases('a form', FORMS),
  ...cases('a query', QUERIES),
  ...cases('HTTP', HTTP),
  ...cases('a slow client', SLOW, true),
];
