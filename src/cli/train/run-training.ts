import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { formatCount, formatSeconds, plural, UsageError, writeFile } from '../../base/index.ts';
import type { Dataset } from '../../data/index.ts';
import type { Backend } from '../../runtime/index.ts';
import { computeTypeOf, LAST_FILE, train, type Recipe, type TrainResult } from '../../train/index.ts';
import { stringify } from 'yaml';
import type { Context } from '../command.ts';
import type { TrainFlags } from './train-flags.ts';
import { openDevice } from '../device-flags.ts';
import { writeRunReport } from '../run-report.ts';
import { openTrainingData } from './open-training-data.ts';
import { recipeFrom } from './recipe-source.ts';
import { trainDisplay } from './train-display.ts';

/** What `sepal train` does: opens data and device, trains, writes the report, and says where all is. */
export async function runTraining(recipeName: string, flags: TrainFlags, context: Context): Promise<TrainResult> {
  const { log, signal } = context;
  const { name, recipe } = await recipeFrom(recipeName, flags);
  const out = flags.out ?? join('runs', `${name}-${new Date().toISOString().slice(0, 19).replaceAll(/[T:]/g, '-')}`);
  checkRunFolder(out, flags.resume === true);

  const backend = await openDevice(flags, context);
  try {
    const data = await openTrainingData(flags, recipe.size, context);
    try {
      printHeader(name, recipe, backend, data, out, context);
      const recipeText = stringify(recipe);
      const keepRecipe = async () => writeFile(join(out, 'recipe.yaml'), recipeText);
      // A resumed run may be refused for its recipe, and then the old one stays.
      if (flags.resume !== true) await keepRecipe();
      const display = trainDisplay(recipe, data.train.count, log);
      let result: TrainResult;
      try {
        result = await train({ recipe, backend, data, out, resume: flags.resume, signal, onEvent: display.onEvent });
      } finally {
        display.stop();
      }
      if (flags.resume === true) await keepRecipe();
      log.debug(`live buffers: ${backend.client.liveBufferCount}`);
      if (flags.report) await writeRunReport({ name, out, recipe, recipeText, backend, data, result });
      printResult(result, out, flags, context);
      return result;
    } finally {
      await data.close();
    }
  } finally {
    await backend.close();
  }
}

function checkRunFolder(out: string, resume: boolean): void {
  const exists = existsSync(join(out, LAST_FILE));
  if (resume && !exists) {
    throw new UsageError('NO_CHECKPOINT', `there is no ${LAST_FILE} in ${out} to go on from`, {
      hint: 'leave out --resume to start anew',
    });
  }
  if (!resume && exists) {
    throw new UsageError('RUN_EXISTS', `${out} holds a run already`, {
      hint: 'add --resume to go on, or choose another --out',
    });
  }
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
    `recipe  ${name}: ${recipe.model.name}, ${plural(recipe.epochs, 'epoch')}, batches of ${recipe.batchSize}, ${recipe.optimizer.name}, ${computeTypeOf(recipe.precision, backend.platform)}`,
  );
}

function printResult(result: TrainResult, out: string, flags: TrainFlags, { log }: Context): void {
  const { confusion } = result.evaluation;
  log.info(
    `best    epoch ${result.best.epoch}: validation macro F1 ${confusion.macroF1.toFixed(4)}, accuracy ${confusion.accuracy.toFixed(4)}; ` +
      `${formatSeconds(result.seconds)} of training`,
  );
  const shown = relative('.', out) || '.';
  if (flags.report) log.info(`report  ${join(shown, 'report.html')}`);
  log.info(`next    sepal predict ${shown} PHOTO.jpg`);
}
