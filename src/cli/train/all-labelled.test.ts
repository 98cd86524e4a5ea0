import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
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

  const train = (out: string, ...flags: string[]): string => {
    const args = ['train', join(folder, 'recipe.yaml'), '--data', join(folder, 'data'), '--out', join(folder, out)];
    const all = [MAIN, ...args, '--device', 'cpu', '--no-report', ...flags];
    const { status, stderr } = spawnSync(process.execPath, all, { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    return stderr;
  };
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
});
