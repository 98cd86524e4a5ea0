import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { convertFolder } from '../../src/data/index.ts';
import { fakeGcs, gcsEnvironment } from './fake-gcs.ts';
import { install, start, type RunningServer } from './go-server.ts';
import { startRefusingProxy } from './refusing-proxy.ts';

const run = promisify(execFile);
const root = await mkdtemp(join(tmpdir(), 'sepal-refusals-'));
after(() => rm(root, { recursive: true }));
const bucket = join(root, 'buckets', 'flower-bucket');
const server = fakeGcs(join(root, 'buckets'));

/** Runs a program of this project against a service that refuses some requests. */
async function against(
  port: number,
  refuses: (request: IncomingMessage) => boolean,
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ status: number; text: string }> {
  const proxy = await startRefusingProxy(port, refuses);
  try {
    const { stdout, stderr } = await run(process.execPath, [join(import.meta.dirname, program), ...args], {
      env: {
        ...process.env,
        ...gcsEnvironment(proxy.port),
        AWS_ENDPOINT_URL: `http://127.0.0.1:${proxy.port}`,
        ...env,
      },
    });
    return { status: 0, text: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { status: code, text: stdout + stderr };
  } finally {
    await proxy.close();
  }
}

const MAIN = '../../src/cli/main.ts';

/** Refuses the bytes of files after so many answers. */
function bytesAfter(answers: number): (request: IncomingMessage) => boolean {
  let asked = 0;
  return ({ url = '' }) => url.includes('alt=media') && ++asked > answers;
}

suite('a service that refuses', { skip: install(server) ?? false }, () => {
  let emulator: RunningServer;
  before(async () => {
    for (const name of ['daisy', 'rose']) {
      await mkdir(join(bucket, 'photos', name), { recursive: true });
      for (let i = 0; i < 8; i++) {
        const photo = sharp({ create: { width: 16, height: 16, channels: 3, background: { r: 9 * i, g: 90, b: 9 } } });
        await photo.toFile(join(bucket, 'photos', name, `${i}.jpg`));
      }
    }
    await convertFolder(join(bucket, 'photos'), { out: join(root, 'set'), size: 16 });
    await cp(join(root, 'set', 'tfrecords-jpeg-16x16', 'train'), join(bucket, 'train'), { recursive: true });
    emulator = await start(server);
  });
  after(() => emulator.close());

  test('in the middle of a data set ends it: no record is bad, and none is skipped, for lost credentials', async () => {
    // Read by offset, with a cache folder that can't be one.
    const { text } = await against(
      emulator.port,
      bytesAfter(2),
      'read-child.ts',
      ['gs://flower-bucket/train', '0', 'skip'],
      { SEPAL_CACHE: join(bucket, 'photos', 'rose', '0.jpg') },
    );
    assert.equal((JSON.parse(text) as { code: string }).code, 'NO_ACCESS');
  });

  test('in the middle of a conversion ends it, and leaves nothing', async () => {
    const out = join(root, 'out');
    const args = [
      'data',
      'convert',
      'gs://flower-bucket/photos',
      '--out',
      out,
      '--size',
      '16',
      '--bad-records',
      'skip',
    ];
    const { status, text } = await against(emulator.port, bytesAfter(5), MAIN, args);
    assert.equal(status, 1, text);
    assert.match(text, /^error: gs:\/\/flower-bucket\/photos\/\S+ can't be read: 403 /m);
    assert.equal(existsSync(out), false);
  });

  test('to list what lies above the records still gives them', async () => {
    const isAbove = ({ url = '' }: IncomingMessage) => /\/o\?/.test(url) && !url.includes('prefix=train');
    const { status, text } = await against(emulator.port, isAbove, MAIN, ['data', 'check', 'gs://flower-bucket/train']);
    assert.deepEqual({ status, text }, { status: 0, text: '12 records in 1 file: all good\n' });
  });

  test('is told whether it was asked with credentials', async () => {
    const args = ['data', 'info', 's3://flower-bucket/train'];
    const keys = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' };
    const nowhere = { AWS_EC2_METADATA_DISABLED: 'true', AWS_CONFIG_FILE: root, AWS_SHARED_CREDENTIALS_FILE: root };
    const all = () => true;
    const refused = await against(emulator.port, all, MAIN, args, keys);
    assert.match(refused.text, /^error: s3:\/\/flower-bucket\/train can't be read: 403 Forbidden$/m);
    assert.doesNotMatch(refused.text, /without credentials/);
    const { text } = await against(emulator.port, all, MAIN, args, { ...nowhere, AWS_PROFILE: 'nobody' });
    assert.match(text, /hint: it was asked without credentials: Could not load .* \(AWS_PROFILE is nobody\); /);
  });
});

test('credentials that are named and can’t be used are refused at once', async () => {
  const env = { ...process.env, STORAGE_EMULATOR_HOST: '', GOOGLE_APPLICATION_CREDENTIALS: join(root, 'missing.json') };
  const command = [join(import.meta.dirname, MAIN), 'data', 'info', 'gs://flower-bucket/train'];
  await assert.rejects(run(process.execPath, command, { env }), {
    code: 1,
    stderr:
      /^error: the file that GOOGLE_APPLICATION_CREDENTIALS names can't be used: .*missing\.json.*\n +hint: unset/,
  });
});
