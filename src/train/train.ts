import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { removeDrafts, treeLeaves } from '../base/index.ts';
import type { Model, TransferProgress } from '../models/index.ts';
import { Hosts, isDeviceArray } from '../runtime/index.ts';
import { modelOf, tensorsOf, type Checkpoint } from './run/checkpoint.ts';
import { explainDivergence } from './divergence/diagnosis.ts';
import { Diverged } from './divergence/diverged.ts';
import { Divergence } from './divergence/divergence.ts';
import { runEpoch, type Progress } from './epoch.ts';
import { TrainingError } from './errors.ts';
import { compileEvaluator, type Evaluation } from './evaluate.ts';
import { readHistory, type HistoryRow } from './run/history.ts';
import { interruptionCheck } from './run/interruption.ts';
import { readLast, requireNoRun } from './run/last-checkpoint.ts';
import { findBest, nextBest, saveAsBest } from './run/lost-best.ts';
import { dataDigest } from './run/data-digest.ts';
import { checkPhases, checkSteps, dataOf, modelAt } from './phase/phase-data.ts';
import { phasesOf } from './phase/phase.ts';
import { PhaseRun } from './phase/phase-run.ts';
import { computeTypeOf } from './step/precision.ts';
import type { Recipe } from './recipe/recipe.ts';
import { checkHosts, checkResume, checkRun } from './run/run-check.ts';
import { BEST_FILE } from './run/run-files.ts';
import { RunKeeper } from './run/run-keeper.ts';
import { RunLock } from './run/run-lock.ts';
import { writeRecipe } from './run/run-recipe.ts';
import { loadTrainedModel } from './run/run-weights.ts';
import { startOf, type Start } from './start.ts';
import { TimeBudget } from './run/time-budget.ts';
import type { TrainOptions } from './train-options.ts';
import { stateTypes, variableTypes } from './step/train-state.ts';

/** What a run ended with. */
export interface TrainResult {
  readonly model: Model;
  readonly history: readonly HistoryRow[];
  readonly best: { readonly epoch: number; readonly score: number };
  /** Of the best weights on the validation split. */
  readonly evaluation: Evaluation;
  readonly seconds: number;
  readonly stoppedEarly: boolean;
  /** Whether the deadline ended the run. */
  readonly timeIsUp: boolean;
}

/**
 * Trains a model from a recipe: epochs of steps, each followed by validation, until they end or stop helping.
 *
 * @throws UsageError `RUN_EXISTS` for a folder with a run that is not to be resumed, `RESUME` for one that was trained otherwise,
 * `BATCH_SIZE`, `SIZE`; TrainingError `NO_VALIDATION`, `NO_LABELS`, `CLASSES`: all before any work is done.
 * TrainingError `DIVERGED` and `OUT_OF_MEMORY` later.
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const { recipe, backend, data, out, resume = false, onEvent = () => {} } = options;
  checkRun(recipe, backend.replicas, data);
  checkPhases(options);
  checkHosts(recipe, backend.host.count);
  // Of several hosts the first one writes.
  const writes = backend.host.index === 0;
  const lock = await Hosts.of(backend).byFirst(async () =>
    options.lock === undefined ? RunLock.take(out) : undefined,
  );
  const keeper = new RunKeeper(out, { ...options, lock: options.lock ?? lock, writes });
  const divergence = new Divergence(recipe.onDivergence);
  try {
    // All hosts ask, also one that was told otherwise: each waits for the others.
    await Hosts.of(backend).byFirst(async () => {
      if (!resume) requireNoRun(out);
    });
    for (let after: Diverged | undefined; ;) {
      try {
        return await trainAndKeep(options, keeper, divergence, after);
      } catch (error) {
        if (!(error instanceof Diverged && error.action === 'roll-back')) throw error;
        await keeper.settle();
        after = error;
      }
    }
  } catch (error) {
    // What is being saved is of use whatever happened; the first error counts.
    await keeper.settle().catch(() => {});
    if (!(error instanceof Diverged)) throw error;
    onEvent({ kind: 'diagnosing' });
    throw await explainDivergence(backend, out, error);
  } finally {
    await lock?.release();
  }
}

/** One stretch of a run, to its end or to a step that it is to roll back from; `after` is the one that it has rolled back from. */
async function trainAndKeep(
  options: TrainOptions,
  keeper: RunKeeper,
  divergence: Divergence,
  after: Diverged | undefined,
): Promise<TrainResult> {
  const { recipe, backend, data, out, resume = false, signal, onEvent = () => {} } = options;
  const phases = phasesOf(recipe);
  const found = resume || (after !== undefined && keeper.hasState) ? await readLast(out) : undefined;
  const last = found?.checkpoint;
  if (last !== undefined) checkResume(last, recipe, data);
  // A roll-back counts from what this process knows, which the checkpoint is older than.
  if (after === undefined) divergence.restore(last?.info.divergence);
  const hosts = Hosts.of(backend);
  // Another host must not remove what the first one is writing.
  if (backend.host.index === 0) await removeDrafts(out);

  const progress: Progress =
    last === undefined ? { ...AT_START, history: [] } : { ...last.info, history: await readHistory(out) };
  // A run killed between the two writes has a row more than its checkpoint knows; that epoch is done again.
  progress.history = progress.history.filter(({ epoch }) => epoch <= progress.epoch);
  await requireSameRun(hosts, progress.step, options);
  const { model: start, weights: first } = last === undefined ? await begin(options) : resumed(last, options);
  // Which may refuse a size, and that before another phase has taken hours.
  const models = phases.map(({ size }) => modelAt(start, size));
  checkSteps(models, options);
  // A run that goes on may be refused for its recipe until here, and then the old one stays.
  await hosts.byFirst(async () => writeRecipe(out, recipe));
  const { step } = progress;
  if (after !== undefined)
    onEvent({ kind: 'rolledBack', diverged: after.step, step, rateFactor: divergence.rateFactor });
  else if (last !== undefined) onEvent({ kind: 'resumed', step, problem: found?.problem });
  if (last !== undefined) await takeBest(last, progress, options);

  let weights = first;
  let stoppedEarly = false;
  const budget = new TimeBudget(options.deadline, (options.imagesAfter ?? 0) / Math.max(1, data.validation.count));
  const isEnded = () => options.endsWith?.(progress.history) === true;
  for (const phase of phases.slice(progress.phase.index)) {
    if (isEnded()) break;
    if (phase.index > progress.phase.index) {
      progress.phase = { index: phase.index, epoch: progress.epoch, step: progress.step };
    }
    const goesOn = phase.index === last?.info.phase.index;
    const isOver = () => progress.epoch - progress.phase.epoch >= phase.epochs || isOutOfPatience(recipe, progress);
    if (goesOn && isOver()) {
      stoppedEarly = progress.epoch - progress.phase.epoch < phase.epochs;
      continue;
    }
    const model = models[phase.index];
    const phaseData = await dataOf(phase, options);
    const run = await PhaseRun.open({
      backend,
      model,
      phase,
      data: phaseData,
      weights,
      step: progress.step,
      resumed: goesOn ? (form) => tensorsOf(last, stateTypes(form)) : undefined,
      check: interruptionCheck(hosts, signal),
      features: options.features,
      evaluators: options.evaluators,
      onFeatures: (done, total) => onEvent({ kind: 'features', done, total }),
      onCompiling: () => onEvent({ kind: 'compiling' }),
    });
    try {
      onEvent({ kind: 'phase', phase, count: phases.length, model, summary: run.summary });
      while (!isOver() && !isEnded() && progress.timeIsUp !== true) {
        await runEpoch({ run, model, phase, progress, options, keeper, budget, divergence });
      }
      if (progress.timeIsUp === true || isEnded()) break;
      stoppedEarly = progress.epoch - progress.phase.epoch < phase.epochs;
      if (phase.index < phases.length - 1) weights = await run.weightsOnHost();
    } finally {
      run.dispose();
    }
  }
  if (stoppedEarly) onEvent({ kind: 'stoppedEarly', epoch: progress.epoch });
  await hosts.all(async () => keeper.settle());
  const { best, history, seconds, timeIsUp = false } = progress;
  if (best === undefined) throw new TrainingError('NO_EPOCH', 'the run has no finished epoch to take weights from');
  const { model, evaluation } = progress.found ?? (await evaluateBest(options));
  await hosts.share(evaluation.probabilities);
  return { model, history, best, evaluation, seconds, stoppedEarly, timeIsUp };
}

const AT_START = { step: 0, epoch: 0, seconds: 0, phase: { index: 0, epoch: 0, step: 0 } };

async function begin({
  recipe,
  backend,
  data,
  signal,
  onEvent = () => {},
}: TrainOptions): Promise<Pick<Start, 'model' | 'weights'>> {
  const computeType = computeTypeOf(recipe.precision, backend);
  const onProgress = (progress: TransferProgress) => onEvent({ kind: 'transfer', ...progress });
  const { model, weights, source, fresh } = await startOf(recipe, data.train, { signal, onProgress, computeType });
  if (source !== undefined) onEvent({ kind: 'weights', source, fresh });
  return { model, weights };
}

function resumed(last: Checkpoint, { recipe, backend }: TrainOptions): Pick<Start, 'model' | 'weights'> {
  const model = modelOf(last, computeTypeOf(recipe.precision, backend));
  return { model, weights: tensorsOf(last, variableTypes(model)) };
}

/** Hosts that go on from different steps, or read different images, would wait for each other or train on nonsense. */
async function requireSameRun(hosts: Hosts, step: number, { recipe, data }: TrainOptions): Promise<void> {
  const images = crc32(dataDigest(data.train) + dataDigest(data.validation));
  await hosts.requireSame({ step }, 'all hosts need the same run folder');
  await hosts.requireSame({ recipe: crc32(JSON.stringify(recipe)) }, 'give all hosts the same recipe and flags');
  await hosts.requireSame({ images }, 'give all hosts the same data set');
}

/** Takes the best weights over from the run that goes on, or puts others in their place where they are lost. */
async function takeBest(last: Checkpoint, progress: Progress, { backend, out, onEvent }: TrainOptions): Promise<void> {
  const hosts = Hosts.of(backend);
  const { best, problem } = await hosts.all(async () => findBest(out, last));
  progress.best = problem === undefined ? best : nextBest(last, progress.history);
  if (problem === undefined) return;
  await hosts.byFirst(async () => saveAsBest(out, last, progress.best));
  onEvent?.({ kind: 'bestLost', problem, best: progress.best });
}

/** Scores of the best weights, where another process found them. */
async function evaluateBest(options: TrainOptions): Promise<{ model: Model; evaluation: Evaluation }> {
  const { backend, out, recipe } = options;
  const { model, weights } = await loadTrainedModel(backend, join(out, BEST_FILE));
  const { validation } = await dataOf({ ...recipe, size: model.size.height }, options);
  const evaluate = await compileEvaluator(backend, model, recipe.batchSize);
  try {
    return { model, evaluation: await evaluate(weights, validation) };
  } finally {
    for (const array of treeLeaves(weights, isDeviceArray)) array.dispose();
    evaluate.dispose();
  }
}

/** Whether the phase has gone on for too long without a better score. */
function isOutOfPatience({ earlyStopping }: Recipe, { epoch, best, phase }: Progress): boolean {
  if (earlyStopping === undefined || best === undefined) return false;
  return epoch - Math.max(best.epoch, phase.epoch) >= earlyStopping.patience;
}
