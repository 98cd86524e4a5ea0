import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, suite, test, type TestContext } from 'node:test';
import sharp from 'sharp';
import { create } from 'tar';
import { ZipFile } from 'yazl';
import type { WebAsset } from '../../assets/index.ts';
import { writeColouredDataset } from '../../../test/coloured-dataset.ts';
import { openDataset } from '../dataset.ts';
import { SPLITS } from '../locate.ts';
import { getDataset, type GetOptions } from './get-dataset.ts';
import { LABELS_MAT, SPLITS_MAT } from './mat-fixture.ts';
import type { PublicSet } from './public-set.ts';

const SIZE = 32;
/** Bytes that the first connection brings. */
const CUT = 200;

suite('a public data set is brought', () => {
  let root: string;
  let cache: string | undefined;
  let outs = 0;
  const fresh = () => join(root, `out-${outs++}`);

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'sepal-get-'));
    cache = process.env.SEPAL_CACHE;
    process.env.SEPAL_CACHE = join(root, 'cache');
    for (const name of ['daisy', 'rose']) for (let i = 0; i < 10; i++) await photo(join(root, 'flower_photos', name, `${i}.jpg`)); // prettier-ignore
    await writeFile(join(root, 'flower_photos', 'LICENSE.txt'), 'CC-BY\n');
    for (let i = 1; i <= 8; i++) await photo(join(root, 'jpg', `image_0000${i}.jpg`));
    await create({ gzip: true, file: join(root, 'flower_photos.tgz'), cwd: root }, ['flower_photos']);
    await create({ gzip: true, file: join(root, '102flowers.tgz'), cwd: root }, ['jpg']);
    await writeFile(join(root, 'imagelabels.mat'), LABELS_MAT);
    await writeFile(join(root, 'setid.mat'), SPLITS_MAT);
  });
  after(async () => {
    if (cache === undefined) delete process.env.SEPAL_CACHE;
    else process.env.SEPAL_CACHE = cache;
    await rm(root, { recursive: true });
  });

  const set = (name: string, form: PublicSet['form']): PublicSet => ({
    name,
    summary: '',
    licence: '',
    size: SIZE,
    form,
  });
  const asset = async (url: string, name: string): Promise<WebAsset> => ({
    url: `${url}/${name}`,
    sha256: createHash('sha256')
      .update(await readFile(join(root, name)))
      .digest('hex'),
  });
  const get = async (from: PublicSet, options: Partial<GetOptions> = {}) => {
    const out = fresh();
    const result = await getDataset(from, { out, size: SIZE, backoff: 1, ...options });
    return { out: options.out ?? out, ...result };
  };
  /** What lies in the cache of a set. */
  const cached = async (name: string) => readdir(join(root, 'cache', 'data', name));

  test('from an archive of folders, over a connection that is cut once, and a second time from the cache', async (t) => {
    let cuts = 0;
    const ranges: (string | undefined)[] = [];
    const url = await serve(t, async (request, response) => {
      const bytes = await readFile(join(root, basename(request.url!)));
      const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      ranges.push(request.headers.range);
      response.writeHead(start > 0 ? 206 : 200, {
        'content-length': bytes.length - start,
        ...(start > 0 && { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
      });
      if (cuts++ > 0) return response.end(bytes.subarray(start));
      response.write(bytes.subarray(0, CUT));
      // Cut when what came is on the disk.
      const brought = async () => {
        const part = (await cached('cut')).find((name) => name.endsWith('.part'));
        return part === undefined ? 0 : (await stat(join(root, 'cache', 'data', 'cut', part))).size;
      };
      while ((await brought()) < CUT) await delay(5);
      return response.destroy();
    });
    const flowers = set('cut', {
      kind: 'folders',
      folder: 'flower_photos',
      archive: await asset(url, 'flower_photos.tgz'),
    });
    const steps = new Set<string>();
    const first = await get(flowers, { onTransfer: (file, { step }) => steps.add(`${step} ${file}`) });
    assert.deepEqual(ranges, [undefined, `bytes=${CUT}-`]);
    assert.deepEqual([...steps], ['download flower_photos.tgz', 'extract flower_photos.tgz']);
    assert.deepEqual(first.classNames, ['daisy', 'rose']);
    const dataset = await openDataset(first.out, { split: 'train', labelsRequired: true });
    assert.equal(dataset.count, first.images.train);
    await dataset.close();
    // The archive stays, what was unpacked doesn't; the second time asks nobody.
    assert.deepEqual(await cached('cut'), ['flower_photos.tgz']);
    const again = await get(flowers);
    assert.deepEqual(again.images, first.images);
    assert.equal(ranges.length, 2);
  });

  test("with Oxford's labels and splits", async (t) => {
    const url = await serveFiles(t, root);
    const form = {
      kind: 'oxford',
      archive: await asset(url, '102flowers.tgz'),
      labels: await asset(url, 'imagelabels.mat'),
      splits: await asset(url, 'setid.mat'),
    } as const;
    const { out, images, classNames } = await get(set('oxford', form));
    assert.deepEqual(images, { train: 3, val: 2, test: 3 });
    assert.equal(classNames[0], 'pink primrose');
    const seen: Record<string, number> = {};
    for (const split of SPLITS) {
      const dataset = await openDataset(out, { split, labelsRequired: true });
      for (const [i, id] of dataset.ids.entries()) seen[`${split} ${id}`] = dataset.labels[i];
      await dataset.close();
    }
    // Pictures and classes count from 1 in the files, from 0 in ours.
    assert.deepEqual(seen, {
      'train image_00003': 2,
      'train image_00001': 0,
      'train image_00005': 1,
      'val image_00002': 1,
      'val image_00007': 101,
      'test image_00004': 0,
      'test image_00006': 2,
      'test image_00008': 76,
    });
  });

  test("from Kaggle, whose store doesn't see the token", async (t) => {
    const petals = await writeColouredDataset(join(root, 'petals'), {
      splits: { train: 12, val: 5, test: 4 },
      size: SIZE,
    });
    const zip = new ZipFile();
    const sized = `tfrecords-jpeg-${SIZE}x${SIZE}`;
    for (const split of SPLITS) {
      const folder = join(petals, split);
      for (const file of await readdir(folder)) zip.addFile(join(folder, file), `${sized}/${split}/${file}`);
    }
    zip.addBuffer(Buffer.from('id,label\n'), 'sample_submission.csv');
    zip.addBuffer(Buffer.from('not for us'), `${sized}x/train/evil.tfrec`);
    zip.end();
    await pipeline(zip.outputStream, createWriteStream(join(root, 'petals.zip')));
    const seen: (string | undefined)[] = [];
    const store = await serve(t, async (request, response) => {
      seen.push(request.headers.authorization);
      response.end(await readFile(join(root, 'petals.zip')));
    });
    const api = await serve(t, (request, response) => {
      seen.push(request.headers.authorization);
      assert.equal(request.url, '/competitions/data/download-all/some-flowers');
      response.writeHead(302, { location: `${store}/signed` }).end();
    });
    t.mock.property(process, 'env', { ...process.env, KAGGLE_USERNAME: 'me', KAGGLE_KEY: 'secret' });
    const form = {
      kind: 'kaggle',
      competition: 'some-flowers',
      sizes: [SIZE],
      classNames: ['red', 'green', 'blue'],
      records: { train: 12, val: 5, test: 4 },
    } as const;
    const { out, images } = await get(set('petals', form), { kaggleApi: api });
    assert.deepEqual(seen, [`Basic ${Buffer.from('me:secret').toString('base64')}`, undefined]);
    assert.deepEqual(images, { train: 12, val: 5, test: 4 });
    assert.deepEqual((await readdir(out)).toSorted(), ['classes.txt', sized]);
    const more = { ...form, records: { ...form.records, val: 6 } };
    const out2 = fresh();
    await assert.rejects(get(set('petals', more), { kaggleApi: api, out: out2 }), { code: 'INCOMPLETE' });
    await assert.rejects(stat(out2), { code: 'ENOENT' });
    await assert.rejects(get(set('petals', form), { kaggleApi: api, size: 100 }), { code: 'SIZE', expected: '32' });
  });

  test('from Kaggle only what is an archive: of a page that came in its place nothing stays', async (t) => {
    t.mock.property(process, 'env', { ...process.env, KAGGLE_USERNAME: 'me', KAGGLE_KEY: 'secret' });
    const zip = new ZipFile();
    zip.addBuffer(Buffer.alloc(1000), 'a', { compress: false });
    zip.end();
    const whole = await buffer(zip.outputStream);
    const answers = [Buffer.from('<!DOCTYPE html>\n<title>Sign in</title>'), whole.subarray(0, 900)];
    const api = await serve(t, (_request, response) => response.end(answers.shift()));
    const form = { kind: 'kaggle', competition: 'page', sizes: [SIZE], classNames: [], records: { train: 0, val: 0, test: 0 } } as const; // prettier-ignore
    for (const begin of [/"<!DOCTYPE html>"$/, /"PK\\u0003/]) {
      const out = fresh();
      await assert.rejects(get(set('page', form), { kaggleApi: api, out }), {
        code: 'KAGGLE',
        message: 'what Kaggle sent is no whole zip archive',
        received: begin,
        hint: /run it again/,
      });
      await assert.rejects(stat(out), { code: 'ENOENT' });
      assert.deepEqual(await cached('page'), []);
    }
  });

  test('or says which file to put where, and what is wrong with one', async (t) => {
    const url = await serve(t, (_request, response) => response.writeHead(404).end());
    const archive = await asset(url, 'flower_photos.tgz');
    const flowers = set('by-hand', { kind: 'folders', folder: 'flower_photos', archive });
    const path = join(root, 'cache', 'data', 'by-hand', 'flower_photos.tgz');
    await assert.rejects(get(flowers), {
      code: 'DOWNLOAD_FAILED',
      hint: `without a network, bring ${archive.url} from another machine and put it at ${path}`,
    });
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, 'something else');
    const out = fresh();
    await assert.rejects(get(flowers, { out }), { code: 'CHECKSUM_MISMATCH' });
    await assert.rejects(stat(out), { code: 'ENOENT' });
    await rm(path);
    const mirror = await serveFiles(t, root);
    assert.equal((await get(flowers, { mirror: `${mirror}/` })).classNames.length, 2);
  });

  test('not into a folder that holds something else', async (t) => {
    let asked = 0;
    const url = await serve(t, (_request, response) => response.writeHead(404).end(asked++));
    const archive = await asset(url, 'flower_photos.tgz');
    const form = { kind: 'folders', folder: 'flower_photos', archive } as const;
    await assert.rejects(get(set('full', form), { out: root }), { code: 'OUT_NOT_EMPTY' });
    assert.equal(asked, 0);
  });
});

async function photo(path: string): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  await sharp({ create: { width: 40, height: 48, channels: 3, background: '#4080c0' } }).toFile(path);
}

type Answer = (...args: Parameters<RequestListener>) => unknown;

/** Starts a server for one test. */
async function serve(t: TestContext, answer: Answer): Promise<string> {
  const server = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const serveFiles = async (t: TestContext, root: string): Promise<string> =>
  serve(t, async (request, response) => response.end(await readFile(join(root, basename(request.url!)))));
