import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SepalError, treeLeaves, writeError } from '../base/index.ts';
import { buildModel, type Model } from '../models/index.ts';
import { isDeviceArray, jit, type ArraysOf, type Backend } from '../runtime/index.ts';
import { readCheckpoint, saveState, saveWeights, tensorsOf, type CheckpointInfo } from './checkpoint.ts';
import { trainingBatches } from './device-batches.ts';
import { TrainingError } from './errors.ts';
import { compileEvaluator, readScores, type Evaluation } from './evaluate.ts';
import { readHistory, splitScores, writeHistory, type HistoryRow } from './history.ts';
import { makeOptimizer } from './optimizer.ts';
import { computeTypeOf } from './precision.ts';
import type { Monitor, Recipe } from './recipe.ts';
import { checkResume, checkRun, type TrainingData } from './run-check.ts';
import { learningRate } from './schedule.ts';
import { batchTypes, rowsPerReplica, stepInputTypes, trainStep, type Weights } from './step.ts';
import {
  emptyMetrics,
  initialState,
  seededValues,
  stateTypes,
  variableTypes,
  type DeviceState,
} from './train-state.ts';

/** What a run tells while it goes on. */
export type TrainEvent =
  | { readonly kind: 'compiled'; readonly seconds: number; readonly fromCache: boolean; readonly model: Model }
  | { readonly kind: 'resumed'; readonly step: number }
  /** `loss` is the mean of the epoch so far, where it was read. */
  | { readonly kind: 'step'; readonly epoch: number; readonly examples: number; readonly loss: number | undefined }
  | { readonly kind: 'validating'; readonly epoch: number }
  | { readonly kind: 'epoch'; readonly row: HistoryRow; readonly isBest: boolean }
  | { readonly kind: 'stoppedEarly'; readonly epoch: number };

export interface TrainOptions {
  readonly recipe: Recipe;
  readonly backend: Backend;
  readonly data: TrainingData;
  /** The run folder: checkpoints and history go there. */
  readonly out: string;
  /** Goes on from the last checkpoint in `out`. */
  readonly resume?: boolean;
  /** Aborting saves a checkpoint of the step just done and ends with the signal's reason. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TrainEvent) => void;
}

export interface TrainResult {
  readonly model: Model;
  readonly history: readonly HistoryRow[];
  readonly best: { readonly epoch: number; readonly score: number };
  /** Of the best weights on the validation split. */
  readonly evaluation: Evaluation;
  readonly seconds: number;
  readonly stoppedEarly: boolean;
}

/** Names of the checkpoints in a run folder. */
export const BEST_FILE = 'best.safetensors';
export const LAST_FILE = 'last.safetensors';

/** Milliseconds between two reads of the running loss. */
const LOSS_INTERVAL = 1000;

/** Trains a model from a recipe: epochs of steps, each followed by validation, until they end or stop helping. */
export async function train({
  recipe,
  backend,
  data,
  out,
  resume = false,
  signal,
  onEvent = () => {},
}: TrainOptions): Promise<TrainResult> {
  const { batchSize, epochs, seed } = recipe;
  const classNames = data.train.classNames;
  const stepsPerEpoch = Math.ceil(data.train.count / batchSize);
  const model = buildModel({
    ...recipe.model,
    classes: classNames.length,
    size: data.train.size,
    computeType: computeTypeOf(recipe.precision, backend.platform),
  });
  const optimizer = makeOptimizer(recipe.optimizer);
  const types = stateTypes(model, optimizer);
  checkRun(recipe, backend.replicas, data);
  const last = resume ? await readCheckpoint(join(out, LAST_FILE)) : undefined;
  if (last !== undefined) checkResume(last, recipe, data.train);
  const start = last === undefined ? initialState(model, optimizer, seededValues(seed)) : tensorsOf(last, types);
  await mkdir(out, { recursive: true }).catch((cause: unknown) => {
    throw writeError(out, cause);
  });

  const step = await jit(
    backend,
    trainStep(model, recipe, optimizer, backend.replicas),
    [types, batchTypes(model, rowsPerReplica(batchSize, backend.replicas)), stepInputTypes],
    { name: `${model.name}_train`, donate: [0] },
  );
  onEvent({ kind: 'compiled', seconds: step.program.compileSeconds, fromCache: step.program.fromCache, model });

  let state: DeviceState = await backend.replicateTree(start);
  let done = last?.info.step ?? 0;
  let epoch = last?.info.epoch ?? 0;
  let best = last?.info.best;
  let seconds = last?.info.seconds ?? 0;
  // A run killed between the two writes has a row more than its checkpoint knows; that epoch is done again.
  const history = last === undefined ? [] : (await readHistory(out)).filter((row) => row.epoch <= epoch);
  if (last !== undefined) onEvent({ kind: 'resumed', step: done });

  const info = (): CheckpointInfo => ({
    format: 1,
    model: { name: model.name, options: model.options },
    size: model.size,
    classNames: [...classNames],
    preprocess: model.preprocess,
    recipe,
    examples: data.train.count,
    step: done,
    epoch,
    best,
    seconds,
  });
  const key = await backend.replicate(Uint32Array.of(Math.floor(seed / 2 ** 32), seed), stepInputTypes.key);
  const evaluate = await compileEvaluator(backend, model, batchSize);

  let weights: ArraysOf<Weights> | undefined;
  try {
    while (epoch < epochs && !isOutOfPatience(recipe, epoch, best)) {
      const started = performance.now();
      const elapsed = () => (performance.now() - started) / 1000;
      let examples = 0;
      let lossRead = started;
      // A run interrupted after an epoch's last step goes on with its validation.
      const from = done - epoch * stepsPerEpoch;
      for await (const batch of trainingBatches(backend, data.train, { batchSize, seed, epoch, from })) {
        const rate = learningRate(recipe.schedule, done, stepsPerEpoch, epochs);
        const rateArray = await backend.replicate(Float32Array.of(rate), stepInputTypes.learningRate);
        state = await step(state, batch.arrays, { learningRate: rateArray, key });
        rateArray.dispose();
        batch.dispose();
        done++;
        examples += batch.examples;
        let loss: number | undefined;
        if (performance.now() - lossRead > LOSS_INTERVAL) {
          loss = await meanLoss(state.metrics);
          requireFinite(loss, epoch + 1);
          lossRead = performance.now();
        }
        onEvent({ kind: 'step', epoch: epoch + 1, examples, loss });
        if (signal?.aborted === true) {
          seconds += elapsed();
          await saveState(join(out, LAST_FILE), state, info());
          throw interruption(signal, done);
        }
      }
      const trainSeconds = elapsed();
      onEvent({ kind: 'validating', epoch: epoch + 1 });
      const trained = await readScores(state.metrics, model.classes);
      requireFinite(trained.loss, epoch + 1);
      const validated = await evaluate({ params: state.params, statistics: state.statistics }, data.validation);
      requireFinite(validated.loss, epoch + 1, 'validation');
      state = { ...state, metrics: await emptyMetrics(backend, model.classes) };
      epoch++;

      const row: HistoryRow = {
        epoch,
        step: done,
        learningRate: learningRate(recipe.schedule, done - 1, stepsPerEpoch, epochs),
        train: splitScores(trained),
        validation: splitScores(validated),
        seconds: elapsed(),
        imagesPerSecond: examples / trainSeconds,
      };
      history.push(row);
      seconds += row.seconds;
      const score = row.validation[recipe.monitor];
      const isBest = best === undefined || isBetter(recipe, score, best.score);
      if (isBest) {
        best = { epoch, score };
        await saveWeights(join(out, BEST_FILE), state, info());
      }
      await writeHistory(out, history);
      await saveState(join(out, LAST_FILE), state, info());
      onEvent({ kind: 'epoch', row, isBest });
      if (signal?.aborted === true) throw interruption(signal, done);
    }
    const stoppedEarly = epoch < epochs;
    if (stoppedEarly) onEvent({ kind: 'stoppedEarly', epoch });
    if (best === undefined) throw new TrainingError('NO_EPOCH', 'the run has no finished epoch to take weights from');

    weights = await backend.replicateTree(tensorsOf(await readCheckpoint(join(out, BEST_FILE)), variableTypes(model)));
    const evaluation = await evaluate(weights, data.validation);
    return { model, history, best, evaluation, seconds, stoppedEarly };
  } finally {
    for (const array of treeLeaves([state, weights ?? [], key], isDeviceArray)) array.dispose();
  }
}

const sign = (monitor: Monitor): number => (monitor === 'loss' ? -1 : 1);

function isBetter({ monitor, earlyStopping }: Recipe, score: number, best: number): boolean {
  return sign(monitor) * (score - best) > (earlyStopping?.minDelta ?? 0);
}

function isOutOfPatience({ earlyStopping }: Recipe, epoch: number, best: CheckpointInfo['best']): boolean {
  return earlyStopping !== undefined && best !== undefined && epoch - best.epoch >= earlyStopping.patience;
}

async function meanLoss({ loss, count }: DeviceState['metrics']): Promise<number> {
  const [sums, counts] = await Promise.all([loss.toHost(), count.toHost()]);
  return Number(sums[0]) / Math.max(1, Number(counts[0]));
}

function requireFinite(loss: number, epoch: number, split = 'training'): void {
  if (Number.isFinite(loss)) return;
  throw new TrainingError('DIVERGED', `the ${split} loss is ${loss} in epoch ${epoch}`, {
    hint: 'lower the learning rate, lengthen the warm-up, or clip gradients (clipNorm)',
  });
}

function interruption(signal: AbortSignal, step: number): SepalError {
  return new SepalError('INTERRUPTED', `interrupted; everything up to step ${step} is saved`, {
    hint: 'go on with --resume',
    cause: signal.reason,
  });
}
