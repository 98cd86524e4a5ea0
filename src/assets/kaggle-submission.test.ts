import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { readKaggleToken, submitToKaggle } from './kaggle-submission.ts';

const TOKEN = { username: 'ada', key: 'secret' };
const CSV = 'id,label\nabc,3\n';

interface Seen {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

/** A server that takes submissions as Kaggle does: a place, the upload, the handing in. */
async function kaggle(t: TestContext, refuse?: { path: RegExp; status: number; text: string }) {
  const seen: Seen[] = [];
  const read = async (request: IncomingMessage) => Buffer.concat(await request.toArray()).toString();
  const server = createServer((request, response) => {
    void read(request).then((body) => {
      const { method = '', url: path = '', headers } = request;
      seen.push({ method, path, authorization: headers.authorization, body });
      const { port } = server.address() as AddressInfo;
      if (refuse?.path.test(path) === true) return response.writeHead(refuse.status).end(refuse.text);
      if (path.includes('/submissions/url/')) {
        return response.end(JSON.stringify({ token: 'blob-7', createUrl: `http://127.0.0.1:${port}/store?signed=1` }));
      }
      return response.end(path.startsWith('/store') ? '' : JSON.stringify({ message: 'Successfully submitted' }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { seen, api: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1` };
}

const submission = {
  competition: 'petals',
  file: '/x/submission.csv',
  content: CSV,
  message: 'two networks',
  token: TOKEN,
};

test('a submission is placed, uploaded without the token, and handed in', async (t) => {
  const { seen, api } = await kaggle(t);
  assert.equal(await submitToKaggle({ ...submission, api }), 'Successfully submitted');
  assert.deepEqual(
    seen.map(({ method, path }) => `${method} ${path.replace(/\d{10,}$/, 'TIME')}`),
    [
      `POST /api/v1/competitions/petals/submissions/url/${CSV.length}/TIME`,
      'PUT /store?signed=1',
      'POST /api/v1/competitions/submissions/submit/petals',
    ],
  );
  const basic = `Basic ${Buffer.from('ada:secret').toString('base64')}`;
  assert.deepEqual(
    seen.map(({ authorization }) => authorization),
    [basic, undefined, basic],
  );
  assert.match(seen[0].body, /name="fileName"\r\n\r\nsubmission.csv/);
  assert.equal(seen[1].body, CSV);
  assert.match(seen[2].body, /name="blobFileTokens"\r\n\r\nblob-7/);
  assert.match(seen[2].body, /name="submissionDescription"\r\n\r\ntwo networks/);
});

test('what Kaggle refuses is one line with what it said; nothing is handed in after a failed upload', async (t) => {
  const closed = await kaggle(t, { path: /url/, status: 403, text: '{"message": "you must accept the rules"}' });
  await assert.rejects(submitToKaggle({ ...submission, api: closed.api }), {
    code: 'KAGGLE',
    message: 'Kaggle refused to take a submission: 403 you must accept the rules',
    hint: /rules/,
  });
  const full = await kaggle(t, { path: /store/, status: 500, text: 'no room' });
  await assert.rejects(submitToKaggle({ ...submission, api: full.api }), { message: /store the file: 500 no room/ });
  assert.equal(full.seen.length, 2);
  await assert.rejects(submitToKaggle({ ...submission, api: 'http://127.0.0.1:9/api' }), {
    message: /can't be reached/,
  });
});

test('an answer that is something else than was asked for is one line with what came', async (t) => {
  const page = '<!DOCTYPE html>\n<title>Sign in</title>';
  const place = (createUrl: unknown) => JSON.stringify({ token: 'blob-7', createUrl });
  for (const [text, received] of [
    [page, '<!DOCTYPE html>'],
    ['', 'an empty answer'],
    ['null', 'null'],
    ['[]', '[]'],
    ['{"token": "blob-7"}', '{"token": "blob-7"}'],
    ['{"message": "come back later"}', 'come back later'],
    [place(7), place(7)],
    [place('file:///etc/passwd'), place('file:///etc/passwd')],
  ]) {
    const { api, seen } = await kaggle(t, { path: /submissions\/url/, status: 200, text });
    await assert.rejects(submitToKaggle({ ...submission, api }), {
      code: 'KAGGLE',
      message: 'Kaggle named no place to upload to when asked to take a submission',
      expected: /createUrl/,
      received,
      hint: /submit again/,
    });
    assert.equal(seen.length, 1, 'nothing is uploaded');
  }
  // The file may be handed in by then: what isn't known is not told as done.
  for (const text of [page, '', '{}', '{"message": 7}']) {
    const { api } = await kaggle(t, { path: /submissions\/submit/, status: 200, text });
    await assert.rejects(submitToKaggle({ ...submission, api }), {
      code: 'KAGGLE',
      message: /didn't say whether it counts/,
      received: text === page ? '<!DOCTYPE html>' : text || 'an empty answer',
    });
  }
  const { api } = await kaggle(t, { path: /submissions\/submit/, status: 502, text: page });
  await assert.rejects(submitToKaggle({ ...submission, api }), { message: /hand the file in: 502 <!DOCTYPE html>$/ });
});

test('a connection that breaks off in an answer is one line', async (t) => {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': 100 }).write('{"token":', () => response.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await assert.rejects(submitToKaggle({ ...submission, api }), {
    code: 'KAGGLE',
    message: /^Kaggle broke off when asked to take a submission: \w+/,
    hint: /submit again/,
  });
});

test("the token comes from the environment or from Kaggle's file", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sepal-kaggle-'));
  t.after(() => rm(folder, { recursive: true }));
  assert.deepEqual(await readKaggleToken({ KAGGLE_USERNAME: 'ada', KAGGLE_KEY: 'secret' }), TOKEN);
  await assert.rejects(readKaggleToken({ KAGGLE_CONFIG_DIR: folder }), { code: 'NO_KAGGLE_TOKEN', hint: /Create New/ });
  for (const bad of ['', 'null', '{"username": 1}', '{"username": "", "key": ""}']) {
    await writeFile(join(folder, 'kaggle.json'), bad);
    await assert.rejects(readKaggleToken({ KAGGLE_CONFIG_DIR: folder }), { message: /is no Kaggle token/ });
  }
  await writeFile(join(folder, 'kaggle.json'), JSON.stringify(TOKEN));
  assert.deepEqual(await readKaggleToken({ KAGGLE_CONFIG_DIR: folder }), TOKEN);
});
