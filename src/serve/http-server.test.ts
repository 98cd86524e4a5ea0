import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { HttpServer } from './http-server.ts';
import { DEFAULT_LIMITS } from './limits.ts';

const LIMITS = { ...DEFAULT_LIMITS, stopSeconds: 0.1 };
const done = async () => {};

/** A connection, which may keep its end open whatever the server does with its own. */
async function connectTo({ url }: HttpServer, allowHalfOpen = false): Promise<Socket> {
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** What comes until the other end is closed. */
async function textOf(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>)
    text += chunk.toString();
  return text;
}

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
  const closed = http.close(async () => work.promise);
  work.resolve();
  assert.equal(await (await answer).text(), 'answered');
  await Promise.all([closed, once(stalled, 'close')]);
});

test('what is arriving when the server stops is answered if it arrives in time, and nothing is finished before', async () => {
  const http = await HttpServer.listen('127.0.0.1', 0, { ...LIMITS, stopSeconds: 20 });
  const begun = Promise.withResolvers<void>();
  http.answerBy(async (request) => {
    begun.resolve();
    return new Response(await request.text());
  });
  const upload = await connectTo(http);
  upload.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf');
  await begun.promise;
  const order: string[] = [];
  const closed = http.close(async () => void order.push('finished'));
  await setTimeout(20);
  upload.write(' done');
  const answer = await textOf(upload);
  order.unshift('answered');
  assert.match(answer, /\r\nconnection: close\r\n[^]*half done$/i);
  await closed;
  assert.deepEqual(order, ['answered', 'finished']);
});

test('neither a silent connection nor one that goes on asking keeps a server from stopping', async () => {
  const http = await HttpServer.listen('127.0.0.1', 0, { ...LIMITS, stopSeconds: 20 });
  http.answerBy(() => new Response('here'));
  const silent = await connectTo(http);
  const asking = await connectTo(http);
  asking.write('GET / HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\n');
  await once(asking, 'readable');
  const started = performance.now();
  const closed = http.close(done);
  asking.write('host: x\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n');
  const answers = await textOf(asking);
  assert.equal(answers.match(/here/g)?.length, 2, 'one before the stop, one after it');
  assert.equal(answers.match(/connection: close/gi)?.length, 1);
  assert.equal(await textOf(silent), '');
  await closed;
  assert.ok(performance.now() - started < 5000);
});

test('a connection with too many unanswered requests is cut off, and no more of them are looked at', async () => {
  const http = await HttpServer.listen('127.0.0.1', 0, { ...LIMITS, pipelined: 3 });
  let asked = 0;
  http.answerBy(async () => {
    asked++;
    return new Promise(() => {});
  });
  const greedy = await connectTo(http);
  greedy.resume().write('GET / HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(1000));
  await once(greedy, 'close');
  assert.equal(asked, 3);
  http.answerBy(() => new Response('here'));
  const modest = await connectTo(http);
  modest.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(3));
  let text = '';
  for await (const chunk of modest as AsyncIterable<Buffer>) {
    text += chunk.toString();
    if (text.match(/here/g)?.length === 3) break;
  }
  await http.close(done);
});

test('a client that does not read its answer is cut off', async () => {
  const http = await HttpServer.listen('127.0.0.1', 0, { ...LIMITS, answerSeconds: 0.1 });
  const gone = Promise.withResolvers<void>();
  http.answerBy((request) => {
    request.signal.addEventListener('abort', () => gone.resolve());
    return new Response(Buffer.alloc(64 * 2 ** 20));
  });
  const deaf = await connectTo(http);
  deaf.pause().write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  await gone.promise;
  deaf.destroy();
  await http.close(done);
});

test('refused connections are closed though their clients keep their ends open, so that others get in', async () => {
  const http = await HttpServer.listen('127.0.0.1', 0, { ...LIMITS, headerSeconds: 0.1, connections: 2 });
  http.answerBy(() => new Response('here'));
  const sent = ['', 'GET / HTTP/1.1\r\nhost: x\r\n'];
  const refused = await Promise.all(
    sent.map(async (text) => {
      const socket = await connectTo(http, true);
      socket.write(text);
      return { socket, status: (await textOf(socket)).slice(9, 12) };
    }),
  );
  assert.deepEqual(
    refused.map(({ status }) => status),
    ['408', '408'],
  );
  const getIn = async (): Promise<Response> => fetch(http.url).catch(async () => (await setTimeout(100), getIn()));
  assert.equal(await (await getIn()).text(), 'here');
  for (const { socket } of refused) socket.destroy();
  await http.close(done);
});
