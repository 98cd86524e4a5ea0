import { formatCount, plural, settingsByPath, UsageError } from '../../base/index.ts';
import type { Dataset } from '../../data/index.ts';
import type { Checkpoint } from './checkpoint.ts';
import { dataDigest } from './data-digest.ts';
import { TrainingError } from '../errors.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { phasesOf } from '../phase/phase.ts';
import { rowsPerReplica } from '../step/step.ts';

/** The two parts of the data that a run needs. */
export interface TrainingData {
  readonly train: Dataset;
  readonly validation: Dataset;
  /** Both are taken from the same files on purpose: as folds, or to train on all that has labels. */
  readonly sharesFiles?: boolean;
}

/** Refuses what would fail, or train on nonsense, before any work is done. @throws UsageError or TrainingError. */
export function checkRun(
  { batchSize, size }: Pick<Recipe, 'batchSize' | 'size'>,
  replicas: number,
  { train, validation, sharesFiles = false }: TrainingData,
): void {
  rowsPerReplica(batchSize, replicas);
  const shared = sharesFiles ? undefined : validation.files.find((file) => train.files.includes(file));
  if (shared !== undefined) {
    throw new TrainingError('NO_VALIDATION', `training and validation would both read ${shared}`, {
      hint: 'validation needs images of its own: give a data set with the splits train and val, as sepal data convert makes',
    });
  }
  for (const data of [train, validation]) {
    const { height, width } = data.size;
    if (height !== size || width !== size) {
      throw new UsageError('SIZE', `${data.name} was not opened in the size of the recipe`, {
        expected: `${size}x${size} px`,
        received: `${width}x${height} px`,
      });
    }
    const unlabelled = data.labels.reduce((count, label) => count + (label < 0 ? 1 : 0), 0);
    if (unlabelled > 0) {
      throw new TrainingError(
        'NO_LABELS',
        `${formatCount(unlabelled)} of ${plural(data.count, 'image')} of ${data.name} have no label`,
        { hint: 'training and validation need labels; a split without them is for sepal predict' },
      );
    }
  }
  checkClasses(train, validation);
}

/** Refuses what several hosts can't do. @throws UsageError `MANY_HOSTS`. */
export function checkHosts({ onDivergence }: Pick<Recipe, 'onDivergence'>, hosts: number): void {
  // Each host would need the checkpoint of the first, and know that there is one.
  if (hosts === 1 || onDivergence.policy !== 'roll-back') return;
  throw new UsageError('MANY_HOSTS', 'several hosts can stop or skip a step that goes wrong, and not roll back', {
    hint: 'set onDivergence.policy to stop or skip; --on-divergence of sepal train does the same',
  });
}

/** Labels are numbers: both splits must mean the same by them. */
function checkClasses(train: Dataset, validation: Dataset): void {
  const known = train.classNames;
  const at = validation.classNames.findIndex((name, i) => name !== known[i]);
  // A split without a list of names has those up to its highest label.
  if (at === -1) return;
  const name = (names: readonly string[]) => (at < names.length ? `class ${at} "${names[at]}"` : `no class ${at}`);
  throw new TrainingError('CLASSES', `${train.name} and ${validation.name} have different classes`, {
    expected: `${plural(known.length, 'class', 'classes')}, ${name(known)}`,
    received: `${plural(validation.classNames.length, 'class', 'classes')}, ${name(validation.classNames)}`,
    hint: 'list the names of all classes in one classes.txt beside both splits',
  });
}

/** Settings that may change when a run goes on. */
const FREE = /^(epochs|earlyStopping|onDivergence|remat)(\.|$)/;

/** So may the length of a phase that is not over. */
const PHASE_EPOCHS = /^phases\.(\d+)\.epochs$/;

/**
 * Refuses to go on with another recipe or other data than those of the run's start, as its place in the data order, its
 * optimiser and its best score would mean something else.
 *
 * @throws UsageError `RESUME` with the first setting that differs.
 */
export function checkResume({ path, info }: Checkpoint, recipe: Recipe, data: TrainingData): void {
  const { train } = data;
  const refuse = (what: string, expected: string, received: string) =>
    new UsageError('RESUME', `${path} can't go on with another ${what}`, {
      expected,
      received,
      hint: 'resume with what the run was started with, or start a new run in another folder',
    });
  const before = recipeSettings(info.recipe);
  const now = recipeSettings(recipe);
  for (const name of new Set([...before.keys(), ...now.keys()])) {
    const [old, given] = [before.get(name), now.get(name)];
    if (FREE.test(name) || old === given) continue;
    const isBoth = old !== undefined && given !== undefined;
    if (isBoth && Number(PHASE_EPOCHS.exec(name)?.[1] ?? -1) >= info.phase.index) continue;
    throw refuse(`recipe: ${name}`, old ?? 'nothing', given ?? 'nothing');
  }
  const done = info.epoch - info.phase.epoch;
  const { epochs } = phasesOf(recipe)[info.phase.index];
  if (done > epochs) {
    throw new UsageError('RESUME', `${path} is past the end of ${plural(epochs, 'epoch')}`, {
      expected: `${done} or more`,
      received: String(epochs),
      hint: 'its best weights are those of the epochs that it has done',
    });
  }
  if (info.examples !== train.count) {
    throw refuse('data set', plural(info.examples, 'training image'), plural(train.count, 'training image'));
  }
  const at = train.classNames.findIndex((name, i) => name !== info.classNames[i]);
  if (at !== -1 || train.classNames.length !== info.classNames.length) {
    throw refuse('data set', info.classNames.join(', '), train.classNames.join(', '));
  }
  for (const part of ['train', 'validation'] as const) {
    if (info.data === undefined || info.data[part] === dataDigest(data[part])) continue;
    throw refuse(
      `data set: ${data[part].name} has changed since the run's start`,
      info.data[part],
      dataDigest(data[part]),
    );
  }
}

/** Every setting of a recipe as JSON, by its path. */
export const recipeSettings = (recipe: Recipe): Map<string, string> => settingsByPath(recipe);
