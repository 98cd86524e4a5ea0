import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { removeDrafts } from '../base/index.ts';
import type { Backend } from '../runtime/index.ts';
import {
  EvaluatorCache,
  FeatureCache,
  dataDigest,
  hasCheckpoint,
  LAST_FILE,
  PREVIOUS_FILE,
  readHistory,
  RecipeError,
  RunLock,
  train,
  TrainingError,
  type HistoryRow,
  type Monitor,
  type Recipe,
  type TrainEvent,
  type TrainingData,
  type TrainResult,
} from '../train/index.ts';
import { TuneError } from './errors.ts';
import { propose } from './sampler.ts';
import type { TuneSettings } from './settings.ts';
import { Space } from './space.ts';
import { prunedAfter } from './successive-halving.ts';
import { bestTrial, trialFolder, type Trial } from './trial.ts';
import { checkSearch, readTuneFile, writeTuneFile, type TuneState } from './tune-file.ts';

/** What a search tells while it goes on. */
export type TuneEvent =
  | { readonly kind: 'resumed'; readonly trials: readonly Trial[] }
  /** `goesOn` is true for one that was interrupted. */
  | { readonly kind: 'trial'; readonly trial: Trial; readonly recipe: Recipe; readonly goesOn: boolean }
  | { readonly kind: 'training'; readonly trial: Trial; readonly recipe: Recipe; readonly event: TrainEvent }
  /** `trials` are all so far, this one among them. */
  | { readonly kind: 'done'; readonly trial: Trial; readonly trials: readonly Trial[]; readonly monitor: Monitor }
  /** Every combination of values has been tried. */
  | { readonly kind: 'exhausted' }
  | { readonly kind: 'timeIsUp' };

/** A trial that is better than all before it, with what the run's report needs. */
export interface NewBest {
  readonly trial: Trial;
  readonly recipe: Recipe;
  readonly data: TrainingData;
  readonly result: TrainResult;
  /** Its run folder. */
  readonly out: string;
}

/** What a search is given. */
export interface TuneOptions {
  /** The recipe as it is written, without what is searched. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly tune: TuneSettings;
  readonly backend: Backend;
  /** The data at an image size; the caller closes it. */
  readonly dataAt: (size: number) => Promise<TrainingData>;
  /** Folder of the search: its state, and the run folder of each trial. */
  readonly out: string;
  /** Goes on with the search in `out`. */
  readonly resume?: boolean;
  /** Milliseconds from the start of the process. */
  readonly deadline?: number;
  readonly signal?: AbortSignal;
  /** Told what happens, as it happens. */
  readonly onEvent?: (event: TuneEvent) => void;
  /** Told of each trial that is better than all before it; the search goes on when it resolves. */
  readonly onBest?: (best: NewBest) => Promise<void>;
  /** After each trial, with what is known so far. */
  readonly onProgress?: (result: TuneResult) => Promise<void>;
}

/** Where a search stands: all trials, and the best of them. */
export interface TuneResult {
  readonly trials: readonly Trial[];
  /** Undefined where no trial has finished an epoch. */
  readonly best: Trial | undefined;
  readonly monitor: Monitor;
  readonly space: Space;
}

/**
 * Searches the values of a recipe's settings that train best: one trial after the other, each a run of its own, on data, features
 * and programs that they share.
 *
 * The state is written before and after each trial, so a search that is killed goes on with the trial that it was in.
 */
export async function tune(options: TuneOptions): Promise<TuneResult> {
  const space = new Space(options.settings, options.tune.ranges);
  space.checkBatches(options.backend.replicas);
  const lock = await RunLock.take(options.out);
  const evaluators = new EvaluatorCache();
  try {
    return await search({ ...options, evaluators }, space);
  } finally {
    evaluators.dispose();
    await lock.release();
  }
}

async function search(options: TuneOptions & Pick<TrialSettings, 'evaluators'>, space: Space): Promise<TuneResult> {
  const { tune: tuning, out, resume = false, signal, onEvent = () => {} } = options;
  const state = await startState(options, space);
  await removeDrafts(out);
  const { monitor, trials } = state;
  if (resume && trials.length > 0) onEvent({ kind: 'resumed', trials });
  const features = new FeatureCache();
  const isTimeUp = () => performance.now() >= (options.deadline ?? Infinity);
  const result = (): TuneResult => ({ trials, best: bestTrial(trials, monitor), monitor, space });

  for (let index = trials.findIndex((trial) => trial.state === 'running'); ; index = -1) {
    signal?.throwIfAborted();
    const goesOn = index !== -1;
    if (!goesOn) {
      if (trials.length >= tuning.trials) return result();
      if (isTimeUp()) break;
      const number = trials.length + 1;
      const values = propose(space, number, trials, tuning, monitor);
      if (values === undefined) {
        onEvent({ kind: 'exhausted' });
        return result();
      }
      const { epochs } = space.recipeOf(values);
      index = trials.push({ number, values, state: 'running', epochs, scores: [], seconds: 0 }) - 1;
      await writeTuneFile(out, state);
    }
    const earlier = trials.slice(0, index);
    const trial = await runTrial({ ...options, space, features, monitor, earlier }, trials[index], goesOn);
    trials[index] = trial;
    await writeTuneFile(out, state);
    if (trial.state === 'running') break;
    // Nobody goes on from the one that is beaten, and its optimiser takes more room than its weights.
    const beaten = bestTrial(trials, monitor) === trial ? bestTrial(earlier, monitor) : trial;
    if (beaten !== undefined) await dropState(join(out, trialFolder(beaten.number)));
    onEvent({ kind: 'done', trial, trials, monitor });
    await options.onProgress?.(result());
  }
  onEvent({ kind: 'timeIsUp' });
  return result();
}

/** The state that a search begins with, or goes on from. @throws TuneError. */
async function startState(
  { settings, tune: tuning, dataAt, out, resume }: TuneOptions,
  space: Space,
): Promise<TuneState> {
  const { trials: _trials, ...how } = tuning;
  const { monitor, size } = space.example();
  const { train: training, validation } = await dataAt(size);
  const data = {
    train: training.count,
    validation: validation.count,
    classNames: [...training.classNames],
    digest: [training, validation].map(dataDigest).join(' '),
  };
  const fresh: TuneState = { format: 1, search: { settings: { ...settings }, ...how }, monitor, data, trials: [] };
  const found = await readTuneFile(out);
  if (found === undefined) return fresh;
  if (resume !== true) {
    throw new TuneError('SEARCH_EXISTS', `${out} holds a search already`, {
      hint: 'add --resume to go on, or choose another --out',
    });
  }
  checkSearch(found, fresh, out);
  return found;
}

interface TrialSettings extends TuneOptions {
  readonly space: Space;
  readonly features: FeatureCache;
  readonly evaluators: EvaluatorCache;
  readonly monitor: Monitor;
  readonly earlier: readonly Trial[];
}

/** Problems of a single trial, which say nothing of the others. */
const FAILURES: ReadonlySet<string> = new Set(['DIVERGED', 'OUT_OF_MEMORY', 'FREEZE']);

/** Trains a trial to its end, or until it falls behind; where the time is up before, it is still running. */
async function runTrial(settings: TrialSettings, trial: Trial, goesOn: boolean): Promise<Trial> {
  const { space, earlier, tune: tuning, monitor, backend, features, dataAt, onEvent = () => {} } = settings;
  const out = join(settings.out, trialFolder(trial.number));
  const recipe = space.recipeOf(trial.values);
  const data = await dataAt(recipe.size);
  const resume = hasCheckpoint(out);
  onEvent({ kind: 'trial', trial, recipe, goesOn });

  const withHistory = (history: readonly HistoryRow[]): Trial => ({
    ...trial,
    scores: history.map((row) => row.validation[monitor]),
    seconds: history.reduce((sum, row) => sum + row.seconds, 0),
  });
  const isPruned = ({ scores, epochs }: Trial) => tuning.prune && prunedAfter({ scores, epochs }, earlier, tuning, monitor) !== undefined; // prettier-ignore
  let result: TrainResult;
  try {
    result = await train({
      recipe,
      backend,
      data,
      dataAt,
      out,
      resume,
      features,
      evaluators: settings.evaluators,
      endsWith: (history) => isPruned(withHistory(history)),
      deadline: settings.deadline,
      signal: settings.signal,
      onEvent: (event) => onEvent({ kind: 'training', trial, recipe, event }),
    });
  } catch (error) {
    if (!(error instanceof TrainingError || error instanceof RecipeError) || !FAILURES.has(error.code)) throw error;
    return { ...withHistory(await readHistory(out)), state: 'failed', problem: error.message };
  }
  const trained = withHistory(result.history);
  if (result.timeIsUp) return trained;
  const done: Trial = { ...trained, state: isPruned(trained) ? 'pruned' : 'complete' };
  if (bestTrial([...earlier, done], monitor) === done)
    await settings.onBest?.({ trial: done, recipe, data, result, out });
  return done;
}

async function dropState(folder: string): Promise<void> {
  for (const file of [LAST_FILE, PREVIOUS_FILE]) await rm(join(folder, file), { force: true }).catch(() => {});
}
