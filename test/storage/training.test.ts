import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { stringify } from 'yaml';
import { BEST_FILE, LAST_FILE, readCheckpoint, readHistory } from '../../src/train/index.ts';
import { skipWithoutCpuPlugin } from '../backend.ts';
import { writeColouredDataset } from '../coloured-dataset.ts';
import { fakeGcs, gcsEnvironment } from './fake-gcs.ts';
import { startFaultProxy, type FaultProxy } from './fault-proxy.ts';
import { install, start, type RunningServer } from './go-server.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');
const root = await mkdtemp(join(tmpdir(), 'sepal-bucket-training-'));
after(() => rm(root, { recursive: true }));
const server = fakeGcs(join(root, 'buckets'));

const RECIPE = {
  model: { name: 'cnn', options: { depth: 2, width: 8 } },
  size: 16,
  epochs: 40,
  batchSize: 8,
  seed: 3,
  optimizer: { name: 'adam' },
  schedule: { name: 'cosine', rate: 0.01, warmup: 1 },
  augment: { flip: true },
};

interface Ended {
  readonly signal: NodeJS.Signals | null;
  readonly status: number | null;
  readonly output: string;
}

/** One process of a run; killed without a word after the first epoch that it tells of, where asked. */
async function life(out: string, flags: readonly string[], env: NodeJS.ProcessEnv, kill = false): Promise<Ended> {
  const args = [MAIN, 'train', join(root, 'recipe.yaml'), '--out', out, '--device', 'cpu', '--no-report', ...flags];
  const child = spawn(process.execPath, args, { env: { ...process.env, ...env } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text: Buffer) => {
      output += text.toString();
      if (kill && output.includes('epoch ')) child.kill('SIGKILL');
    });
  }
  return new Promise((resolve) => child.once('close', (status, signal) => resolve({ status, signal, output })));
}

const skip = install(server) ?? skipWithoutCpuPlugin;

suite('a run whose data is in a bucket', { skip }, () => {
  let emulator: RunningServer;
  let proxy: FaultProxy;
  before(async () => {
    // Enough that connections end in the middle of it.
    await writeColouredDataset(join(root, 'buckets', 'flower-bucket', 'set'), { splits: { train: 400, val: 60 } });
    await writeFile(join(root, 'recipe.yaml'), stringify(RECIPE));
    emulator = await start(server);
    proxy = await startFaultProxy(emulator.port, { latencyMs: 5, cut: { every: 1, afterBytes: 60_000 } });
  });
  after(async () => {
    await proxy.close();
    await emulator.close();
  });

  test('survives connections that drop and a kill in the middle, and ends with the bits of one on a disk', async () => {
    const [whole, broken] = [join(root, 'whole'), join(root, 'broken')];
    const local = await life(whole, ['--data', join(root, 'buckets', 'flower-bucket', 'set')], {});
    assert.equal(local.status, 0, local.output);

    const env = gcsEnvironment(proxy.port);
    const flags = ['--data', 'gs://flower-bucket/set', '--checkpoint-every', '0.05'];
    const killed = await life(broken, flags, env, true);
    assert.equal(killed.signal, 'SIGKILL', killed.output);
    assert.ok(existsSync(join(broken, LAST_FILE)), 'it was killed before its first checkpoint');
    const cuts = proxy.cuts;
    assert.ok(cuts > 0, 'no connection was cut');
    const resumed = await life(broken, [...flags, '--resume'], env);
    assert.equal(resumed.status, 0, resumed.output);
    assert.ok(proxy.cuts > cuts, 'no connection was cut after the kill');

    for (const file of [BEST_FILE, LAST_FILE]) {
      const [got, expected] = await Promise.all([broken, whole].map((run) => readCheckpoint(join(run, file))));
      assert.deepEqual(got.tensors, expected.tensors);
    }
    const [rows, wanted] = await Promise.all([broken, whole].map(readHistory));
    assert.deepEqual(
      rows.map(({ epoch, step, train, validation }) => ({ epoch, step, train, validation })),
      wanted.map(({ epoch, step, train, validation }) => ({ epoch, step, train, validation })),
    );
  });

  test('has its folder on a disk', async () => {
    const { status, output } = await life('gs://flower-bucket/runs/first', ['--data', 'gs://flower-bucket/set'], {});
    assert.equal(status, 2);
    assert.match(output, /^error: --out gs:\/\/flower-bucket\/runs\/first is no path of this machine/);
  });
});
