import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { stringify } from 'yaml';
import { skipWithoutCpuPlugin as skip } from './backend.ts';
import { writeColouredDataset } from './coloured-dataset.ts';
import { writeUntrainedRun } from './untrained-run.ts';

const MAIN = join(import.meta.dirname, '..', 'src', 'cli', 'main.ts');
const SIZE = 40;

/** Compiling it takes many seconds, and no other test compiles it in this size. */
const SLOW = ['--model', 'densenet121', '--size', String(SIZE), '--batch-size', '7', '--device', 'cpu', '--replicas', '1']; // prettier-ignore

/** As little as can be trained. */
const SMALL = {
  model: { name: 'cnn', options: { depth: 1, width: 4 } },
  size: SIZE,
  epochs: 1,
  batchSize: 7,
  optimizer: { name: 'sgd' },
  schedule: { name: 'constant', rate: 0.01 },
};

/** Runs a command line, and sends it a signal when it has said something. */
async function run(args: readonly string[], when?: RegExp, signal?: 'SIGINT' | 'SIGTERM') {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let told = false;
  const hear = (text: Buffer) => {
    output += text.toString();
    if (!told && when?.test(output) === true) told = child.kill(signal);
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, output };
}

// A compiler can't be stopped, and a machine that is taken away doesn't wait for it.
suite('a command that is interrupted while it compiles', { skip }, () => {
  let folder: string;
  let data: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-interrupt-'));
    data = await writeColouredDataset(join(folder, 'data'), { splits: { train: 21, val: 6 }, size: SIZE });
  });
  after(() => rm(folder, { recursive: true, force: true }));

  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    test(`ends with ${code} and no step of training after ${signal}`, async () => {
      const out = join(folder, signal);
      const train = ['train', 'cnn', ...SLOW, '--data', data, '--epochs', '1', '--out', out];
      const { status, output } = await run(train, /^recipe /m, signal);
      assert.equal(status, code, output);
      assert.match(output, /^error: interrupted by /m);
      assert.doesNotMatch(output, /saved|epoch 1/);
      // The lock is given back, and nothing is half-written.
      assert.deepEqual(await readdir(out), ['recipe.yaml']);
    });
  }

  test('and has nothing to save ends at once', async () => {
    const trained = await writeUntrainedRun(join(folder, 'untrained'), { name: 'densenet121', size: SIZE, classNames: ['red', 'green', 'blue'] }); // prettier-ignore
    await writeColouredDataset(data, { splits: { test: 5 }, size: SIZE, labelled: false });
    const place = ['--device', 'cpu', '--replicas', '1'];
    for (const args of [
      ['profile', 'cnn', ...SLOW, '--out', join(folder, 'profile')],
      ['evaluate', trained, '--data', data, ...place, '--report', join(folder, 'report.html')],
      ['predict', trained, data, ...place],
      ['ensemble', trained, '--data', data, ...place, '--out', join(folder, 'ensemble.json')],
      ['submit', trained, '--data', data, ...place, '--out', join(folder, 'submission.csv')],
    ]) {
      const { status, output } = await run(args, /REPLICAS: 1/, 'SIGTERM');
      assert.equal(status, 143, `${args[0]}: ${output}`);
      assert.match(output, /^error: interrupted by SIGTERM$/m, args[0]);
    }
    const left = (await readdir(folder)).filter((name) => !name.startsWith('SIG'));
    assert.deepEqual(left.toSorted(), ['data', 'untrained']);
  });

  test('before its first checkpoint begins anew when it is resumed', async () => {
    const out = join(folder, 'SIGTERM');
    assert.deepEqual(await readdir(out), ['recipe.yaml']);
    await writeFile(join(folder, 'small.yaml'), stringify(SMALL));
    const train = ['train', join(folder, 'small.yaml'), '--data', data, '--device', 'cpu', '--out', out, '--resume'];
    const { status, output } = await run(train);
    assert.equal(status, 0, output);
    assert.match(output, /^resume {2}.*SIGTERM has no checkpoint yet, so it begins anew$/m);
    assert.ok((await readdir(out)).includes('report.html'));
  });
});

suite('a run with a time limit', { skip }, () => {
  test('ends with a submission, in an epoch that it has no time for', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'sepal-limit-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const data = await writeColouredDataset(join(folder, 'data'), { splits: { train: 21, val: 6 }, size: SIZE });
    await writeColouredDataset(data, { splits: { test: 5 }, size: SIZE, labelled: false });
    const out = join(folder, 'run');
    await writeFile(join(folder, 'endless.yaml'), stringify({ ...SMALL, epochs: 100_000 }));
    const train = ['train', join(folder, 'endless.yaml'), '--data', data, '--device', 'cpu', '--out', out];
    const { status, output } = await run([...train, '--max-time', '6s', '--submit']);
    assert.equal(status, 0, output);
    assert.match(output, /^time {4}is up after step \d{1,3}(?:,\d{3})*; everything is saved/m);
    const submission = await readFile(join(out, 'submission.csv'), 'utf8');
    assert.deepEqual(submission.trim().split('\n').slice(1).map((line) => line.split(',')[0]), [0, 1, 2, 3, 4].map((i) => `test-${i}`)); // prettier-ignore
  });
});
