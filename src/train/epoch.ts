import type { Model } from '../models/index.ts';
import { Hosts, otherHost } from '../runtime/index.ts';
import { batchesWhile, type NextBatch } from './step/batches-while.ts';
import type { CheckpointInfo } from './run/checkpoint.ts';
import type { DeviceBatch } from './step/device-batches.ts';
import { dataDigest } from './run/data-digest.ts';
import { Diverged, keepDiverged, requireFinite } from './divergence/diverged.ts';
import type { Divergence } from './divergence/divergence.ts';
import type { Evaluation } from './evaluate.ts';
import { splitScores, type HistoryRow } from './run/history.ts';
import { interruption, interruptionCheck, isInterruption } from './run/interruption.ts';
import { rankEpochs } from './run/kept-epochs.ts';
import { classWeightsOf } from './step/loss.ts';
import type { Phase } from './phase/phase.ts';
import type { PhaseRun, StepOutcome } from './phase/phase-run.ts';
import { sign, type Recipe } from './recipe/recipe.ts';
import { BEST_FILE, epochFile, snapshotFile } from './run/run-files.ts';
import type { RunKeeper } from './run/run-keeper.ts';
import { endsPeriod, learningRate } from './step/schedule.ts';
import type { TimeBudget } from './run/time-budget.ts';
import type { TrainOptions } from './train-options.ts';

/** Milliseconds between two reads of the running loss. */
const LOSS_INTERVAL = 1000;

/** Where a run stands, as its checkpoints tell it, and its history. */
export interface Progress {
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

export interface EpochSettings {
  readonly run: PhaseRun;
  readonly model: Model;
  readonly phase: Phase;
  readonly progress: Progress;
  readonly options: TrainOptions;
  readonly keeper: RunKeeper;
  readonly budget: TimeBudget;
  readonly divergence: Divergence;
}

/** Trains for the rest of an epoch, validates, and saves. */
export async function runEpoch(settings: EpochSettings): Promise<void> {
  const { run, model, phase, progress, options, keeper, budget, divergence } = settings;
  const { recipe, data, keep = 'best', signal, onEvent = () => {} } = options;
  const hosts = Hosts.of(options.backend);
  const epoch = progress.epoch + 1;
  const stepsPerEpoch = Math.ceil(data.train.count / phase.batchSize);
  // What the phase's epochs so far reached: a schedule that looks at it goes on from the history of a resumed run.
  const scores = progress.history
    .filter((row) => row.epoch > progress.phase.epoch)
    .map((row) => sign(recipe.monitor) * row.validation[recipe.monitor]);
  const rateAt = (step: number) =>
    divergence.rateFactor *
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
    data: {
      train: dataDigest(data.train),
      validation: dataDigest(data.validation),
      ...(data.sharesFiles === true && { joined: keep === 'last' ? 'all' : 'folds' }),
    },
    step: progress.step,
    epoch: progress.epoch,
    phase: progress.phase,
    best: progress.best,
    kept: progress.kept,
    divergence: divergence.record,
    seconds,
  });
  const check = interruptionCheck(hosts, signal);
  const interrupt = async (host?: number): Promise<never> => {
    await hosts.all(async () => {
      await keeper.keepState(run, info(progress.seconds + elapsed()));
      await keeper.settle();
    });
    throw interruption(signal, { step: progress.step, host });
  };
  const isTimeUp = (isValidated: boolean) =>
    budget.isUp({
      guess: steps === 0 ? 0 : ((performance.now() - started) / steps) * (data.validation.count / phase.batchSize),
      isValidated,
    });
  const endInTime = async (): Promise<void> => {
    progress.timeIsUp = true;
    await hosts.all(async () => keeper.keepState(run, info(progress.seconds + elapsed())));
    onEvent({ kind: 'timeIsUp', step: progress.step });
    if (progress.best !== undefined) return;
    // Better weights of half an epoch than none; a run that goes on finishes the epoch and takes those.
    onEvent({ kind: 'validating', epoch });
    const evaluation = await run.validate();
    progress.found = { evaluation, model };
    progress.best = { epoch, score: splitScores(evaluation)[recipe.monitor] };
    await hosts.all(async () => keeper.keepWeights(run, info(progress.seconds + elapsed())));
  };
  const skippedBefore = divergence.skipped;
  let examples = 0;
  let steps = 0;
  let lossRead = started;

  // A run interrupted after an epoch's last step goes on with its validation.
  const from = progress.step - progress.phase.step - (progress.epoch - progress.phase.epoch) * stepsPerEpoch;
  const batches = run.batches(progress.epoch, { from, first: progress.phase.epoch });
  // All hosts end at the same step, whichever of them is told to, or has less time left.
  let stop: Awaited<ReturnType<typeof hosts.first<'failed' | 'interrupted' | 'timeIsUp'>>>;
  const goesOn = async ({ failed, isLast }: NextBatch): Promise<boolean> => {
    // A save that fails from here on is told of in the next round: the other hosts go on with this one.
    const saveFailed = keeper.hasFailed;
    stop = await hosts.first({
      failed: failed || saveFailed,
      interrupted: steps > 0 && signal?.aborted === true,
      timeIsUp: (steps > 0 || isLast) && isTimeUp(!isLast && progress.found !== undefined),
    });
    if (saveFailed) keeper.check();
    if (stop?.reason === 'failed' && !failed) throw otherHost(stop.host);
    return stop === undefined;
  };
  for await (const batch of batchesWhile(batches, goesOn)) {
    const rate = rateAt(progress.step);
    try {
      const outcome = await run.advance(batch, rate);
      if (outcome.isFinite) divergence.noteFinite();
      else await dealWith(settings, { batch, outcome, learningRate: rate, info: info(progress.seconds + elapsed()) });
    } finally {
      batch.dispose();
    }
    progress.step++;
    steps++;
    examples += batch.examples;
    const isShown = performance.now() - lossRead > LOSS_INTERVAL;
    if (isShown) lossRead = performance.now();
    const loss = isShown ? await run.meanLoss() : undefined;
    onEvent({ kind: 'step', epoch, examples, loss });
    if (keeper.isDue) await keeper.keepState(run, info(progress.seconds + elapsed()));
  }
  if (stop?.reason === 'interrupted') await interrupt(stop.host);
  if (stop?.reason === 'timeIsUp') {
    await endInTime();
    return;
  }
  const trainSeconds = elapsed();
  onEvent({ kind: 'validating', epoch });
  const validating = performance.now();
  const validated = await run.validate(check).catch((error: unknown) => {
    // The sums of the epoch are still in the state: the run goes on with this validation.
    if (isInterruption(error, signal)) return interrupt();
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
    ...(divergence.skipped > skippedBefore && { skipped: divergence.skipped - skippedBefore }),
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
  const weights = [
    ...(ranked.kept?.some((kept) => kept.epoch === epoch) === true ? [epochFile(epoch)] : []),
    ...(endsPeriod(phase.schedule, epoch - progress.phase.epoch) ? [snapshotFile(epoch)] : []),
    ...(isBest ? [BEST_FILE] : []),
  ];
  const kept = { info: info(progress.seconds), history: progress.history, weights, dropped: ranked.dropped.map(epochFile) }; // prettier-ignore
  await hosts.all(async () => keeper.keepEpoch(run, kept));
  onEvent({ kind: 'epoch', row, isBest });
  const told = await hosts.first({ interrupted: signal?.aborted === true });
  if (told !== undefined) {
    await hosts.all(async () => keeper.settle());
    throw interruption(signal, { step: progress.step, host: told.host });
  }
}

interface UnsoundStep {
  readonly batch: DeviceBatch;
  readonly outcome: StepOutcome;
  readonly learningRate: number;
  readonly info: CheckpointInfo;
}

/** Keeps what a step that was not finite was given, and does what the recipe says: the state is as it was before it. */
async function dealWith(
  { run, model, phase, options, keeper, divergence }: EpochSettings,
  step: UnsoundStep,
): Promise<void> {
  const { out, backend, data, onEvent = () => {} } = options;
  const isFirst = divergence.skipped === 0;
  const action = divergence.next();
  const divergent = {
    ...step,
    run,
    epoch: step.info.epoch + 1,
    computeType: model.computeType,
    seed: phase.seed,
    classWeights: classWeightsOf(phase.classWeights, model.classes, data.train.labels),
    ids: data.train.ids,
    backend,
  };
  // Of many that are left out the first one is kept: the others have its cause, or their own files would fill the disk.
  const isWhole = action !== 'skip' || isFirst;
  const diverged = await Hosts.of(backend).all(async () => keepDiverged(out, divergent, { isWhole }));
  if (action === 'skip') {
    onEvent({ kind: 'skipped', diverged, skipped: divergence.skipped });
    return;
  }
  if (action === 'stop') await keeper.keepState(run, step.info);
  step.batch.dispose();
  throw new Diverged(diverged, action, action === 'stop' ? divergence.limit : undefined);
}

function isBetter({ monitor, earlyStopping }: Recipe, score: number, best: number): boolean {
  return sign(monitor) * (score - best) > (earlyStopping?.minDelta ?? 0);
}
