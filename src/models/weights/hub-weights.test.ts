import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { IMAGENET } from '../preprocess.ts';
import { buildModel } from '../registry.ts';
import { bringFromHub, parseHubAddress, type HubFile } from './hub-weights.ts';
import { loadWeights } from './load-weights.ts';
import { resolveWeights } from './resolve-weights.ts';
import { writeSafetensors } from './safetensors.ts';

const FILE: HubFile = { repository: 'timm/tiny.in1k', revision: 'main', file: 'model.safetensors' };
const BYTES = Buffer.from('the weights of a network');
const SHA256 = createHash('sha256').update(BYTES).digest('hex');

/** Answers as the hub does for the files of timm/tiny.in1k: large ones have their hash, small ones a name of their content. */
const holding =
  (files: Readonly<Record<string, Buffer>>): RequestListener =>
  (request, response) => {
    const file = files[request.url?.replace('/timm/tiny.in1k/resolve/main/', '') ?? ''];
    if (file === undefined) return response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end();
    if (request.headers.range !== 'bytes=0-0') {
      return response.writeHead(200, { 'content-length': file.length }).end(file);
    }
    const sha256 = createHash('sha256').update(file).digest('hex');
    const tag = file.length < 1000 && file.toString().startsWith('{') ? { etag: '"a94a8fe5"' } : { 'x-linked-etag': `"${sha256}"` }; // prettier-ignore
    return response.writeHead(206, { 'content-range': `bytes 0-0/${file.length}`, ...tag }).end(file.subarray(0, 1));
  };

/** A hub of one file that counts its requests, and an empty cache. */
async function startHub(
  t: TestContext,
  listener = holding({ 'model.safetensors': BYTES }),
): Promise<{ requests: string[]; cache: string }> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.url} ${request.headers.range ?? 'whole'}`);
    return listener(request, response);
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
    const url = '/timm/tiny.in1k/resolve/main';
    const asked = [`${url}/model.safetensors bytes=0-0`, `${url}/config.json bytes=0-0`];
    assert.deepEqual(requests, [...asked, `${url}/model.safetensors whole`]);
    assert.equal(await bringFromHub(FILE), place);
    assert.equal(requests.length, 3);
  });

  /** What is made of weights of EfficientNet-B0 under timm's names with this text beside them. */
  async function describedBy(t: TestContext, config: string | undefined) {
    const folder = await mkdtemp(join(tmpdir(), 'sepal-hub-files-'));
    t.after(() => rm(folder, { recursive: true }));
    const path = join(folder, 'model.safetensors');
    const data = Float32Array.of(1);
    await writeSafetensors(path, new Map([['blocks.0.0.conv_pw.weight', { shape: [1], dtype: 'float32', data }]]));
    const weights = { 'model.safetensors': await readFile(path) };
    const { requests } = await startHub(t, holding(config === undefined ? weights : { ...weights, 'config.json': Buffer.from(config) })); // prettier-ignore
    const resolve = () => resolveWeights('efficientnet-b0', 'hf://timm/tiny.in1k');
    const first = await resolve();
    const count = requests.length;
    assert.deepEqual(await resolve(), first);
    assert.equal(requests.length, count, 'nothing is asked again');
    assert.ok(first);
    return first;
  }

  test('weights come with the pixels that their repository says they expect', async (t) => {
    const cfg = { mean: [0.5, 0.25, 0], std: [1, 0.5, 0.1], crop_pct: 0.9 };
    const expected = { mean: [127.5, 63.75, 0], std: [255, 127.5, 25.5], channels: 'rgb' };
    const architecture = 'tf_efficientnet_b0';
    for (const config of [
      { architecture, pretrained_cfg: cfg },
      { architecture, ...cfg },
    ]) {
      assert.deepEqual((await describedBy(t, JSON.stringify(config))).preprocess, expected);
    }
    // One that says nothing of pixels, one of another library, and none.
    for (const config of [
      JSON.stringify({ architecture: 'mine' }),
      '{"model_type":"efficientnet","mean":[1,1,1]}',
      undefined,
    ])
      assert.deepEqual((await describedBy(t, config)).preprocess, IMAGENET);
  });

  test('weights of a network that computes something else under the same names are refused', async (t) => {
    const model = buildModel({ name: 'efficientnet-b0', classes: 2, size: { height: 32, width: 32 } });
    const load = async (architecture: string) => loadWeights(model, await describedBy(t, JSON.stringify({ architecture, mean: [0, 0, 0], std: [1, 1, 1] }))); // prettier-ignore
    await assert.rejects(load('efficientnet_b0'), {
      code: 'WEIGHTS_MODEL',
      message: 'hf://timm/tiny.in1k has weights of another network',
      expected: "timm's tf_efficientnet_b0",
      received: 'efficientnet_b0',
    });
    // It goes on to look at the tensors.
    for (const name of ['tf_efficientnet_b0', 'tf_efficientnet_b0_ns']) {
      await assert.rejects(load(name), { code: 'WEIGHTS_MISSING' });
    }
  });

  test('a description that is no JSON is an error that names it', async (t) => {
    await assert.rejects(describedBy(t, '{"architecture":'), {
      code: 'WEIGHTS_ADDRESS',
      message: "can't bring config.json of timm/tiny.in1k at main: it is no JSON",
    });
  });

  test('another content than the stated one is refused', async (t) => {
    await startHub(t, (request, response) => {
      const headers = { 'content-range': 'bytes 0-0/4', 'x-linked-etag': `"${SHA256}"` };
      if (request.url?.endsWith('.json') === true) response.writeHead(404).end();
      else if (request.headers.range === undefined) response.writeHead(200, { 'content-length': 4 }).end('evil');
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
      hint: `on a machine with internet download http://127.0.0.1:9/timm/tiny.in1k/resolve/main/model.safetensors, then put the file at ${join(cache, 'weights', 'hub', 'timm', 'tiny.in1k', 'main', 'model.safetensors')}, with its config.json beside it, or give it as --weights FILE`,
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
