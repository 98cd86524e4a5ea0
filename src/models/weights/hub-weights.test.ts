import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { bringFromHub, parseHubAddress, type HubFile } from './hub-weights.ts';
import { resolveWeights } from './resolve-weights.ts';

const FILE: HubFile = { repository: 'timm/tiny.in1k', revision: 'main', file: 'model.safetensors' };
const BYTES = Buffer.from('the weights of a network');
const SHA256 = createHash('sha256').update(BYTES).digest('hex');

/** A hub of one file that counts its requests, and an empty cache. */
async function startHub(t: TestContext, listener?: RequestListener): Promise<{ requests: string[]; cache: string }> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.url} ${request.headers.range ?? 'whole'}`);
    if (listener !== undefined) return listener(request, response);
    if (request.url !== '/timm/tiny.in1k/resolve/main/model.safetensors') {
      return response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end();
    }
    if (request.headers.range === 'bytes=0-0') {
      const headers = { 'content-range': `bytes 0-0/${BYTES.length}`, 'x-linked-etag': `"${SHA256}"` };
      return response.writeHead(206, headers).end(BYTES.subarray(0, 1));
    }
    return response.writeHead(200, { 'content-length': BYTES.length }).end(BYTES);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cache = await mkdtemp(join(tmpdir(), 'sepal-hub-'));
  const { HF_ENDPOINT, SEPAL_CACHE } = process.env;
  Object.assign(process.env, {
    HF_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    SEPAL_CACHE: cache,
  });
  t.after(async () => {
    restore('HF_ENDPOINT', HF_ENDPOINT);
    restore('SEPAL_CACHE', SEPAL_CACHE);
    server.closeAllConnections();
    server.close();
    await rm(cache, { recursive: true });
  });
  return { requests, cache };
}

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}

suite("Hugging Face's hub", () => {
  test('a file is brought once, checked against the hash that the hub states', async (t) => {
    const { requests, cache } = await startHub(t);
    const place = join(cache, 'weights', 'hub', 'timm', 'tiny.in1k', 'main', 'model.safetensors');
    assert.equal(await bringFromHub(FILE), place);
    assert.deepEqual(await readFile(place), BYTES);
    const url = '/timm/tiny.in1k/resolve/main/model.safetensors';
    assert.deepEqual(requests, [`${url} bytes=0-0`, `${url} whole`]);
    assert.equal(await bringFromHub(FILE), place);
    assert.equal(requests.length, 2);
  });

  test('another content than the stated one is refused', async (t) => {
    await startHub(t, (request, response) => {
      const headers = { 'content-range': 'bytes 0-0/4', 'x-linked-etag': `"${SHA256}"` };
      if (request.headers.range === undefined) response.writeHead(200, { 'content-length': 4 }).end('evil');
      else response.writeHead(206, headers).end('e');
    });
    await assert.rejects(bringFromHub(FILE), { code: 'CHECKSUM_MISMATCH', expected: `sha256 ${SHA256}` });
  });

  test('a file that is not there, or that nobody may read, is an error that names it', async (t) => {
    await startHub(t);
    await assert.rejects(bringFromHub({ ...FILE, file: 'other.bin' }), {
      code: 'WEIGHTS_ADDRESS',
      message: "can't bring other.bin of timm/tiny.in1k at main: there is no such file",
    });
    await startHub(t, (_request, response) => response.writeHead(401).end());
    await assert.rejects(bringFromHub(FILE), { code: 'WEIGHTS_ADDRESS', message: /the hub answered 401$/ });
  });

  test('a page in place of an answer, as of a proxy that wants a password, is an error with what to do', async (t) => {
    const { cache } = await startHub(t, (_request, response) => response.end('<!DOCTYPE html>\n<p>sign in'));
    await assert.rejects(bringFromHub(FILE), {
      code: 'WEIGHTS_UNAVAILABLE',
      message: /^can't reach http:/,
      hint: /put the file at/,
    });
    assert.deepEqual(await readdir(cache), []);
  });

  test('without the internet the message says which file to put where', async (t) => {
    const { cache } = await startHub(t);
    process.env.HF_ENDPOINT = 'http://127.0.0.1:9';
    await assert.rejects(resolveWeights('resnet50', 'hf://timm/tiny.in1k'), {
      code: 'WEIGHTS_UNAVAILABLE',
      hint: `on a machine with internet download http://127.0.0.1:9/timm/tiny.in1k/resolve/main/model.safetensors, then put the file at ${join(cache, 'weights', 'hub', 'timm', 'tiny.in1k', 'main', 'model.safetensors')}, or give it as --weights FILE`,
    });
  });

  test('addresses', () => {
    assert.deepEqual(parseHubAddress('hf://timm/tiny.in1k'), FILE);
    assert.deepEqual(parseHubAddress('hf://me/net@v1.0/sub/a.safetensors'), {
      repository: 'me/net',
      revision: 'v1.0',
      file: 'sub/a.safetensors',
    });
    assert.equal(parseHubAddress('weights.safetensors'), undefined);
    for (const wrong of ['hf://timm', 'hf://timm/a/../../b', 'hf://', 'hf://a b/c']) {
      assert.throws(() => parseHubAddress(wrong), { code: 'WEIGHTS_ADDRESS' }, wrong);
    }
  });
});
