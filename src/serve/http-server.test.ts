import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { HttpServer } from './http-server.ts';
import { DEFAULT_LIMITS } from './limits.ts';

const LIMITS = { ...DEFAULT_LIMITS, stopSeconds: 0.1 };
const done = Promise.resolve();

test('requests are told that the server is starting until there is one who answers', async () => {
  const http = await HttpServer.listen('127.0.0.1', 0, LIMITS);
  try {
    const early = await fetch(`${http.url}/healthz`);
    assert.equal(early.status, 503);
    assert.equal(early.headers.get('retry-after'), '5');
    assert.match(early.headers.get('content-security-policy') ?? '', /default-src 'none'/);
    assert.deepEqual(await early.json(), {
      error: { code: 'STARTING', message: 'the server is still loading its model' },
    });
    http.answerBy(() => new Response('here'));
    assert.equal(await (await fetch(http.url)).text(), 'here');
  } finally {
    await http.close(done);
  }
});

test('a port that is taken, or an address of another machine, is an error', async () => {
  const http = await HttpServer.listen('127.0.0.1', 0, LIMITS);
  const port = Number(new URL(http.url).port);
  await assert.rejects(HttpServer.listen('127.0.0.1', port, LIMITS), { code: 'PORT_IN_USE' });
  await assert.rejects(HttpServer.listen('192.0.2.1', 0, LIMITS), { code: 'LISTEN' });
  await http.close(done);
  await (await HttpServer.listen('127.0.0.1', port, LIMITS)).close(done);
});

test('a server that stops answers what has arrived, and waits a limited time for what is still arriving', async () => {
  const http = await HttpServer.listen('127.0.0.1', 0, LIMITS);
  const work = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  http.answerBy(async (request) => {
    if (request.method === 'POST') return new Response(`${(await request.arrayBuffer()).byteLength}`);
    begun.resolve();
    await work.promise;
    return new Response('answered');
  });
  const stalled = connect(Number(new URL(http.url).port), '127.0.0.1');
  await once(stalled, 'connect');
  stalled.on('error', () => {});
  stalled.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nhalf');
  const answer = fetch(http.url);
  await begun.promise;
  const closed = http.close(work.promise);
  work.resolve();
  assert.equal(await (await answer).text(), 'answered');
  await Promise.all([closed, once(stalled, 'close')]);
});
