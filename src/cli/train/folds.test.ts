import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { skipWithoutCpuPlugin as skip } from '../../../test/backend.ts';
import { writeColouredDataset } from '../../../test/coloured-dataset.ts';
import { readOutOfFold } from '../ensemble/out-of-fold.ts';

const MAIN = join(import.meta.dirname, '..', 'main.ts');

suite('a cross-validation', { skip }, () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-cross-validation-'));
    await writeColouredDataset(join(folder, 'data'), { splits: { train: 24, val: 12 }, wrong: 0.2 });
  });
  after(() => rm(folder, { recursive: true }));

  const sepal = (...args: string[]): string => {
    const all = [MAIN, ...args, '--data', 'data', '--device', 'cpu'];
    const { status, stderr } = spawnSync(process.execPath, all, { encoding: 'utf8', cwd: folder });
    assert.equal(status, 0, stderr);
    return stderr;
  };
  const train = (...flags: string[]): string => {
    const settings = ['--size', '16', '--epochs', '2', '--batch-size', '8', '--set', 'model.options.depth=1'];
    return sepal('train', 'cnn', '--folds', '3', '--out', 'folds', '--no-report', ...settings, ...flags);
  };

  test('whose time is up begins no other fold and joins none, and goes on with the one that it was in', async () => {
    // Less than any process takes until its first step, after which a run ends.
    const said = train('--max-time', '0.01s');
    assert.match(said, /time {4}is up with 0 of 3 folds trained; --resume trains the others\n$/);
    assert.ok(!existsSync(join(folder, 'folds', 'fold-2')));
    assert.ok(!existsSync(join(folder, 'folds', 'out-of-fold.csv')));

    assert.match(train('--resume'), /all {5}3 folds, 36 images, each by a run that has not seen it/);
    assert.equal((await readOutOfFold(join(folder, 'folds'))).ids.length, 36);
  });
  test('is not joined by the images of val without a warning, as most of its runs have seen them', () => {
    const warnings = sepal('ensemble', 'folds').match(/^warning: .*/gm);
    assert.equal(warnings?.length, 1);
    assert.match(warnings[0], /^warning: folds was trained on the images of val too, but for those of a fold/);
  });
});
