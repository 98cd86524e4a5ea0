import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { stringify } from 'yaml';
import { writeUntrainedRun } from '../../../test/untrained-run.ts';
import { BEST_FILE, readCheckpoint, RECIPE_FILE } from '../../train/index.ts';
import { writeEvaluation } from '../run-evaluation.ts';

const MAIN = join(import.meta.dirname, '..', 'main.ts');
const report = (...args: string[]) => spawnSync(process.execPath, [MAIN, 'report', ...args], { encoding: 'utf8' });
const scores = (loss: number) => ({ loss, accuracy: 0.8, macroPrecision: 0.7, macroRecall: 0.75, macroF1: 0.72 });

suite('sepal report', () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-compare-'));
    for (const [name, loss] of Object.entries({ first: 0.5, second: 0.25 })) {
      const run = await writeUntrainedRun(join(folder, name));
      const row = { epoch: 1, step: 4, learningRate: 0.01, seconds: 2, imagesPerSecond: 40 };
      const line = JSON.stringify({ ...row, train: scores(loss), validation: scores(loss) });
      await writeFile(join(run, 'history.jsonl'), `${line}\n`);
    }
  });

  after(async () => rm(folder, { recursive: true }));

  test('scores of runs side by side, as a page, a table and JSON', async () => {
    const out = join(folder, 'comparison.html');
    const runs = [join(folder, 'first'), join(folder, 'second')];
    const { status, stdout, stderr } = report(...runs, '--out', out);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^first +cnn, 32 px +0\.7200 +0\.8000 +0\.5000 +1\/1/m);
    assert.match(await readFile(out, 'utf8'), /2 runs side by side/);
    const asked = await stat(out);
    const json = spawnSync(process.execPath, [MAIN, 'report', ...runs, '--json'], { encoding: 'utf8', cwd: folder });
    assert.equal((await stat(out)).mtimeMs, asked.mtimeMs, 'JSON alone writes no page');
    const rows = JSON.parse(json.stdout) as { run: string; loss: number }[];
    assert.deepEqual(
      rows.map(({ run, loss }) => [run, loss]),
      [
        ['first', 0.5],
        ['second', 0.25],
      ],
    );
  });

  test('a folder that is no run, and one without an epoch, are refused in a line', async () => {
    const nothing = report(join(folder, 'nothing'));
    assert.equal(nothing.status, 1);
    assert.match(nothing.stderr, /there is no run .*nothing/);
    const bare = report(await writeUntrainedRun(join(folder, 'bare')));
    assert.equal(bare.status, 1);
    assert.match(bare.stderr, /bare has no history of epochs/);
    const file = report(join(folder, 'bare', 'best.safetensors'));
    assert.equal(file.status, 1);
    assert.match(file.stderr, /^error: .*best\.safetensors has no history of epochs; expected a run folder/);
  });

  test('scores of classes are shown of the weights that the run has, not of those before it went on', async () => {
    const [path, out] = [join(folder, 'second', 'evaluation.json'), join(folder, 'classes.html')];
    const pageOf = async (step: number) => {
      const evaluation = { split: 'validation', loss: 0.25, classNames: ['daisy', 'rose', 'tulip'] };
      await writeEvaluation(join(folder, 'second'), step, { ...evaluation, confusion: [1, 1, 0, 0, 2, 0, 0, 0, 2] });
      assert.equal(report(join(folder, 'second'), '--out', out).status, 0);
      return readFile(out, 'utf8');
    };
    // The weights are those after no step.
    assert.match(await pageOf(0), /F1 of every class/);
    assert.doesNotMatch(await pageOf(8), /F1 of every class/);
    await rm(path);
  });

  test('recipes are those that the runs are trained by now, not those of their best weights', async () => {
    const { info } = await readCheckpoint(join(folder, 'first', BEST_FILE));
    const out = join(folder, 'settings.html');
    await writeFile(join(folder, 'first', RECIPE_FILE), stringify({ ...info.recipe, epochs: 40 }));
    assert.equal(report(join(folder, 'first'), join(folder, 'second'), '--out', out).status, 0);
    assert.match(await readFile(out, 'utf8'), /<th scope="row">epochs<\/th>\s*<td>40<\/td>\s*<td>1<\/td>/);
  });

  test('an evaluation that is something else is refused', async () => {
    await writeFile(join(folder, 'first', 'evaluation.json'), '{"format":7}');
    const { status, stderr } = report(join(folder, 'first'), '--out', join(folder, 'x.html'));
    assert.equal(status, 1);
    assert.match(stderr, /evaluation\.json is not what sepal train wrote/);
  });
});
