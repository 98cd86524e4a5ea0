import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { stringify } from 'yaml';
import { skipWithoutCpuPlugin as skip } from '../../test/backend.ts';
import { writeColouredDataset } from '../../test/coloured-dataset.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
const CLASSES = ['red', 'green', 'blue'];
const folder = await mkdtemp(join(tmpdir(), 'sepal-suspects-'));
after(() => rm(folder, { recursive: true }));

const sepal = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return { stdout, stderr };
};

test('a cross-validation finds the labels that are wrong, and says where they are', { skip }, async () => {
  const data = await writeColouredDataset(join(folder, 'data'), { splits: { train: 150, val: 30 }, wrong: 0.1 });
  const recipe = {
    model: { name: 'cnn', options: { depth: 1, width: 8 } },
    size: 16,
    epochs: 12,
    batchSize: 16,
    optimizer: { name: 'adam' },
    schedule: { name: 'cosine', rate: 0.02 },
  };
  await writeFile(join(folder, 'recipe.yaml'), stringify(recipe));
  const folds = join(folder, 'folds');
  sepal('train', join(folder, 'recipe.yaml'), '--data', data, '--out', folds, '--folds', '3', '--device', 'cpu', '--no-report'); // prettier-ignore

  interface Found {
    readonly suspects: readonly { id: string; className: string; likely: string; record: { place: { record: number } } }[]; // prettier-ignore
  }
  const { suspects } = JSON.parse(sepal('data', 'check', data, '--out-of-fold', folds, '--json').stdout) as Found;
  assert.ok(suspects.length >= 5, `${suspects.length} are suspicious`);
  // A picture's number in its split says its colour.
  const numberOf = (id: string) => Number(id.split('-')[1]);
  for (const { id, className, likely, record } of suspects.slice(0, 5)) {
    assert.equal(likely, CLASSES[numberOf(id) % 3], id);
    assert.notEqual(className, likely);
    assert.equal(record.place.record, numberOf(id));
  }
  assert.match(sepal('data', 'check', data, '--out-of-fold', folds).stderr, /labels that the folds contradict/);
});
