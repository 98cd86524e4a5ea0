import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cp, glob, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { convertFolder } from '../../src/data/index.ts';
import { fakeGcs, gcsEnvironment } from './fake-gcs.ts';
import { startFaultProxy, type FaultProxy } from './fault-proxy.ts';
import { install, start, type GoServer, type RunningServer } from './go-server.ts';

const run = promisify(execFile);
const root = await mkdtemp(join(tmpdir(), 'sepal-storage-'));
after(() => rm(root, { recursive: true }));
const BUCKET = 'flower-bucket';
const SIDE = 48;

/** A data set of noise, which doesn't compress: some hundred kilobytes. */
async function makeDataset(): Promise<string> {
  for (const [label, name] of ['daisy', 'rose'].entries()) {
    await mkdir(join(root, 'photos', name), { recursive: true });
    for (let i = 0; i < 20; i++) {
      const noise = Buffer.from(
        Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, at) => (at * (i + 7) * 2654435761) >>> 24),
      );
      const photo = sharp(noise, { raw: { width: SIDE, height: SIDE, channels: 3 } }).tint(
        label === 0 ? '#fff' : '#f00',
      );
      await photo.jpeg({ quality: 95 }).toFile(join(root, 'photos', name, `${i}.jpg`));
    }
  }
  const folder = join(root, 'buckets', BUCKET, 'sets', 'flowers');
  await mkdir(join(folder, '..'), { recursive: true });
  await convertFolder(join(root, 'photos'), { out: folder, size: SIDE, quality: 95 });
  await cp(join(root, 'photos'), join(root, 'buckets', BUCKET, 'photos'), { recursive: true });
  return folder;
}

const local = await makeDataset();
const HELD = 1e9;
const BY_OFFSET = 0;

async function read(location: string, budget: number, env: NodeJS.ProcessEnv = {}): Promise<Record<string, unknown>> {
  const child = join(import.meta.dirname, 'read-child.ts');
  const { stdout } = await run(process.execPath, [child, location, String(budget)], {
    env: { ...process.env, ...env },
  });
  return JSON.parse(stdout) as Record<string, unknown>;
}

async function sepal(args: readonly string[], env: NodeJS.ProcessEnv): Promise<{ status: number; text: string }> {
  const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');
  try {
    const { stdout, stderr } = await run(process.execPath, [main, ...args], { env: { ...process.env, ...env } });
    return { status: 0, text: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { status: code, text: stdout + stderr };
  }
}

interface Service {
  readonly scheme: string;
  readonly server: GoServer;
  /** Puts the bucket's folder into it, where it hasn't read that itself. */
  readonly fill: (port: number) => Promise<void>;
  /** What tells the official client to use a port of this machine. */
  readonly env: (port: number) => NodeJS.ProcessEnv;
}

const SERVICES: readonly Service[] = [
  {
    scheme: 'gs',
    server: fakeGcs(join(root, 'buckets')),
    fill: async () => {},
    env: gcsEnvironment,
  },
  {
    scheme: 's3',
    server: {
      path: 'github.com/johannesboyne/gofakes3/cmd/gofakes3',
      version: 'v1.2.0',
      args: (port) => ['-backend', 'memory', '-initialbucket', BUCKET, '-host', `127.0.0.1:${port}`],
    },
    fill: upload,
    env: (port) => ({
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      AWS_ACCESS_KEY_ID: 'key',
      AWS_SECRET_ACCESS_KEY: 'secret',
    }),
  },
];

async function upload(port: number): Promise<void> {
  const client = new S3Client({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
  });
  const cwd = join(root, 'buckets', BUCKET);
  for await (const file of glob('**/*.*', { cwd })) {
    const Key = file.replaceAll('\\', '/');
    await client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: readFileSync(join(cwd, file)) }));
  }
  client.destroy();
}

for (const service of SERVICES) {
  const { scheme, env } = service;
  describe(`${scheme}://`, { skip: install(service.server) ?? false }, () => {
    const location = `${scheme}://${BUCKET}/sets/flowers`;
    let server: RunningServer;
    let expected: Record<string, unknown>;
    before(async () => {
      server = await start(service.server);
      await service.fill(server.port);
      expected = await read(local, HELD);
      assert.equal(expected.count, 28);
    });
    after(() => server.close());

    test('a bucket gives what the same folder on a disk gives', async () => {
      assert.deepEqual(await read(location, HELD, env(server.port)), expected);
      assert.deepEqual(await read(`${location}/`, BY_OFFSET, env(server.port)), { ...expected, name: expected.name });
      const one = `${location}/tfrecords-jpeg-${SIDE}x${SIDE}/train/*.tfrec`;
      assert.equal((await read(one, HELD, env(server.port))).pixels, expected.pixels);
    });

    const places = [
      ['held in memory', HELD, {}],
      ['copied to a disk', BY_OFFSET, {}],
      // A cache folder that can't be one.
      ['read by offset', BY_OFFSET, { SEPAL_CACHE: join(root, 'photos', 'rose', '0.jpg') }],
    ] as const;
    for (const [name, budget, cache] of places) {
      test(`late and broken connections change nothing, with files ${name}`, async () => {
        const faults = { latencyMs: 5, cut: { every: 1, afterBytes: 30_000 } };
        const proxy: FaultProxy = await startFaultProxy(server.port, faults);
        try {
          assert.deepEqual(await read(location, budget, { ...env(proxy.port), ...cache }), expected);
          assert.ok(proxy.cuts > 0, 'no connection was cut');
        } finally {
          await proxy.close();
        }
      });
    }

    test('what is missing is said in one line', async () => {
      for (const missing of [`${scheme}://no-such-bucket/x`, `${location}x`]) {
        const { code, message } = await read(missing, HELD, env(server.port));
        assert.equal(code, 'NOT_FOUND');
        assert.equal(message, `no such file or folder: ${missing}`);
      }
      assert.equal((await read(`${scheme}:///x`, HELD, env(server.port))).code, 'NO_BUCKET');
    });

    test('a service that is not there is said in one line', async () => {
      const { code, message } = await read(location, HELD, env(1));
      assert.equal(code, 'UNREACHABLE');
      assert.match(String(message), new RegExp(`^${location} can't be reached: .*ECONNREFUSED.*\\(6 attempts\\)$`));
    });

    test('the commands take it', async () => {
      const check = await sepal(['data', 'check', location], env(server.port));
      assert.deepEqual(check, { status: 0, text: '40 records in 3 files: all good\n' });
      const refused = await sepal(['data', 'info', location.replace(scheme, 'ftp')], env(server.port));
      assert.equal(refused.status, 1);
      assert.match(refused.text, /^error: ftp:\/\/ is no place that data is read from/);
    });

    test('photos in a bucket are converted like those on a disk', async () => {
      const out = join(root, `from-${scheme}`);
      const photos = `${scheme}://${BUCKET}/photos`;
      const convert = ['data', 'convert', photos, '--out', out, '--size', String(SIDE)];
      const { status, text } = await sepal(convert, env(server.port));
      assert.equal(status, 0, text);
      assert.equal((await read(out, HELD)).pixels, expected.pixels);
    });
  });
}
