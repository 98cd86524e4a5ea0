import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import sharp from 'sharp';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../test/backend.ts';
import { writeUntrainedRun } from '../../test/untrained-run.ts';
import { silent } from '../base/index.ts';
import type { Backend } from '../runtime/index.ts';
import { answerSchema, errorSchema, modelSchema, type AnswerBody, type ClassifiedBody } from './answer-schema.ts';
import { writeCalibration, writeEnsemble } from '../train/index.ts';
import { startServer, type RunningServer, type ServeOptions } from './server.ts';

const CLASSES = ['daisy', 'rose', 'tulip', 'sunflower'];

const photo = (background: string, width = 60, height = 40) =>
  sharp({ create: { width, height, channels: 3, background } })
    .jpeg()
    .toBuffer();

suite('the server', { skip }, () => {
  let backend: Backend;
  let folder: string;
  let server: RunningServer;
  const runs: string[] = [];

  const start = async (options: Partial<ServeOptions> = {}) =>
    startServer({
      backend,
      runs: [runs[0]],
      version: '0.0.0',
      port: 0,
      batchSizes: [1, 4],
      limits: { imagesPerSecond: 0 },
      ...options,
    });
  const predict = async (body: Buffer | FormData, headers: Record<string, string> = {}, query = '', at = server) => {
    const response = await fetch(`${at.url}/api/predict${query}`, { method: 'POST', body, headers });
    return { response, json: await response.json() };
  };
  const classified = (json: unknown): ClassifiedBody[] => {
    const { images } = answerSchema.parse(json);
    return images.map((image) => (assert.ok(!('error' in image)), image));
  };
  const raw = { 'content-type': 'image/jpeg' };

  before(async () => {
    backend = await cpuBackend();
    folder = await mkdtemp(join(tmpdir(), 'sepal-serve-'));
    for (const [name, seed, size] of [
      ['first', 1, 32],
      ['second', 2, 48],
    ] as const) {
      runs.push(await writeUntrainedRun(join(folder, name), { classNames: CLASSES, seed, size }));
    }
    runs.push(await writeUntrainedRun(join(folder, 'other'), { classNames: ['cat', 'dog'] }));
    server = await start();
  });
  after(async () => {
    await server.close();
    await backend.close();
    await rm(folder, { recursive: true });
  });

  test('one image is answered the same as raw bytes, in a form, and by a data type of its own', async () => {
    const bytes = await photo('#d04060');
    const form = new FormData();
    form.append('image', new Blob([bytes], { type: 'image/jpeg' }), 'rose.jpg');
    const answers = [
      await predict(bytes, raw),
      await predict(bytes, { 'content-type': 'application/octet-stream' }),
      await predict(form),
    ];
    const [first, second, third] = answers.map(({ json }) => classified(json)[0]);
    assert.deepEqual(second.classes, first.classes);
    assert.deepEqual(third.classes, first.classes);
    assert.equal(third.name, 'rose.jpg');
    assert.deepEqual(first.original, { width: 60, height: 40 });
    assert.deepEqual(first.classes.map(({ name }) => name).toSorted(), CLASSES.toSorted());
    const total = first.classes.reduce((sum, { probability }) => sum + probability, 0);
    assert.ok(Math.abs(total - 1) < 1e-5);
    assert.ok(first.classes.every(({ probability }, i, all) => i === 0 || probability <= all[i - 1].probability));
  });

  test('images of many requests at once each get their own answer', async () => {
    const colours = Array.from({ length: 24 }, (_, i) => `hsl(${15 * i} 80% 50%)`);
    const bytes = await Promise.all(colours.map((colour) => photo(colour)));
    const alone: AnswerBody[] = [];
    for (const each of bytes) alone.push((await predict(each, raw)).json as AnswerBody);
    const together = await Promise.all(bytes.map((each) => predict(each, raw)));
    for (const [i, { json }] of together.entries()) {
      const [expected] = classified(alone[i]);
      for (const [k, { name, probability }] of classified(json)[0].classes.entries()) {
        assert.equal(name, expected.classes[k].name);
        assert.ok(Math.abs(probability - expected.classes[k].probability) < 1e-6, 'padding and company change nothing');
      }
    }
  });

  test('an explanation has a map for each of three classes and the image as the model saw it', async () => {
    const { json } = await predict(await photo('#20a060'), raw, '?explain=true&top=2');
    const [{ classes, explanations = [], picture = '' }] = classified(json);
    assert.equal(classes.length, 2);
    assert.equal(explanations.length, 3);
    assert.deepEqual(
      explanations.slice(0, 2).map(({ class: name }) => name),
      classes.map(({ name }) => name),
    );
    for (const { height, width, values } of explanations) {
      assert.deepEqual([height, width, values.length], [8, 8, 64]);
      assert.ok(values.some((value) => value === 1) || values.every((value) => value === 0));
    }
    const seen = await sharp(Buffer.from(picture.split(',')[1], 'base64')).metadata();
    assert.deepEqual([seen.format, seen.width, seen.height], ['png', 32, 32]);
  });

  test('several images are answered in their order, and a bad one does not hold up the others', async () => {
    const form = new FormData();
    form.append('a', new Blob([await photo('red')]), 'a.jpg');
    form.append('b', new Blob(['<svg/>']), 'b.jpg');
    form.append('c', new Blob([await photo('blue')]), 'c.jpg');
    const { response, json } = await predict(form);
    assert.equal(response.status, 200);
    const { images } = answerSchema.parse(json);
    assert.deepEqual(
      images.map(({ name }) => name),
      ['a.jpg', 'b.jpg', 'c.jpg'],
    );
    assert.deepEqual(
      images.map((image) => ('error' in image ? image.error.code : 'ok')),
      ['ok', 'UNSUPPORTED_IMAGE', 'ok'],
    );
  });

  test('runs are averaged, each at its own size', async () => {
    const bytes = await photo('#8040c0');
    const probabilities = async (...names: string[]) => {
      const averaged = await start({ runs: names, batchSizes: [1] });
      try {
        const { json } = await predict(bytes, raw, '?explain=1', averaged);
        const [{ classes, explanations = [] }] = classified(json);
        assert.equal(explanations.length, 3);
        return new Map(classes.map(({ name, probability }) => [name, probability]));
      } finally {
        await averaged.close();
      }
    };
    const [first, second, both] = [
      await probabilities(runs[0]),
      await probabilities(runs[1]),
      await probabilities(runs[0], runs[1]),
    ];
    for (const name of CLASSES) {
      const mean = ((first.get(name) ?? NaN) + (second.get(name) ?? NaN)) / 2;
      assert.ok(Math.abs((both.get(name) ?? NaN) - mean) < 1e-6);
    }
    await assert.rejects(start({ runs: [runs[0], runs[2]] }), { code: 'CLASSES' });

    const file = join(folder, 'ensemble.json');
    const members = [
      { run: runs[0], weight: 3 },
      { run: runs[1], weight: 1 },
      { run: runs[2], weight: 0 },
    ];
    await writeEnsemble(file, { format: 1, mean: 'geometric', tta: 'none', temperature: 2, members });
    const weighted = await probabilities(file);
    const wanted = CLASSES.map((name) => ((first.get(name) ?? NaN) ** 0.75 * (second.get(name) ?? NaN) ** 0.25) ** 0.5);
    const total = wanted.reduce((a, b) => a + b);
    for (const [i, name] of CLASSES.entries()) {
      assert.ok(Math.abs((weighted.get(name) ?? NaN) - wanted[i] / total) < 1e-5);
    }
    await assert.rejects(start({ runs: [file, runs[0]] }), { code: 'ENSEMBLE_FILE' });
  });

  test('one run answers at its own temperature, several and those who ask for it without', async () => {
    const run = await writeUntrainedRun(join(folder, 'calibrated'), { classNames: CLASSES, seed: 1 });
    const of = async (options: Partial<ServeOptions>) => {
      const other = await start({ batchSizes: [1], ...options });
      try {
        const [{ classes }] = classified((await predict(await photo('teal'), raw, '', other)).json);
        return CLASSES.map((name) => classes.find((each) => each.name === name)!.probability);
      } finally {
        await other.close();
      }
    };
    const plain = await of({ runs: [run] });
    const fitted = { temperature: 0.5, split: 'validation', images: 9, errorBefore: 0.2, errorAfter: 0.1, step: 0 };
    await writeCalibration(join(run, 'best.safetensors'), fitted);
    assert.deepEqual(await of({ runs: [run], calibrated: false }), plain);
    const squares = plain.map((probability) => probability ** 2);
    const total = squares.reduce((a, b) => a + b);
    for (const [i, probability] of (await of({ runs: [run] })).entries()) {
      assert.ok(Math.abs(probability - squares[i] / total) < 1e-5);
    }
    const pair = await of({ runs: [run, run] });
    for (const [i, probability] of pair.entries()) assert.ok(Math.abs(probability - plain[i]) < 1e-6);

    await writeFile(join(run, 'calibration.json'), '{');
    assert.deepEqual(await of({ runs: [run], calibrated: false }), plain, 'what does not count may be damaged');
    await of({ runs: [run, run] });
    await assert.rejects(of({ runs: [run] }), /calibration/);
  });

  test('below the threshold the answer is "not sure"', async () => {
    const strict = await start({ threshold: 1, batchSizes: [1] });
    try {
      assert.equal(classified((await predict(await photo('teal'), raw, '', strict)).json)[0].sure, false);
    } finally {
      await strict.close();
    }
    const [{ sure, classes }] = classified((await predict(await photo('teal'), raw)).json);
    assert.equal(sure, classes[0].probability >= 0.5);
  });

  test('it says what it serves, how it is, what it counted and how to talk to it', async () => {
    const model = modelSchema.parse(await (await fetch(`${server.url}/api/model`)).json());
    assert.deepEqual(model.classes, CLASSES);
    assert.deepEqual(
      model.runs.map(({ name, architecture }) => [name, architecture]),
      [['first', 'cnn']],
    );
    assert.deepEqual(await (await fetch(`${server.url}/healthz`)).json(), { status: 'ok' });
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    assert.match(metrics, /sepal_http_requests_total\{path="\/api\/predict",status="200"\} \d+/);
    assert.match(metrics, /sepal_images_total\{outcome="UNSUPPORTED_IMAGE"\} 1/);
    assert.match(metrics, /sepal_batch_images_count \d+/);
    const api = (await (await fetch(`${server.url}/openapi.json`)).json()) as { openapi: string; paths: object };
    assert.equal(api.openapi, '3.1.0');
    assert.deepEqual(Object.keys(api.paths), ['/api/predict', '/api/model', '/healthz', '/metrics']);
  });

  test('every answer has the headers that keep a browser safe, and no cookie', async () => {
    for (const path of ['/', '/api/model', '/page/main.js', '/nowhere']) {
      const { headers } = await fetch(server.url + path);
      assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/);
      assert.doesNotMatch(headers.get('content-security-policy') ?? '', /unsafe|https?:|\*/);
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.equal(headers.get('set-cookie'), null);
    }
  });

  test('the page loads only what is served', async () => {
    const page = await (await fetch(server.url)).text();
    const links = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1]);
    assert.ok(links.length > 3);
    for (const link of new Set(links)) {
      assert.ok(link.startsWith('/'), link);
      assert.equal((await fetch(server.url + link)).status, 200, link);
    }
    const tag = (await fetch(server.url)).headers.get('etag') ?? '';
    assert.equal((await fetch(server.url, { headers: { 'if-none-match': tag } })).status, 304);
  });

  test('a client that sends too much is told when to come back', async () => {
    const strict = await start({ limits: { imagesPerSecond: 0.1, burst: 2 }, batchSizes: [1] });
    try {
      const bytes = await photo('gold');
      const statuses: number[] = [];
      for (let i = 0; i < 3; i++) statuses.push((await predict(bytes, raw, '', strict)).response.status);
      assert.deepEqual(statuses, [200, 200, 429]);
      const { response, json } = await predict(bytes, raw, '', strict);
      assert.equal(errorSchema.parse(json).error.code, 'RATE_LIMITED');
      assert.ok(Number(response.headers.get('retry-after')) >= 8);
    } finally {
      await strict.close();
    }
  });

  test('nothing stays on the device after a request, and a stop leaves none waiting', async () => {
    const own = await start();
    const bytes = await photo('navy');
    await predict(bytes, raw, '?explain=1', own);
    const alive = backend.client.liveBufferCount;
    for (let i = 0; i < 10; i++) await predict(bytes, raw, '?explain=1', own);
    assert.equal(backend.client.liveBufferCount, alive);
    const pending = Promise.allSettled(Array.from({ length: 6 }, () => predict(bytes, raw, '', own)));
    await setTimeout(5);
    await own.close();
    // A connection that was not yet accepted has nobody to answer it.
    for (const result of await pending) {
      if (result.status === 'fulfilled') assert.ok([200, 503].includes(result.value.response.status));
      else assert.match(String(result.reason), /fetch failed/);
    }
    await assert.rejects(fetch(own.url));
  });

  test('other images of this process can be read as before, unless the server is to have the process for itself', async () => {
    const tiff = await sharp(await photo('plum'))
      .tiff()
      .toBuffer();
    const read = async () => sharp(tiff).toBuffer();
    await read();
    const strict = await start({ batchSizes: [1], safeFormatsOnly: true });
    try {
      await assert.rejects(read());
      assert.equal((await predict(await photo('plum'), raw, '', strict)).response.status, 200);
    } finally {
      sharp.unblock({ operation: ['VipsForeignLoad'] });
      await strict.close();
    }
    await read();
  });

  test('a client that leaves is counted as such, and as no fault', async () => {
    const asked = Promise.withResolvers<void>();
    const web = createServer(() => asked.resolve());
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    const warnings: string[] = [];
    const own = await start({
      batchSizes: [1],
      allowedRanges: ['127.0.0.1'],
      log: { ...silent, warn: (line) => warnings.push(line) },
    });
    const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}/`;
    const post = (type: string, body: string, length = body.length) => {
      const sent = request(`${own.url}/api/predict`, {
        method: 'POST',
        headers: { 'content-type': type, 'content-length': length, expect: '100-continue' },
      });
      sent.on('error', () => {});
      sent.write(body);
      return sent;
    };
    const fetching = post('application/json', JSON.stringify({ url }));
    const uploading = post('image/jpeg', 'half', 1000);
    await Promise.all([asked.promise, once(uploading, 'continue')]);
    fetching.destroy();
    uploading.destroy();
    let metrics = '';
    for (let i = 0; i < 200 && !metrics.includes('status="499"} 2'); i++) {
      metrics = await (await fetch(`${own.url}/metrics`)).text();
    }
    assert.match(metrics, /path="\/api\/predict",status="499"\} 2/);
    assert.match(metrics, /sepal_images_total\{outcome="aborted"\} 1/);
    assert.doesNotMatch(metrics, /status="[45]0\d"|FETCH_FAILED/);
    assert.deepEqual(warnings, []);
    await own.close();
    web.closeAllConnections();
    web.close();
  });

  test('URLs that never answer hold up neither photos nor the URLs of another client', async () => {
    const bytes = await photo('coral');
    const allAsked = Promise.withResolvers<void>();
    const unanswered: unknown[] = [];
    const web = createServer(({ url }, response) => {
      if (url === '/photo') response.end(bytes);
      else if (unanswered.push(response) === 4) allAsked.resolve();
    });
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    const own = await start({
      batchSizes: [1],
      trustProxy: true,
      allowedRanges: ['127.0.0.1'],
      limits: { imagesPerSecond: 0, stopSeconds: 0.1 },
    });
    const origin = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
    const ask = async (client: string, urls: readonly string[]) => {
      const headers = { 'content-type': 'application/json', 'x-forwarded-for': client };
      return predict(Buffer.from(JSON.stringify({ urls })), headers, '', own);
    };
    const gaveUp = assert.rejects(ask('10.0.0.1', Array<string>(16).fill(`${origin}/never`)));
    await allAsked.promise;
    assert.equal((await predict(bytes, raw, '', own)).response.status, 200);
    assert.equal((await ask('10.0.0.2', Array<string>(16).fill(`${origin}/photo`))).response.status, 200);
    assert.equal(unanswered.length, 4);
    await own.close();
    await gaveUp;
    web.close();
    web.closeAllConnections();
  });

  test('a stop answers an image that is still being fetched or uploaded', async () => {
    const bytes = await photo('olive');
    const begun = Promise.withResolvers<void>();
    const web = createServer((_, response) => {
      begun.resolve();
      void setTimeout(200).then(() => response.end(bytes));
    });
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    const own = await start({ batchSizes: [1], allowedRanges: ['127.0.0.1'] });
    const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}/`;
    const fetched = predict(Buffer.from(JSON.stringify({ url })), { 'content-type': 'application/json' }, '', own);
    const upload = request(`${own.url}/api/predict`, {
      method: 'POST',
      headers: { ...raw, 'content-length': bytes.length },
    });
    upload.write(bytes.subarray(0, 100));
    await begun.promise;
    await setTimeout(50);
    const closed = own.close();
    void setTimeout(100).then(() => upload.end(bytes.subarray(100)));
    const [uploaded] = (await once(upload, 'response')) as [IncomingMessage];
    uploaded.resume();
    assert.equal(uploaded.statusCode, 200);
    assert.equal((await fetched).response.status, 200);
    await closed;
    web.close();
  });
});
