import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { openDataset } from '../../data/index.ts';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../../test/backend.ts';
import { writeColouredDataset } from '../../../test/coloured-dataset.ts';
import { writeUntrainedRun } from '../../../test/untrained-run.ts';
import { layerStatistics, type LayerStatistics } from './layer-statistics.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { loadTrainedModel } from '../run/run-weights.ts';

suite('statistics of layers', { skip }, () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-layers-'));
  });

  after(async () => rm(folder, { recursive: true }));

  async function statisticsOn(
    replicas: number,
    remat: 'none' | 'blocks' = 'none',
    classWeights?: Recipe['classWeights'],
  ): Promise<LayerStatistics[]> {
    const backend = await cpuBackend({ replicas });
    const location = await writeColouredDataset(join(folder, `data${replicas}${remat}${String(classWeights)}`), {
      splits: { val: 8 },
    });
    const data = await openDataset(location, { split: 'val' });
    try {
      const run = await writeUntrainedRun(join(folder, `run${replicas}${remat}${String(classWeights)}`), { size: 16 });
      const trained = await loadTrainedModel(backend, run);
      const recipe = { ...trained.info.recipe, syncBatchNorm: true, remat, classWeights };
      return await layerStatistics(backend, { ...trained, info: { ...trained.info, recipe } }, data);
    } finally {
      await data.close();
      await backend.close();
    }
  }

  test('every layer in order, with sound figures, and the classifier last', async () => {
    const layers = await statisticsOn(1);
    const names = layers.map(({ layer }) => layer);
    assert.equal(new Set(names).size, names.length);
    assert.equal(names.at(-1), 'classifier');
    for (const { layer, mean, std, zeros, outputGradient, weights } of layers) {
      assert.ok([mean, std, zeros, outputGradient].every(Number.isFinite), layer);
      assert.ok(zeros >= 0 && zeros <= 1);
      if (weights !== undefined) assert.ok(weights.norm > 0 && weights.gradientNorm >= 0, layer);
    }
    assert.ok(
      layers.some(({ zeros }) => zeros > 0.1 && zeros < 0.9),
      'a ReLU makes some outputs 0',
    );
    const last = layers.at(-1)!;
    // The gradient of a mean cross-entropy at the logits is (p - onehot) / rows, of three classes near chance.
    assert.ok(last.outputGradient > 0.02 && last.outputGradient < 0.1, String(last.outputGradient));
  });

  test('a run whose activations were computed again has the same figures', async () => {
    assert.deepEqual(await statisticsOn(1, 'blocks'), await statisticsOn(1));
  });

  test('gradients are those of the loss with the class weights of the recipe', async () => {
    const plain = (await statisticsOn(1)).at(-1)!.outputGradient;
    const twice = (await statisticsOn(1, 'none', [2, 2, 2])).at(-1)!.outputGradient;
    assert.ok(Math.abs(twice - 2 * plain) < 1e-6, `${twice} and twice ${plain}`);
    // 8 examples of 3 classes can't be equally many, so that balanced weights differ from 1.
    const balanced = (await statisticsOn(1, 'none', 'balanced')).at(-1)!.outputGradient;
    assert.ok(Math.abs(balanced - plain) > 1e-4 * plain, `${balanced} and ${plain}`);
  });

  test('replicas together find what one finds', async () => {
    const [one, two] = [await statisticsOn(1), await statisticsOn(2)];
    const near = (a: number, b: number, what: string) =>
      assert.ok(Math.abs(a - b) <= 1e-4 * Math.max(1e-3, Math.abs(a)), `${what}: ${a} and ${b}`);
    for (const [i, a] of one.entries()) {
      const b = two[i];
      assert.equal(b.layer, a.layer);
      for (const figure of ['mean', 'std', 'zeros', 'outputGradient'] as const) {
        near(a[figure], b[figure], `${figure} of ${a.layer}`);
      }
      near(a.weights?.gradientNorm ?? 0, b.weights?.gradientNorm ?? 0, `gradient of ${a.layer}`);
    }
  });
});
