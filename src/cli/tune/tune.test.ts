import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { parse } from 'yaml';
import { skipWithoutCpuPlugin as skip } from '../../../test/backend.ts';
import { writeColouredDataset } from '../../../test/coloured-dataset.ts';
import { shortNames } from './summary.ts';

const MAIN = join(import.meta.dirname, '..', 'main.ts');

const RECIPE = `
model: { name: cnn, options: { depth: 2, width: 4 } }
size: 16
epochs: 3
batchSize: 8
optimizer: { name: adamw }
schedule: { name: constant, rate: 0.01 }
tune: { ranges: { schedule.rate: 1e-5..1e-1:log }, trials: 4, sampler: random }
`;

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let folder: string;

/** Runs `sepal tune`; `killAt` ends it by SIGKILL once its stderr says so. */
async function tune(args: readonly string[], killAt?: RegExp): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, 'tune', ...args, '--device', 'cpu'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
  child.stderr.on('data', (text: Buffer) => {
    stderr += text.toString();
    if (killAt?.test(stderr) === true) child.kill('SIGKILL');
  });
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.on('close', resolve);
  return { status: await promise, stdout, stderr };
}

/** A table without its times. */
const untimed = (table: string) => table.replaceAll(/ +[\d.]+ s /g, ' ');

suite('sepal tune', { skip }, () => {
  let recipe: string;
  let data: string;
  const out = (name: string) => join(folder, name);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-tune-cli-'));
    recipe = join(folder, 'small.yaml');
    data = join(folder, 'data');
    await writeFile(recipe, RECIPE);
    await writeColouredDataset(data, { splits: { train: 32, val: 15 }, wrong: 0.2 });
  });
  after(async () => rm(folder, { recursive: true, force: true }));

  test('killed at any moment ends with the table, the recipe and the report of an unbroken search', async () => {
    const whole = await tune([recipe, '--data', data, '--out', out('whole')]);
    assert.equal(whole.status, 0, whole.stderr);
    assert.match(whole.stdout, /^trial +macro F1 +epoch +time +rate +state\n/);
    assert.match(whole.stdout, /pruned after epoch 1$/m);
    assert.match(whole.stderr, /^note {4}it is the best of 4 on the 15 validation images .*folds or on a test split$/m);
    assert.match(whole.stderr, /^next {4}sepal train .*best\.yaml --data .* --folds 5$/m);

    const broken = await tune([recipe, '--data', data, '--out', out('broken')], /^trial +3\/4/m);
    assert.equal(broken.status, null, broken.stderr);
    const resumed = await tune([recipe, '--data', data, '--out', out('broken'), '--resume']);
    assert.equal(resumed.status, 0, resumed.stderr);
    assert.match(resumed.stderr, /^resume {2}after 2 of 4 trials$/m);
    assert.match(resumed.stderr, /^trial {3}3\/4: rate=\S+ \(goes on\)$/m);
    assert.doesNotMatch(resumed.stderr, /^trial +[12]\/4/m);
    assert.equal(untimed(resumed.stdout), untimed(whole.stdout));

    const best = await readFile(join(out('broken'), 'best.yaml'), 'utf8');
    assert.equal(best, await readFile(join(out('whole'), 'best.yaml'), 'utf8'));
    const rate = /^ *\d+ +\S+ +\S+ +\S+ s +(\S+) /m.exec(whole.stdout)?.[1];
    assert.equal((parse(best) as { schedule: { rate: number } }).schedule.rate, Number(rate));
    assert.match(await readFile(join(out('broken'), 'report.html'), 'utf8'), /Search report/);
  });

  test('refuses a range of no setting with the nearest one, and writes nothing', async () => {
    const wrong = await tune([recipe, '--data', data, '--out', out('wrong'), '--range', 'schedule.rat=1e-4..1e-2:log']);
    assert.equal(wrong.status, 1);
    assert.match(wrong.stderr, /error: the range of schedule\.rat: schedule: there is no setting "rat"\n {2}hint: did you mean "rate"/); // prettier-ignore
    await assert.rejects(readFile(join(out('wrong'), 'tune.json')), { code: 'ENOENT' });
  });
});

test('a table shows the ends of paths that tell them apart', () => {
  assert.deepEqual(shortNames(['schedule.rate', 'batchSize']), ['rate', 'batchSize']);
  assert.deepEqual(shortNames(['schedule.rate', 'other.rate', 'rate']), ['schedule.rate', 'other.rate', 'rate']);
});
