import { mapTree, treeLeaves } from '../src/base/index.ts';
import { buildModel, type Model } from '../src/models/index.ts';
import { isDeviceArray, jit, type Backend } from '../src/runtime/index.ts';
import type { HostTensor, Platform } from '../src/xla/index.ts';
import { readScores } from '../src/train/evaluate.ts';
import { computeTypeOf } from '../src/train/step/precision.ts';
import type { Recipe } from '../src/train/recipe/recipe.ts';
import { stepInputTypes } from '../src/train/step/step.ts';
import { stepProgram } from '../src/train/step/step-program.ts';
import {
  emptyMetrics,
  initialState,
  initialWeights,
  pickWeights,
  type DeviceState,
  type InitialValue,
  type StateOf,
} from '../src/train/step/train-state.ts';

/** A whole batch on the host, over all replicas. */
export interface HostBatch {
  readonly images: Uint8Array;
  readonly labels: Int32Array;
  readonly mask: Uint8Array;
}

export interface StepsOptions {
  readonly recipe: Recipe;
  readonly classes: number;
  readonly value: (model: Model) => InitialValue;
  readonly batches: Iterable<HostBatch>;
  readonly learningRate: number;
  /** Lowers as for this platform instead of the backend's own. */
  readonly platform?: Platform;
  /** Told the state after each step, counted from 1. */
  readonly onStep?: (step: number, state: DeviceState) => Promise<void> | void;
}

export interface StepsResult {
  /** Mean loss of each batch. */
  readonly losses: number[];
  readonly state: StateOf<HostTensor>;
}

/** Runs training steps on given batches, without data set, schedule or validation. */
export async function runSteps(backend: Backend, options: StepsOptions): Promise<StepsResult> {
  const { recipe, classes, value, batches, learningRate, platform, onStep } = options;
  const { batchSize, size } = recipe;
  const model = buildModel({
    ...recipe.model,
    classes,
    size: { height: size, width: size },
    computeType: computeTypeOf(recipe.precision, backend),
  });
  const { body, types, form, fixed: frozen, ...program } = stepProgram(model, recipe, backend.replicas);
  const step = await jit(backend, body, types, { ...program, platform });
  const inputs = {
    learningRate: await backend.replicate(Float32Array.of(learningRate), stepInputTypes.learningRate),
    key: await backend.replicate(Uint32Array.of(0, recipe.seed), stepInputTypes.key),
  };
  const first = initialWeights(model, value(model));
  const fixed = await backend.replicateTree(pickWeights(first, frozen));
  let state: DeviceState = await backend.replicateTree(initialState(form, first));
  const losses: number[] = [];
  for (const { images, labels, mask } of batches) {
    const batch = {
      images: await backend.shard(images, { shape: [batchSize, size, size, 3], dtype: 'uint8' }),
      labels: await backend.shard(labels, { shape: [batchSize], dtype: 'int32' }),
      mask: await backend.shard(mask, { shape: [batchSize], dtype: 'uint8' }),
    };
    const { state: next, check } = await step(state, batch, inputs, fixed);
    state = next;
    for (const array of Object.values(check)) array.dispose();
    for (const array of Object.values(batch)) array.dispose();
    losses.push((await readScores(state.metrics, classes)).loss);
    state = { ...state, metrics: await emptyMetrics(backend, classes) };
    await onStep?.(losses.length, state);
  }
  const arrays = treeLeaves(state, isDeviceArray);
  const values = new Map(await Promise.all(arrays.map(async (array) => [array, await array.toHost()] as const)));
  const result = mapTree(state, isDeviceArray, (array): HostTensor => {
    return { shape: array.shape, dtype: array.dtype, data: values.get(array)! };
  });
  for (const array of [...arrays, ...treeLeaves([inputs, fixed], isDeviceArray)]) array.dispose();
  step.program.dispose();
  return { losses, state: result };
}
