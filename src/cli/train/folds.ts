import { join } from 'node:path';
import { formatCount, plural, writeFile } from '../../base/index.ts';
import type { Backend } from '../../runtime/index.ts';
import { fitTemperature } from '../../metrics/index.ts';
import type { Recipe, TrainResult } from '../../train/index.ts';
import type { Context } from '../command.ts';
import { decodedRows } from '../ensemble/member.ts';
import { OUT_OF_FOLD_FILE, writeOutOfFold } from '../ensemble/out-of-fold.ts';
import { confusionOf } from '../ensemble/summary.ts';
import { shellWord } from '../shell-word.ts';
import type { TrainFlags } from './train-flags.ts';
import type { TrainingSource } from './training-source.ts';

export interface FoldsOptions {
  readonly recipe: Recipe;
  readonly backend: Backend;
  readonly source: TrainingSource;
  readonly out: string;
  readonly flags: TrainFlags;
  readonly folds: number;
  readonly context: Context;
  /** Milliseconds from the start of the process after which no other fold begins. */
  readonly deadline?: number;
  /** Trains one fold into its folder. */
  readonly trainFold: (fold: number, out: string) => Promise<TrainResult>;
}

/**
 * Cross-validation: a run for each fold in `fold-1`, `fold-2`, …, and what each says of the images that it has not seen in
 * `out-of-fold.csv`. Together the runs are one member of an ensemble. Where the time is up before all folds are trained, nothing is
 * said of them together: a fold that had no time knows nothing.
 */
export async function runFolds(options: FoldsOptions): Promise<void> {
  const { recipe, source, out, flags, folds, context, deadline = Infinity, trainFold } = options;
  const { log } = context;
  const whole = await source.whole(recipe.size);
  const classCount = whole.classNames.length;
  const probabilities = new Float32Array(whole.count * classCount);
  for (let fold = 0; fold < folds; fold++) {
    log.info(`\nfold ${fold + 1} of ${folds}`);
    const { evaluation, timeIsUp } = await trainFold(fold, join(out, `fold-${fold + 1}`));
    if (timeIsUp || (fold < folds - 1 && performance.now() >= deadline)) {
      const trained = timeIsUp ? fold : fold + 1;
      log.info(`\ntime    is up with ${trained} of ${plural(folds, 'fold')} trained; --resume trains the others`);
      return;
    }
    const { validation } = await source.fold(recipe.size, { fold, folds, seed: recipe.seed });
    // By record: two pictures may have the same id.
    for (const [n, record] of validation.records.entries()) {
      const row = evaluation.probabilities.subarray(n * classCount, (n + 1) * classCount);
      probabilities.set(row, record * classCount);
    }
  }
  const { ids, hasIds, labels, classNames } = whole;
  const [decoded] = decodedRows([{ path: out, ids, hasIds, labels, classNames, probabilities }]);
  await writeOutOfFold(join(out, OUT_OF_FOLD_FILE), decoded);
  const { macroF1, accuracy } = confusionOf(decoded.probabilities, decoded.labels, classCount);
  const { errorBefore } = fitTemperature({ ...decoded, classCount });
  const images = decoded.ids.length;
  await writeFile(
    join(out, 'folds.json'),
    `${JSON.stringify({ folds, images, macroF1, accuracy, calibrationError: errorBefore }, null, 2)}\n`,
  );
  log.info(
    `\nall     ${plural(folds, 'fold')}, ${formatCount(images)} images, each by a run that has not seen it: ` +
      `macro F1 ${macroF1.toFixed(4)}, accuracy ${accuracy.toFixed(4)}`,
  );
  if (flags.json === true) {
    console.log(JSON.stringify({ event: 'folds', folds, out, images, macroF1, accuracy }));
  }
  const typed = shellWord(out);
  log.info(
    `next    sepal submit ${typed} --data DIR   (mean of the folds), or sepal ensemble ${typed} … --out-of-fold`,
  );
}
