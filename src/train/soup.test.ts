import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildModel } from '../models/index.ts';
import { readCheckpoint, saveWeights, type CheckpointInfo } from './run/checkpoint.ts';
import { parseRecipe } from './recipe/recipe.ts';
import { Ingredients } from './soup.ts';
import { initialWeights, seededValues } from './step/train-state.ts';

const recipe = parseRecipe(
  {
    model: { name: 'cnn', options: { depth: 1, width: 4 } },
    size: 16,
    epochs: 1,
    batchSize: 4,
    optimizer: { name: 'adam' },
    schedule: { name: 'constant', rate: 0.1 },
  },
  'test',
);
const classNames = ['daisy', 'rose', 'tulip'];
const model = buildModel({ ...recipe.model, classes: classNames.length, size: { height: 16, width: 16 } });
const info: CheckpointInfo = {
  format: 1,
  model: { name: model.name, options: model.options },
  size: model.size,
  classNames,
  preprocess: model.preprocess,
  recipe,
  examples: 40,
  step: 10,
  epoch: 1,
  phase: { index: 0, epoch: 0, step: 0 },
  best: { epoch: 1, score: 0.5 },
  seconds: 2,
};

test('a soup has the mean of the weights, and is made of one model only', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sepal-soup-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = (name: string) => join(folder, `${name}.safetensors`);
  for (const seed of [1, 2, 3]) await saveWeights(path(String(seed)), initialWeights(model, seededValues(seed)), info);
  const ingredients = await Ingredients.read(['1', '2', '3'].map(path));
  await ingredients.save(path('soup'), [0, 1, 2]);
  const soup = await readCheckpoint(path('soup'));
  const parts = await Promise.all(['1', '2', '3'].map((name) => readCheckpoint(path(name))));
  assert.deepEqual([...soup.tensors.keys()].toSorted(), [...parts[0].tensors.keys()].toSorted());
  for (const [name, { data }] of soup.tensors) {
    for (const [i, value] of data.entries()) {
      const mean = parts.reduce((sum, { tensors }) => sum + Number(tensors.get(name)!.data[i]), 0) / 3;
      assert.ok(Math.abs(Number(value) - mean) < 1e-6, name);
    }
  }
  assert.equal(soup.info.seconds, 6);
  assert.equal(soup.info.best, undefined);
  await saveWeights(path('other'), initialWeights(model, seededValues(1)), {
    ...info,
    classNames: classNames.toReversed(),
  });
  await ingredients.save(path('alone'), [1]);
  assert.deepEqual((await readCheckpoint(path('alone'))).tensors, parts[1].tensors);
  const options = { ...model.options, dropout: 0.7 };
  await saveWeights(path('dropout'), initialWeights(model, seededValues(1)), { ...info, model: { ...info.model, options } }); // prettier-ignore
  await Ingredients.read([path('1'), path('dropout')]);
  const wide = buildModel({ name: 'cnn', options: { depth: 1, width: 8 }, classes: 3, size: model.size });
  await saveWeights(path('wide'), initialWeights(wide, seededValues(1)), { ...info, model: { name: 'cnn', options: wide.options } }); // prettier-ignore
  await assert.rejects(Ingredients.read([path('1'), path('wide')]), { code: 'SOUP', message: /another model/ });
  await assert.rejects(Ingredients.read([path('1'), path('other')]), {
    code: 'SOUP',
    message: /another classNames/,
  });
});
