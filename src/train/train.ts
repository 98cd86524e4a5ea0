import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { removeDrafts, SepalError, treeLeaves, writeError } from '../base/index.ts';
import { buildModel, type Model, type TransferProgress, type WeightsSource } from '../models/index.ts';
import { isDeviceArray, type Backend } from '../runtime/index.ts';
import { sameShape } from '../xla/index.ts';
import { modelOf, tensorsOf, type Checkpoint, type CheckpointInfo } from './checkpoint.ts';
import { TrainingError, type CheckpointError } from './errors.ts';
import { requireFinite, tellDiverged } from './diverged.ts';
import { compileEvaluator, type Evaluation } from './evaluate.ts';
import { readHistory, splitScores, type HistoryRow } from './history.ts';
import { rankEpochs } from './kept-epochs.ts';
import { readLast } from './last-checkpoint.ts';
import { computeTypeOf } from './precision.ts';
import { phasesOf, type Phase } from './phase.ts';
import { PhaseRun, type PhaseSummary } from './phase-run.ts';
import { sign, type Recipe } from './recipe.ts';
import { checkResume, checkRun, type TrainingData } from './run-check.ts';
import { loadTrainedModel } from './run-weights.ts';
import { BEST_FILE, epochFile, snapshotFile } from './run-files.ts';
import { RunKeeper, type KeepSettings } from './run-keeper.ts';
import { endsPeriod, learningRate } from './schedule.ts';
import { startOf, type Start } from './start.ts';
import { TimeBudget } from './time-budget.ts';
import { stateTypes, variableTypes } from './train-state.ts';

/** What a run tells while it goes on. */
export type TrainEvent =
  /** Published weights are being brought. */
  | ({ readonly kind: 'transfer' } & TransferProgress)
  | { readonly kind: 'weights'; readonly source: WeightsSource; readonly fresh: readonly string[] }
  | { readonly kind: 'features'; readonly done: number; readonly total: number }
  | {
      readonly kind: 'phase';
      readonly phase: Phase;
      readonly count: number;
      readonly model: Model;
      readonly summary: PhaseSummary;
    }
  /** `problem` is what is wrong with the last checkpoint, where the one before it was taken. */
  | { readonly kind: 'resumed'; readonly step: number; readonly problem?: CheckpointError }
  | { readonly kind: 'timeIsUp'; readonly step: number }
  /** `loss` is the mean of the epoch so far, where it was read. */
  | { readonly kind: 'step'; readonly epoch: number; readonly examples: number; readonly loss: number | undefined }
  | { readonly kind: 'validating'; readonly epoch: number }
  | { readonly kind: 'epoch'; readonly row: HistoryRow; readonly isBest: boolean }
  | { readonly kind: 'stoppedEarly'; readonly epoch: number };

export interface TrainOptions extends KeepSettings {
  readonly recipe: Recipe;
  readonly backend: Backend;
  readonly data: TrainingData;
  /** The same data at another size, for phases that have one; the caller closes it. */
  readonly dataAt?: (size: number) => Promise<TrainingData>;
  /** Which weights become the best: by their score, or the last ones where the validation images are trained on too. */
  readonly keep?: 'best' | 'last';
  /** The run folder: checkpoints and history go there. */
  readonly out: string;
  /** Goes on from the last checkpoint in `out`. */
  readonly resume?: boolean;
  /** Milliseconds from the start of the process after which the run has ended, with its best weights. */
  readonly deadline?: number;
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
  /** Whether the deadline ended the run. */
  readonly timeIsUp: boolean;
}

/** Milliseconds between two reads of the running loss. */
const LOSS_INTERVAL = 1000;

/** Where a run stands, as its checkpoints tell it, and its history. */
interface Progress {
  history: HistoryRow[];
  step: number;
  epoch: number;
  best?: CheckpointInfo['best'];
  seconds: number;
  phase: CheckpointInfo['phase'];
  kept?: CheckpointInfo['kept'];
  timeIsUp?: boolean;
  /** Of the best weights, with their model, where they were found by this process. */
  found?: { readonly evaluation: Evaluation; readonly model: Model };
}

/** Trains a model from a recipe: epochs of steps, each followed by validation, until they end or stop helping. */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const keeper = new RunKeeper(options.out, { ...options, writes: options.backend.host.index === 0 });
  try {
    return await trainAndKeep(options, keeper);
  } catch (error) {
    // What is being saved is of use whatever happened; the first error counts.
    await keeper.settle().catch(() => {});
    throw error;
  }
}

async function trainAndKeep(options: TrainOptions, keeper: RunKeeper): Promise<TrainResult> {
  const { recipe, backend, data, out, resume = false, signal, onEvent = () => {} } = options;
  const phases = phasesOf(recipe);
  checkRun(recipe, backend.replicas, data);
  const found = resume ? await readLast(out) : undefined;
  const last = found?.checkpoint;
  if (last !== undefined) checkResume(last, recipe, data.train);
  await mkdir(out, { recursive: true }).catch((cause: unknown) => {
    throw writeError(out, cause);
  });
  await removeDrafts(out);

  const progress: Progress =
    last === undefined ? { ...AT_START, history: [] } : { ...last.info, history: await readHistory(out) };
  // A run killed between the two writes has a row more than its checkpoint knows; that epoch is done again.
  progress.history = progress.history.filter(({ epoch }) => epoch <= progress.epoch);
  const { model: start, weights: first } = last === undefined ? await begin(options) : resumed(last, options);
  if (last !== undefined) onEvent({ kind: 'resumed', step: progress.step, problem: found?.problem });

  let weights = first;
  let stoppedEarly = false;
  const budget = new TimeBudget(options.deadline);
  for (const phase of phases.slice(progress.phase.index)) {
    if (phase.index > progress.phase.index) {
      progress.phase = { index: phase.index, epoch: progress.epoch, step: progress.step };
    }
    const goesOn = phase.index === last?.info.phase.index;
    const isOver = () => progress.epoch - progress.phase.epoch >= phase.epochs || isOutOfPatience(recipe, progress);
    if (goesOn && isOver()) {
      stoppedEarly = progress.epoch - progress.phase.epoch < phase.epochs;
      continue;
    }
    const model = modelAt(start, phase.size);
    const phaseData = await dataOf(phase, options);
    const run = await PhaseRun.open({
      backend,
      model,
      phase,
      data: phaseData,
      weights,
      step: progress.step,
      resumed: goesOn ? (form) => tensorsOf(last, stateTypes(form)) : undefined,
      signal,
      onFeatures: (done, total) => onEvent({ kind: 'features', done, total }),
    });
    try {
      onEvent({ kind: 'phase', phase, count: phases.length, model, summary: run.summary });
      while (!isOver() && progress.timeIsUp !== true) {
        await runEpoch({ run, model, phase, progress, options, keeper, budget });
      }
      if (progress.timeIsUp === true) break;
      stoppedEarly = progress.epoch - progress.phase.epoch < phase.epochs;
      if (phase.index < phases.length - 1) weights = await run.weightsOnHost();
    } finally {
      run.dispose();
    }
  }
  if (stoppedEarly) onEvent({ kind: 'stoppedEarly', epoch: progress.epoch });
  await keeper.settle();
  const { best, history, seconds, timeIsUp = false } = progress;
  if (best === undefined) throw new TrainingError('NO_EPOCH', 'the run has no finished epoch to take weights from');
  const { model, evaluation } = progress.found ?? (await evaluateBest(options));
  return { model, history, best, evaluation, seconds, stoppedEarly, timeIsUp };
}

const AT_START = { step: 0, epoch: 0, seconds: 0, phase: { index: 0, epoch: 0, step: 0 } };

interface EpochSettings {
  readonly run: PhaseRun;
  readonly model: Model;
  readonly phase: Phase;
  readonly progress: Progress;
  readonly options: TrainOptions;
  readonly keeper: RunKeeper;
  readonly budget: TimeBudget;
}

/** Trains for the rest of an epoch, validates, and saves. */
async function runEpoch({ run, model, phase, progress, options, keeper, budget }: EpochSettings): Promise<void> {
  const { recipe, data, out, keep = 'best', signal, onEvent = () => {} } = options;
  const epoch = progress.epoch + 1;
  const stepsPerEpoch = Math.ceil(data.train.count / phase.batchSize);
  // What the phase's epochs so far reached: a schedule that looks at it goes on from the history of a resumed run.
  const scores = progress.history
    .filter((row) => row.epoch > progress.phase.epoch)
    .map((row) => sign(recipe.monitor) * row.validation[recipe.monitor]);
  const rateAt = (step: number) =>
    learningRate(phase.schedule, step - progress.phase.step, stepsPerEpoch, phase.epochs, scores);
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  const info = (seconds: number): CheckpointInfo => ({
    format: 1,
    model: { name: model.name, options: model.options },
    size: model.size,
    classNames: [...data.train.classNames],
    preprocess: model.preprocess,
    recipe,
    examples: data.train.count,
    step: progress.step,
    epoch: progress.epoch,
    phase: progress.phase,
    best: progress.best,
    kept: progress.kept,
    seconds,
  });
  const interrupt = async (reason: AbortSignal): Promise<never> => {
    await keeper.keepState(run, info(progress.seconds + elapsed()));
    await keeper.settle();
    throw interruption(reason, progress.step);
  };
  const isTimeUp = (steps: number, isValidated: boolean) =>
    budget.isUp({
      guess: steps === 0 ? 0 : ((performance.now() - started) / steps) * (data.validation.count / phase.batchSize),
      isValidated,
    });
  const endInTime = async (): Promise<void> => {
    progress.timeIsUp = true;
    await keeper.keepState(run, info(progress.seconds + elapsed()));
    onEvent({ kind: 'timeIsUp', step: progress.step });
    if (progress.best !== undefined) return;
    // Better weights of half an epoch than none; a run that goes on finishes the epoch and takes those.
    onEvent({ kind: 'validating', epoch });
    const evaluation = await run.validate();
    progress.found = { evaluation, model };
    progress.best = { epoch, score: splitScores(evaluation)[recipe.monitor] };
    await keeper.keepWeights(run, info(progress.seconds + elapsed()));
  };
  let examples = 0;
  let steps = 0;
  let lossRead = started;

  // A run interrupted after an epoch's last step goes on with its validation.
  const from = progress.step - progress.phase.step - (progress.epoch - progress.phase.epoch) * stepsPerEpoch;
  for await (const batch of run.batches(progress.epoch, { from, first: progress.phase.epoch })) {
    await run.advance(batch, rateAt(progress.step));
    batch.dispose();
    progress.step++;
    steps++;
    examples += batch.examples;
    // One number a step: the run ends at the step that went wrong, and can say what it was given.
    const mean = await run.meanLoss();
    if (!Number.isFinite(mean)) {
      const { step } = progress;
      await tellDiverged(out, { step, epoch, loss: mean, learningRate: rateAt(step - 1) }, batch, data.train.ids);
    }
    const isShown = performance.now() - lossRead > LOSS_INTERVAL;
    if (isShown) lossRead = performance.now();
    const loss = isShown ? mean : undefined;
    onEvent({ kind: 'step', epoch, examples, loss });
    keeper.check();
    if (signal?.aborted === true) await interrupt(signal);
    if (isTimeUp(steps, progress.found !== undefined)) {
      await endInTime();
      return;
    }
    if (keeper.isDue) await keeper.keepState(run, info(progress.seconds + elapsed()));
  }
  const trainSeconds = elapsed();
  if (isTimeUp(steps, false)) {
    await endInTime();
    return;
  }
  onEvent({ kind: 'validating', epoch });
  const validating = performance.now();
  const validated = await run.validate(signal).catch((error: unknown) => {
    // The sums of the epoch are still in the state: the run goes on with this validation.
    if (signal?.aborted === true) return interrupt(signal);
    throw error;
  });
  budget.noteValidation(performance.now() - validating);
  requireFinite(validated.loss, epoch);
  const trained = await run.takeScores();

  const row: HistoryRow = {
    epoch,
    step: progress.step,
    learningRate: rateAt(progress.step - 1),
    train: splitScores(trained),
    validation: splitScores(validated),
    seconds: elapsed(),
    imagesPerSecond: examples / trainSeconds,
  };
  progress.epoch = epoch;
  progress.history.push(row);
  progress.seconds += row.seconds;
  const score = row.validation[recipe.monitor];
  const isBest = keep === 'last' || progress.best === undefined || isBetter(recipe, score, progress.best.score);
  if (isBest) {
    progress.best = { epoch, score };
    progress.found = { evaluation: validated, model };
  }
  const ranked = rankEpochs([...(progress.kept ?? []), { epoch, score }], options.keepBest, recipe.monitor);
  progress.kept = ranked.kept;
  await keeper.keepEpoch(run, {
    info: info(progress.seconds),
    history: progress.history,
    weights: [
      ...(ranked.kept?.some((kept) => kept.epoch === epoch) === true ? [epochFile(epoch)] : []),
      ...(endsPeriod(phase.schedule, epoch - progress.phase.epoch) ? [snapshotFile(epoch)] : []),
      ...(isBest ? [BEST_FILE] : []),
    ],
    dropped: ranked.dropped.map(epochFile),
  });
  onEvent({ kind: 'epoch', row, isBest });
  if (signal?.aborted === true) {
    await keeper.settle();
    throw interruption(signal, progress.step);
  }
}

async function begin({
  recipe,
  backend,
  data,
  signal,
  onEvent = () => {},
}: TrainOptions): Promise<Pick<Start, 'model' | 'weights'>> {
  const computeType = computeTypeOf(recipe.precision, backend.platform);
  const onProgress = (progress: TransferProgress) => onEvent({ kind: 'transfer', ...progress });
  const { model, weights, source, fresh } = await startOf(recipe, data.train, { signal, onProgress, computeType });
  if (source !== undefined) onEvent({ kind: 'weights', source, fresh });
  return { model, weights };
}

function resumed(last: Checkpoint, { recipe, backend }: TrainOptions): Pick<Start, 'model' | 'weights'> {
  const model = modelOf(last, computeTypeOf(recipe.precision, backend.platform));
  return { model, weights: tensorsOf(last, variableTypes(model)) };
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

/** The data at the size of a phase. @throws UsageError or TrainingError where it doesn't fit. */
async function dataOf(
  phase: Pick<Recipe, 'size' | 'batchSize'>,
  { recipe, backend, data, dataAt }: TrainOptions,
): Promise<TrainingData> {
  if (phase.size === recipe.size && phase.batchSize === recipe.batchSize) return data;
  const sized = phase.size === recipe.size ? data : await dataAt?.(phase.size);
  if (sized === undefined)
    throw new TrainingError('SIZE', `there is no data of ${phase.size} px for a phase of that size`);
  checkRun(phase, backend.replicas, sized);
  return sized;
}

/** A model for images of another size, with the same weights. @throws TrainingError where they depend on the size. */
function modelAt(model: Model, side: number): Model {
  if (model.size.height === side && model.size.width === side) return model;
  const { name, options, classes, preprocess, computeType } = model;
  const size = { height: side, width: side };
  const sized = buildModel({ name, options, classes, preprocess, computeType, size });
  const differs = sized.variables.find(({ shape }, i) => !sameShape(shape, model.variables[i].shape));
  if (differs === undefined) return sized;
  throw new TrainingError(
    'SIZE',
    `${name} can't go on at ${side} px: its variable ${differs.path} depends on the size`,
    {
      hint: 'phases of several sizes need a model that ends in global pooling',
    },
  );
}

function isBetter({ monitor, earlyStopping }: Recipe, score: number, best: number): boolean {
  return sign(monitor) * (score - best) > (earlyStopping?.minDelta ?? 0);
}

/** Whether the phase has gone on for too long without a better score. */
function isOutOfPatience({ earlyStopping }: Recipe, { epoch, best, phase }: Progress): boolean {
  if (earlyStopping === undefined || best === undefined) return false;
  return epoch - Math.max(best.epoch, phase.epoch) >= earlyStopping.patience;
}

function interruption(signal: AbortSignal, step: number): SepalError {
  return new SepalError('INTERRUPTED', `interrupted; everything up to step ${step} is saved`, {
    hint: 'go on with --resume',
    cause: signal.reason,
  });
}
