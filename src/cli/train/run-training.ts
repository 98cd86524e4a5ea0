import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { formatCount, formatSeconds, plural, SepalError, silent, UsageError } from '../../base/index.ts';
import type { Dataset } from '../../data/index.ts';
import { requireWeights } from '../../models/index.ts';
import { Hosts, type Backend } from '../../runtime/index.ts';
import {
  calibrate,
  checkpointPath,
  computeTypeOf,
  hasCheckpoint,
  ensembleOf,
  phasesOf,
  readCheckpoint,
  requireNoRun,
  RunLock,
  train,
  writeCalibration,
  type CheckpointInfo,
  type Recipe,
  type TrainingData,
  type TrainResult,
} from '../../train/index.ts';
import { stringify } from 'yaml';
import type { Context } from '../command.ts';
import type { TrainFlags } from './train-flags.ts';
import { openDevice } from '../device-flags.ts';
import { newFolder } from '../new-folder.ts';
import { writeEvaluation } from '../run-evaluation.ts';
import { makeSubmission } from '../ensemble/make-submission.ts';
import { requireIds } from '../ensemble/submission.ts';
import { featureNames } from '../feature-flags.ts';
import { openSplit } from '../open-split.ts';
import { writeRunReport } from '../run-report.ts';
import { shellWord } from '../shell-word.ts';
import { runFolds } from './folds.ts';
import { recipeFrom } from './recipe-source.ts';
import { TensorboardLog } from './tensorboard-log.ts';
import { trainDisplay } from './train-display.ts';
import { trainLines } from './train-lines.ts';
import { TrainingSource } from './training-source.ts';

/** What `sepal train` does: opens data and device, trains, writes the report, and says where all is. */
export async function runTraining(recipeName: string, flags: TrainFlags, context: Context): Promise<void> {
  const { name, recipe } = await recipeFrom(recipeName, flags);
  const { folds } = flags;
  // A run that goes on needs its weights no more.
  if (!goesOnAtAll(flags)) requireWeights(recipe.model.name, recipe.weights);
  const source = new TrainingSource(flags, context);
  const out = flags.out ?? newFolder(name);
  const resume = folds === undefined && checkRunFolder(out, resumes(flags, out), context);

  const backend = await openDevice(flags, context, { acrossHosts: folds === undefined });
  try {
    const settings = { name, recipe, backend, flags, context };
    if (folds === undefined) {
      await trainOne({ ...settings, flags: { ...flags, resume }, out, dataAt: async (size) => source.splits(size) });
      return;
    }
    const trainFold = async (fold: number, folder: string) => {
      // Folds that are done, and one that was interrupted, go on; the others begin.
      const goesOn = checkRunFolder(folder, goesOnAtAll(flags) && hasCheckpoint(folder), context);
      const dataAt = async (size: number) => source.fold(size, { fold, folds, seed: recipe.seed });
      return trainOne({ ...settings, flags: { ...flags, resume: goesOn }, out: folder, dataAt });
    };
    await runFolds({ ...settings, source, out, folds, deadline: deadlineOf(flags), trainFold });
  } finally {
    await source.close();
    await backend.close();
  }
}

export interface OneRun {
  readonly name: string;
  readonly recipe: Recipe;
  readonly backend: Backend;
  readonly flags: TrainFlags;
  readonly context: Context;
  readonly out: string;
  readonly dataAt: (size: number) => Promise<TrainingData>;
}

/** Trains one run and writes all that belongs to it; of several hosts each calls it, and the first one writes. */
export async function trainOne(run: OneRun): Promise<TrainResult> {
  const { backend, out } = run;
  const lock = await Hosts.of(backend).byFirst(async () => RunLock.take(out));
  try {
    const result = await trainLocked(run, lock);
    await lock?.release();
    return result;
  } catch (error) {
    // What was stopped is gone on with; what failed at its start leaves nothing that a second try would trip over.
    const isStopped = error instanceof SepalError && error.code === 'INTERRUPTED';
    await (isStopped ? lock?.release() : lock?.releaseAfterFailure());
    throw error;
  }
}

async function trainLocked(
  { name, recipe, backend, flags, context, out, dataAt }: OneRun,
  lock: RunLock | undefined,
): Promise<TrainResult> {
  const { signal } = context;
  const { host } = backend;
  // The first of several hosts speaks and writes for all.
  const isFirst = host.index === 0;
  const log = isFirst ? context.log : silent;
  const data = await Hosts.of(backend).all(async () => dataAt(recipe.size));
  // Before any work: a data set without one would be found out after all of it.
  const { classNames: trained } = data.train;
  const countImages = async () => (flags.submit === true ? countTest(recipe, flags, trained, context) : 0);
  const images = await Hosts.of(backend).all(countImages);
  printHeader(name, recipe, backend, data, out, { ...context, log });
  if (flags.allLabelled === true) {
    log.warn('validation images are trained on too: their scores say nothing, and the last weights are kept');
  }
  const recipeText = stringify(recipe);
  const display = trainDisplay(recipe, data.train.count, log);
  const tensorboard = flags.tensorboard === true && isFirst ? new TensorboardLog(out, recipeText, log) : undefined;
  const lines = trainLines(flags.json === true && isFirst);
  lines.start(out, name, recipe, backend, data);
  const keep = flags.allLabelled === true ? 'last' : 'best';
  let result: TrainResult;
  try {
    result = await train({
      recipe,
      backend,
      data,
      dataAt,
      keep,
      out,
      lock,
      resume: flags.resume,
      signal,
      checkpointEvery: flags.checkpointEvery,
      keepBest: flags.keepBest,
      deadline: deadlineOf(flags),
      onEvent: (event) => {
        display.onEvent(event);
        tensorboard?.onEvent(event);
        lines.onEvent(event);
      },
      // The first host predicts alone.
      imagesAfter: images * host.count,
    });
  } finally {
    display.stop();
    await tensorboard?.close();
  }
  // The others have nothing left to do.
  if (!isFirst) return result;
  log.debug(`live buffers: ${backend.client.liveBufferCount}`);
  const { confusion, loss } = result.evaluation;
  const classNames = [...data.train.classNames];
  const path = checkpointPath(out);
  const { info } = await readCheckpoint(path);
  await writeEvaluation(out, info.step, { split: 'validation', loss, classNames, confusion: [...confusion.counts] });
  // On images that were trained on too, any network may be as sure as it likes.
  if (flags.allLabelled !== true) await calibrateRun(path, info, result, data.validation);
  if (flags.report)
    await writeRunReport({ name, out, recipe, recipeText, backend, data, result, allLabelled: flags.allLabelled });
  if (flags.submit === true) {
    const { data: location = '', badRecords } = flags;
    const options = { ...flags, data: location, badRecords, split: 'test', out: join(out, 'submission.csv') } as const;
    await makeSubmission(backend.own, await ensembleOf([out]), options, context);
  }
  printResult(result, out, flags, { ...context, log });
  lines.end(out, result, flags.report ? join(out, REPORT_FILE) : undefined);
  return result;
}

/** Keeps the temperature at which the best weights are as sure on validation as they are right. */
async function calibrateRun(
  path: string,
  info: CheckpointInfo,
  { evaluation: { probabilities } }: TrainResult,
  { labels }: Dataset,
): Promise<void> {
  const calibration = calibrate(info, 'validation', { probabilities, labels });
  if (calibration !== undefined) await writeCalibration(path, calibration);
}

/** Pictures of the test split. @throws DataError where there is none, or one without an id of its own. */
async function countTest(
  recipe: Recipe,
  flags: TrainFlags,
  classNames: readonly string[],
  context: Context,
): Promise<number> {
  const { data = '', badRecords } = flags;
  const options = { split: 'test', badRecords, classNames: flags.classNames ?? classNames, features: featureNames(flags), labelsRequired: false, cacheBudgetBytes: 0 } as const; // prettier-ignore
  const counts: number[] = [];
  // The best weights may be of any phase, and are given pictures of its size.
  for (const size of new Set(phasesOf(recipe).map((phase) => phase.size))) {
    await using test = await openSplit(data, { ...options, size }, context);
    requireIds(test, `${data} test`);
    counts.push(test.count);
  }
  return Math.max(...counts);
}

const REPORT_FILE = 'report.html';

/** Seconds that the report takes at most, and closing all. */
const REPORT_SECONDS = 20;
/** Seconds that the program of predictions takes at most to be there; how long it runs is known from the validations. */
const SUBMIT_SECONDS = 60;

/** When training has to end, in milliseconds from the start of the process. */
function deadlineOf({ maxTime, report, submit = false }: TrainFlags): number | undefined {
  if (maxTime === undefined) return undefined;
  const end =
    (report ? Math.min(REPORT_SECONDS, maxTime / 4) : 0) + (submit ? Math.min(SUBMIT_SECONDS, maxTime / 4) : 0);
  return 1000 * (maxTime - end);
}

const goesOnAtAll = ({ resume, autoResume }: TrainFlags): boolean => resume === true || autoResume === true;

/** `--resume` wants a run to go on with; `--auto-resume` takes one where there is one. */
const resumes = (flags: TrainFlags, out: string): boolean =>
  flags.resume === true || (flags.autoResume === true && hasCheckpoint(out));

/** Whether there is a checkpoint to go on from. @throws UsageError where the folder holds a run that would be lost. */
function checkRunFolder(out: string, resume: boolean, { log }: Context): boolean {
  const exists = hasCheckpoint(out);
  if (!resume) requireNoRun(out);
  if (!resume || exists) return exists;
  if (!existsSync(out)) {
    throw new UsageError('NO_CHECKPOINT', `there is no run folder ${out} to go on from`, {
      hint: 'leave out --resume to start anew',
    });
  }
  // A run that was killed before its first checkpoint: whoever starts it again in a loop means it to begin.
  log.info(`resume  ${relative('.', out) || '.'} has no checkpoint yet, so it begins anew`);
  return false;
}

function printHeader(
  name: string,
  recipe: Recipe,
  backend: Backend,
  data: { train: Dataset; validation: Dataset },
  out: string,
  { log }: Context,
): void {
  log.info(`run     ${relative('.', out) || '.'}`);
  log.info(`device  ${backend.describe()}`);
  log.info(`data    ${data.train.describe()}; ${formatCount(data.validation.count)} for validation`);
  log.info(
    `recipe  ${name}: ${recipe.model.name}, ${plural(recipe.epochs, 'epoch')}, batches of ${recipe.batchSize}, ${recipe.optimizer.name}, ${computeTypeOf(recipe.precision, backend)}`,
  );
}

function printResult(result: TrainResult, out: string, flags: TrainFlags, { log }: Context): void {
  const { confusion } = result.evaluation;
  const time = `${formatSeconds(result.seconds)} of training`;
  if (flags.allLabelled === true) {
    log.info(`last    epoch ${result.best.epoch}; ${time}; no scores: the validation images were trained on too`);
  } else {
    log.info(
      `best    epoch ${result.best.epoch}: validation macro F1 ${confusion.macroF1.toFixed(4)}, accuracy ${confusion.accuracy.toFixed(4)}; ${time}`,
    );
  }
  const shown = relative('.', out) || '.';
  if (flags.report) log.info(`report  ${join(shown, REPORT_FILE)}`);
  log.info(`next    sepal predict ${shellWord(shown)} PHOTO.jpg`);
}
