import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { skipWithoutCpuPlugin as skip } from '../../../test/backend.ts';
import { writeColouredDataset } from '../../../test/coloured-dataset.ts';

const MAIN = join(import.meta.dirname, '..', 'main.ts');

suite('a data set without a list of names, of whose last class validation has no picture', { skip }, () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-evaluate-'));
    const data = join(folder, 'data');
    await writeColouredDataset(data, { splits: { train: 24 } });
    await writeColouredDataset(data, { splits: { val: 8 }, classNames: ['red', 'green'] });
    await rm(join(data, 'classes.txt'));
  });
  after(() => rm(folder, { recursive: true }));

  const sepal = (command: string, ...args: string[]) => {
    const all = [MAIN, command, ...args, '--data', join(folder, 'data'), '--device', 'cpu'];
    const { status, stdout, stderr } = spawnSync(process.execPath, all, { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    return stdout;
  };

  test('has all classes in the report of its run, in scores and in the report of an evaluation', async () => {
    const run = join(folder, 'run');
    const settings = ['model.options.depth=1', 'model.options.width=4'];
    sepal('train', 'cnn', '--out', run, '--size', '16', '--epochs', '1', '--batch-size', '8', '--set', ...settings);
    assert.match(await readFile(join(run, 'report.html'), 'utf8'), /class 2/);

    const report = join(folder, 'evaluation.html');
    assert.match(sepal('evaluate', run, '--report', report), /^class 2 +0\.0000 +0\.0000 +0\.0000 +0$/m);
    assert.match(await readFile(report, 'utf8'), /class 2/);
    const { classes } = JSON.parse(sepal('evaluate', run, '--json')) as { classes: { name: string }[] };
    assert.deepEqual(
      classes.map(({ name }) => name),
      ['class 0', 'class 1', 'class 2'],
    );
  });
});
