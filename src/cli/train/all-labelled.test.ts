import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { stringify } from 'yaml';
import { skipWithoutCpuPlugin as skip } from '../../../test/backend.ts';
import { writeColouredDataset } from '../../../test/coloured-dataset.ts';
import { BEST_FILE, readCalibration, readCheckpoint } from '../../train/index.ts';

const MAIN = join(import.meta.dirname, '..', 'main.ts');
const EPOCHS = 3;

suite('what a training on validation images too keeps', { skip }, () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-all-labelled-'));
    await writeColouredDataset(join(folder, 'data'), { splits: { train: 40, val: 24 }, wrong: 0.2 });
    const recipe = {
      model: { name: 'cnn', options: { depth: 1, width: 4 } },
      size: 16,
      epochs: EPOCHS,
      batchSize: 8,
      optimizer: { name: 'adam' },
      schedule: { name: 'cosine', rate: 0.02 },
    };
    await writeFile(join(folder, 'recipe.yaml'), stringify(recipe));
  });
  after(() => rm(folder, { recursive: true }));

  const sepal = (...args: string[]): string => {
    const { status, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', cwd: folder });
    assert.equal(status, 0, stderr);
    return stderr;
  };
  const train = (out: string, ...flags: string[]): string =>
    sepal('train', 'recipe.yaml', '--data', 'data', '--out', out, '--device', 'cpu', '--no-report', ...flags);
  const bestOf = async (out: string) => {
    const path = join(folder, out, BEST_FILE);
    const { info } = await readCheckpoint(path);
    return { info, calibration: await readCalibration(path, info) };
  };

  test('are its last weights, and no temperature', async () => {
    const said = train('whole', '--all-labelled');
    assert.match(said, /data {4}data train and val: 64 images|64 images/);
    assert.match(said, /last {4}epoch 3; .*; no scores: the validation images were trained on too/);
    assert.doesNotMatch(said, /best {4}epoch/);
    const { info, calibration } = await bestOf('whole');
    assert.equal(info.examples, 64);
    assert.equal(info.epoch, EPOCHS);
    assert.equal(calibration, undefined);
    assert.ok(!existsSync(join(folder, 'whole', 'calibration.json')));
  });

  test('where one on training images alone keeps the temperature of its best weights', async () => {
    train('part');
    const { info, calibration } = await bestOf('part');
    assert.equal(info.examples, 40);
    assert.equal(calibration?.split, 'validation');
    assert.equal(calibration?.images, 24);
    assert.ok(calibration.temperature > 0);
  });
  test('are not judged by validation images without a warning, alone, among others or in a comparison', async () => {
    const place = ['--data', 'data', '--device', 'cpu'];
    const seen = /^warning: whole was trained on the images of val too: its scores on them say nothing$/m;
    assert.match(sepal('evaluate', 'whole', ...place), seen);
    assert.doesNotMatch(sepal('evaluate', 'whole', ...place, '--split', 'train'), /warning/);
    const joined = sepal('ensemble', 'whole', 'part', ...place);
    assert.match(joined, seen);
    assert.doesNotMatch(joined, /part was/);
    assert.match(sepal('report', 'whole', 'part', '--out', 'both.html'), /^warning: whole was trained/m);
    assert.match(await readFile(join(folder, 'both.html'), 'utf8'), /part is best[^]*The scores of whole say nothing/);
  });
});
