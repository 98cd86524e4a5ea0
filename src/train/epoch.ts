import type { Model } from '../models/index.ts';
import { Hosts, otherHost } from '../runtime/index.ts';
import { batchesWhile, type NextBatch } from './step/batches-while.ts';
import type { CheckpointInfo } from './run/checkpoint.ts';
import type { DeviceBatch } from './step/device-batches.ts';
import { dataDigest } from './run/data-digest.ts';
import { Diverged, keepDiverged, requireFinite } from './divergence/diverged.ts';
import type { Divergence } from './divergence/divergence.ts';
import type { Evaluation, Scores } from './evaluate.ts';
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
  const epoch = new RunningEpoch(settings);
  const stop = await epoch.train();
  if (stop?.reason === 'interrupted') await epoch.interrupt(stop.host);
  if (stop?.reason === 'timeIsUp') {
    await epoch.endInTime();
    return;
  }
  await epoch.keep(await epoch.validate());
}

/** Why an epoch's steps end before its last one, and on which host. */
type Stop = Awaited<ReturnType<typeof Hosts.prototype.first<'failed' | 'interrupted' | 'timeIsUp'>>>;

/** What a finished epoch leaves to be kept. */
interface FinishedEpoch {
  readonly trained: Scores;
  readonly validated: Evaluation;
}

/** An epoch from the step that the run has come to. */
class RunningEpoch {
  readonly #settings: EpochSettings;
  readonly #hosts: Hosts;
  readonly #onEvent: NonNullable<TrainOptions['onEvent']>;
  /** From 1. */
  readonly #number: number;
  readonly #stepsPerEpoch: number;
  readonly #rateAt: (step: number) => number;
  readonly #started = performance.now();
  /** Steps that were left out in the epochs before. */
  readonly #skippedBefore: number;
  /** Of this process. */
  #steps = 0;
  #examples = 0;
  #trainSeconds = 0;

  constructor(settings: EpochSettings) {
    const { phase, progress, options, divergence } = settings;
    const { backend, data, onEvent = () => {}, recipe } = options;
    this.#settings = settings;
    this.#hosts = Hosts.of(backend);
    this.#onEvent = onEvent;
    this.#number = progress.epoch + 1;
    this.#stepsPerEpoch = Math.ceil(data.train.count / phase.batchSize);
    // Not what is known now: the epoch may have begun in another process.
    this.#skippedBefore = progress.history.reduce((sum, { skipped = 0 }) => sum + skipped, 0);
    // What the phase's epochs so far reached: a schedule that looks at it goes on from the history of a resumed run.
    const scores = progress.history
      .filter((row) => row.epoch > progress.phase.epoch)
      .map((row) => sign(recipe.monitor) * row.validation[recipe.monitor]);
    const { step: first } = progress.phase;
    this.#rateAt = (step) =>
      divergence.rateFactor * learningRate(phase.schedule, step - first, this.#stepsPerEpoch, phase.epochs, scores);
  }

  /** Steps to the end of the epoch, or until the run has to stop: all hosts do so at the same step. */
  async train(): Promise<Stop> {
    const { run, progress, keeper } = this.#settings;
    // A run interrupted after an epoch's last step goes on with its validation.
    const batches = run.batches(progress.epoch, { from: this.#place, first: progress.phase.epoch });
    let stop: Stop;
    const goesOn = async (next: NextBatch): Promise<boolean> => {
      stop = await this.#reasonToStop(next);
      return stop === undefined;
    };
    let lossRead = this.#started;
    for await (const batch of batchesWhile(batches, goesOn)) {
      await this.#step(batch);
      const isShown = performance.now() - lossRead > LOSS_INTERVAL;
      if (isShown) lossRead = performance.now();
      const loss = isShown ? await run.meanLoss() : undefined;
      this.#onEvent({ kind: 'step', epoch: this.#number, examples: this.#examples, loss });
      if (keeper.isDue) await keeper.keepState(run, this.#info());
    }
    this.#trainSeconds = this.#elapsed;
    return stop;
  }

  /** All hosts end at the same step, whichever of them is told to, or has less time left. */
  async #reasonToStop({ failed, isLast }: NextBatch): Promise<Stop> {
    const { keeper, progress, options } = this.#settings;
    // A save that fails from here on is told of in the next round: the other hosts go on with this one.
    const saveFailed = keeper.hasFailed;
    const stop = await this.#hosts.first({
      failed: failed || saveFailed,
      interrupted: this.#steps > 0 && options.signal?.aborted === true,
      timeIsUp: (this.#steps > 0 || isLast) && this.#isTimeUp(!isLast && progress.found !== undefined),
    });
    if (saveFailed) keeper.check();
    if (stop?.reason === 'failed' && !failed) throw otherHost(stop.host);
    return stop;
  }

  #isTimeUp(isValidated: boolean): boolean {
    const { phase, options, budget } = this.#settings;
    const perStep = this.#steps === 0 ? 0 : (performance.now() - this.#started) / this.#steps;
    return budget.isUp({ guess: perStep * (options.data.validation.count / phase.batchSize), isValidated });
  }

  async #step(batch: DeviceBatch): Promise<void> {
    const { run, progress, divergence } = this.#settings;
    const rate = this.#rateAt(progress.step);
    try {
      const outcome = await run.advance(batch, rate);
      if (outcome.isFinite) divergence.noteFinite();
      else await dealWith(this.#settings, { batch, outcome, learningRate: rate, info: this.#info() });
    } finally {
      batch.dispose();
    }
    this.#examples += this.#examplesIn(batch);
    progress.step++;
    this.#steps++;
  }

  /** How many examples a step has on all hosts: those of the others are taken to be sound. */
  #examplesIn({ examples }: DeviceBatch): number {
    const { phase, options } = this.#settings;
    const left = options.data.train.count - this.#place * phase.batchSize;
    return options.backend.host.count === 1 ? examples : Math.min(phase.batchSize, left);
  }

  /** Steps of the epoch that are done. */
  get #place(): number {
    const { step, epoch, phase } = this.#settings.progress;
    return step - phase.step - (epoch - phase.epoch) * this.#stepsPerEpoch;
  }

  /** Saves all up to the step just done. @throws SepalError `INTERRUPTED`. */
  async interrupt(host?: number): Promise<never> {
    const { run, progress, options, keeper } = this.#settings;
    await this.#hosts.all(async () => {
      await keeper.keepState(run, this.#info());
      await keeper.settle();
    });
    throw interruption(options.signal, { step: progress.step, host });
  }

  /** Saves all where the time is up within the epoch. */
  async endInTime(): Promise<void> {
    const { run, model, progress, options, keeper } = this.#settings;
    progress.timeIsUp = true;
    await this.#hosts.all(async () => keeper.keepState(run, this.#info()));
    this.#onEvent({ kind: 'timeIsUp', step: progress.step });
    if (progress.best !== undefined) return;
    // Better weights of half an epoch than none; a run that goes on finishes the epoch and takes those.
    this.#onEvent({ kind: 'validating', epoch: this.#number });
    const evaluation = await run.validate();
    progress.found = { evaluation, model };
    progress.best = { epoch: this.#number, score: splitScores(evaluation)[options.recipe.monitor] };
    await this.#hosts.all(async () => keeper.keepWeights(run, this.#info()));
  }

  /** Scores of the epoch that has ended. */
  async validate(): Promise<FinishedEpoch> {
    const { run, options, budget } = this.#settings;
    const { signal } = options;
    this.#onEvent({ kind: 'validating', epoch: this.#number });
    const started = performance.now();
    const validated = await run.validate(interruptionCheck(this.#hosts, signal)).catch((error: unknown) => {
      // The sums of the epoch are still in the state: the run goes on with this validation.
      if (isInterruption(error, signal)) return this.interrupt();
      throw error;
    });
    budget.noteValidation(performance.now() - started);
    requireFinite(validated.loss, this.#number);
    return { trained: await run.takeScores(), validated };
  }

  /** Counts the epoch as done, and saves what it leaves behind. */
  async keep({ trained, validated }: FinishedEpoch): Promise<void> {
    const { run, model, phase, progress, options, keeper, divergence } = this.#settings;
    const { recipe, keep = 'best', signal } = options;
    const epoch = this.#number;
    const skipped = divergence.skipped - this.#skippedBefore;
    const row: HistoryRow = {
      epoch,
      step: progress.step,
      learningRate: this.#rateAt(progress.step - 1),
      train: splitScores(trained),
      validation: splitScores(validated),
      ...(skipped > 0 && { skipped }),
      seconds: this.#elapsed,
      imagesPerSecond: this.#examples / this.#trainSeconds,
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
    const info = this.#infoAt(progress.seconds);
    const kept = { info, history: progress.history, weights, dropped: ranked.dropped.map(epochFile) };
    await this.#hosts.all(async () => keeper.keepEpoch(run, kept));
    this.#onEvent({ kind: 'epoch', row, isBest });
    const told = await this.#hosts.first({ interrupted: signal?.aborted === true });
    if (told === undefined) return;
    await this.#hosts.all(async () => keeper.settle());
    throw interruption(signal, { step: progress.step, host: told.host });
  }

  /** Seconds that this process has spent on the epoch. */
  get #elapsed(): number {
    return (performance.now() - this.#started) / 1000;
  }

  /** What a checkpoint within the epoch says of the run. */
  #info(): CheckpointInfo {
    return this.#infoAt(this.#settings.progress.seconds + this.#elapsed);
  }

  #infoAt(seconds: number): CheckpointInfo {
    const { model, progress, options, divergence } = this.#settings;
    const { recipe, data, keep = 'best' } = options;
    return {
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
    };
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
