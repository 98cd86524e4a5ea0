import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { treeLeaves } from '../base/index.ts';
import { isHostTensor } from '../xla/index.ts';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../test/backend.ts';
import { formulaImage } from '../../test/formula-values.ts';
import { runSteps, type HostBatch, type StepsResult } from '../../test/run-steps.ts';
import { parseRecipe } from './recipe/recipe.ts';
import { seededValues } from './step/train-state.ts';

const SIZE = 32;
const BATCH = 16;
const CLASSES = 5;
const STEPS = 10;

/** The last rows of the last batch are padding, as at the end of an epoch. */
const batches = Array.from({ length: STEPS }, (_, step): HostBatch => {
  const numbers = Array.from({ length: BATCH }, (_unused, row) => (step % 3) * BATCH + row);
  return {
    images: Buffer.concat(numbers.map((n) => formulaImage(n, SIZE * SIZE * 3))),
    labels: Int32Array.from(numbers, (n) => (7 * n) % CLASSES),
    mask: Uint8Array.from({ length: BATCH }, (_unused, row) => (step === STEPS - 1 && row >= 11 ? 0 : 1)),
  };
});

const train = async (
  replicas: number,
  settings: Readonly<Record<string, unknown>>,
  { given = batches, learningRate = 0.02 } = {},
): Promise<StepsResult> => {
  const backend = await cpuBackend({ replicas });
  try {
    const recipe = parseRecipe(
      {
        model: { name: 'cnn', options: { depth: 3, width: 8, dropout: 0.3 } },
        size: SIZE,
        epochs: 1,
        batchSize: BATCH,
        seed: 5,
        optimizer: { name: 'sgd', momentum: 0.9 },
        schedule: { name: 'constant', rate: 0.02 },
        augment: { flip: true, crop: { scale: [0.5, 1] } },
        clipNorm: 2,
        ...settings,
      },
      'test',
    );
    const value = () => seededValues(recipe.seed);
    return await runSteps(backend, {
      recipe,
      classes: CLASSES,
      batches: given,
      learningRate,
      value,
    });
  } finally {
    await backend.close();
  }
};

suite('replicas', { skip }, () => {
  test('8 with synchronised batch norm train as 1 does on the same batches, dropout and augmentation on', async () => {
    const one = await train(1, { syncBatchNorm: true });
    const eight = await train(8, { syncBatchNorm: true });
    for (const [step, loss] of one.losses.entries()) {
      assert.ok(Math.abs(eight.losses[step] - loss) <= 1e-4 * loss, `step ${step + 1}: ${eight.losses[step]}, ${loss}`);
    }
    const expected = treeLeaves(one.state, isHostTensor);
    for (const [i, { data }] of treeLeaves(eight.state, isHostTensor).entries()) {
      for (const [at, value] of data.entries()) {
        assert.ok(Math.abs(Number(value) - Number(expected[i].data[at])) <= 2e-3, `leaf ${i}, element ${at}`);
      }
    }
  });

  test('draw other numbers in each step', async () => {
    // Nothing is learnt and the images stay the same: only dropout and augmentation change the loss.
    const given = [batches[0], batches[0], batches[0]];
    const { losses } = await train(1, { syncBatchNorm: true }, { given, learningRate: 0 });
    assert.equal(new Set(losses).size, 3);
  });

  test('without it each takes its own statistics, which come together as their mean', async () => {
    const one = await train(1, {}, { given: batches.slice(0, 1) });
    const two = await train(2, {}, { given: batches.slice(0, 1) });
    const statistic = ({ state }: StepsResult, name: string) => {
      return [...(state.statistics[`block1/conv1/${name}`].data as Float32Array)];
    };
    const means = statistic(two, 'moving_mean');
    for (const [i, mean] of statistic(one, 'moving_mean').entries()) {
      assert.ok(Math.abs(means[i] - mean) < 1e-6, `mean of channel ${i}: ${means[i]}, ${mean}`);
    }
    // Variances around the halves' own means are smaller than those around the mean of the whole, or as good as equal where these
    // means are.
    const variances = statistic(two, 'moving_variance');
    const whole = statistic(one, 'moving_variance');
    for (const [i, variance] of whole.entries()) {
      assert.ok(variances[i] < variance + 1e-6, `variance of channel ${i}: ${variances[i]}, ${variance}`);
    }
    assert.ok(variances.some((variance, i) => variance < whole[i] - 1e-6));
    assert.notEqual(two.losses[0], one.losses[0]);
  });
});
