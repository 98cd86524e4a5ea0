import { openDataset } from '../src/data/index.ts';
import { treeLeaves } from '../src/base/index.ts';
import { buildModel, type Model } from '../src/models/index.ts';
import { isDeviceArray, type Backend } from '../src/runtime/index.ts';
import { compileEvaluator } from '../src/train/evaluate.ts';
import { computeTypeOf } from '../src/train/step/precision.ts';
import { seededValues } from '../src/train/step/train-state.ts';
import { parseRecipe, type Recipe } from '../src/train/recipe/recipe.ts';
import { runSteps, type HostBatch } from './run-steps.ts';

export const CURVE_CLASSES = 5;

/** A small network on photos, for the question what bfloat16 does to the loss. */
export const curveRecipe = (precision: Recipe['precision'], settings: Readonly<Record<string, unknown>> = {}): Recipe =>
  parseRecipe(
    {
      model: { name: 'cnn', options: { stemStrides: 2, width: 16, depth: 4, dropout: 0.1 } },
      size: 64,
      epochs: 1,
      batchSize: 64,
      precision,
      optimizer: { name: 'adamw', weightDecay: 0.01 },
      schedule: { name: 'constant', rate: 0.001 },
      augment: { flip: true },
      ...settings,
    },
    'curve',
  );

/** The first batches of a folder of photos, in a shuffled order. */
export async function photoBatches(folder: string, { size, batchSize }: Recipe, steps: number): Promise<HostBatch[]> {
  const data = await openDataset(folder, { split: 'train', size, labelsRequired: true });
  const batches: HostBatch[] = [];
  for (let epoch = 0; batches.length < steps; epoch++) {
    for await (const batch of data.batches({ batchSize, order: { shuffle: { seed: 1, epoch } } })) {
      const whole = batch.count === batchSize;
      if (whole && batches.length < steps) {
        batches.push({
          images: new Uint8Array(batch.images),
          labels: new Int32Array(batch.labels),
          mask: new Uint8Array(batch.mask),
        });
      }
      batch.release();
    }
  }
  await data.close();
  return batches;
}

export interface Curve {
  readonly losses: readonly number[];
  /** On the validation photos, after the last step. */
  readonly accuracy: number;
}

/** A run of the program text that is compiled for TPUs, on the backend's devices. */
export async function lossCurve(
  backend: Backend,
  recipe: Recipe,
  folder: string,
  batches: readonly HostBatch[],
): Promise<Curve> {
  const { losses, state } = await runSteps(backend, {
    recipe,
    classes: CURVE_CLASSES,
    value: () => seededValues(recipe.seed),
    batches,
    learningRate: 0.001,
    platform: 'tpu',
  });
  const data = await openDataset(folder, { split: 'val', size: recipe.size, labelsRequired: true });
  const weights = await backend.replicateTree({ params: state.params, statistics: state.statistics });
  try {
    const evaluate = await compileEvaluator(backend, curveModel(recipe, backend), recipe.batchSize);
    return { losses, accuracy: (await evaluate(weights, data)).confusion.accuracy };
  } finally {
    for (const array of treeLeaves(weights, isDeviceArray)) array.dispose();
    await data.close();
  }
}

/** The network in what it computes in on this backend. */
export function curveModel({ model, size, precision }: Recipe, units: Pick<Backend, 'hasBfloat16Units'>): Model {
  const computeType = computeTypeOf(precision, units);
  return buildModel({ ...model, classes: CURVE_CLASSES, size: { height: size, width: size }, computeType });
}

/** The greatest relative distance of two curves, each the mean of the last `window` steps. */
export function curveDistance(curve: readonly number[], other: readonly number[], window: number): number {
  const mean = (values: readonly number[], end: number) =>
    values.slice(end - window, end).reduce((sum, value) => sum + value, 0) / window;
  let greatest = 0;
  for (let end = window; end <= curve.length; end++) {
    greatest = Math.max(greatest, Math.abs(mean(other, end) / mean(curve, end) - 1));
  }
  return greatest;
}
