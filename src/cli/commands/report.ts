import { existsSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { formatCount, formatSeconds, formatTable, UsageError } from '../../base/index.ts';
import { Confusion } from '../../metrics/index.ts';
import { writeComparison, type ComparedRun } from '../../report/index.ts';
import {
  parseRecipe,
  readHistory,
  readRecipeFile,
  readTrainedModel,
  RECIPE_FILE,
  recipeSettings,
  type Recipe,
} from '../../train/index.ts';
import type { AddCommand, Context } from '../command.ts';
import { readEvaluation, type RunEvaluation } from '../run-evaluation.ts';
import { sepalVersion } from '../version.ts';

interface Flags {
  readonly out?: string;
  readonly json?: boolean;
}

/** `sepal report RUN…`. */
export const addReport: AddCommand = (program, context) => {
  program
    .command('report')
    .description('compare runs side by side: scores, learning curves, what differs in their recipes, classes')
    .argument('<runs...>', 'run folders')
    .option('--out <file>', 'the HTML file (default: comparison.html; with --json none)')
    .option('--json', 'print the scores as JSON')
    .addHelpText('after', '\nExample:\n  sepal report runs/first runs/second --out comparison.html')
    .action(async (runs: string[], flags: Flags) => {
      await compare(runs, flags, context());
    });
};

interface ReadRun extends ComparedRun {
  readonly evaluation: RunEvaluation | undefined;
}

async function compare(
  folders: readonly string[],
  { json, out = json === true ? undefined : 'comparison.html' }: Flags,
  { log }: Context,
): Promise<void> {
  const names = shortNames(folders);
  const runs: ReadRun[] = [];
  for (const [i, folder] of folders.entries()) runs.push(await readRun(folder, names[i]));
  const classNames = sharedClasses(runs.flatMap(({ evaluation }) => evaluation ?? []));
  if (out !== undefined) {
    await writeComparison({ created: new Date(), runs, classNames, version: sepalVersion() }, out);
  }
  const rows = runs.map((run) => {
    const row = run.history.find(({ epoch }) => epoch === run.bestEpoch) ?? run.history[run.history.length - 1];
    return { run, row };
  });
  if (json === true) {
    console.log(
      JSON.stringify(
        rows.map(({ run: { name, model, parameters, bestEpoch, history, seconds, onValidationToo }, row }) => ({
          run: name,
          model,
          parameters,
          bestEpoch,
          epochs: history.length,
          ...row.validation,
          ...(onValidationToo === true && { onValidationToo }),
          seconds,
        })),
        null,
        2,
      ),
    );
  } else {
    console.log(
      formatTable(
        [
          ['run', 'model', 'macro F1', 'accuracy', 'loss', 'best epoch', 'time', 'parameters'],
          ...rows.map(({ run, row: { validation } }) => [
            run.name,
            run.model,
            validation.macroF1.toFixed(4),
            validation.accuracy.toFixed(4),
            validation.loss.toFixed(4),
            `${run.bestEpoch}/${run.history.length}`,
            formatSeconds(run.seconds),
            formatCount(run.parameters),
          ]),
        ],
        [2, 3, 4, 5, 6, 7],
      ),
    );
  }
  for (const { name, onValidationToo } of runs) {
    if (onValidationToo === true) log.warn(`${name} was trained on the validation images too: its scores say nothing`);
  }
  if (out !== undefined) log.info(`report  ${relative('.', resolve(out))}`);
}

async function readRun(folder: string, name: string): Promise<ReadRun> {
  const history = await readHistory(folder);
  const { model, info } = await readTrainedModel(folder);
  if (history.length === 0) {
    throw new UsageError('NO_HISTORY', `${folder} has no history of epochs`, {
      expected: 'a run folder that sepal train wrote, with at least one finished epoch',
    });
  }
  const evaluation = await readEvaluation(folder, info.step);
  const onValidationToo = info.data?.joined === 'all';
  return {
    name,
    model: `${model.name}, ${model.size.height} px`,
    parameters: model.parameters.total,
    history,
    bestEpoch: info.best?.epoch ?? history[history.length - 1].epoch,
    seconds: history.reduce((sum, { seconds }) => sum + seconds, 0),
    settings: recipeSettings(await recipeOf(folder, info.recipe)),
    classF1: evaluation === undefined || onValidationToo ? undefined : scoresOf(evaluation),
    onValidationToo,
    evaluation,
  };
}

/** What the run is trained by now: one that went on may have other epochs than when its best weights were saved. */
async function recipeOf(folder: string, atBest: Recipe): Promise<Recipe> {
  const path = join(folder, RECIPE_FILE);
  return existsSync(path) ? parseRecipe(await readRecipeFile(path), path) : atBest;
}

function scoresOf({ classNames, confusion }: RunEvaluation): number[] {
  const counted = new Confusion(classNames.length);
  counted.addCounts(confusion);
  return classNames.map((_, label) => counted.f1(label));
}

/** Names of folders, with as much of their paths as tells them apart. */
function shortNames(folders: readonly string[]): string[] {
  const last = folders.map((folder) => basename(resolve(folder)));
  return new Set(last).size === last.length ? last : [...folders];
}

/** The class names of all evaluations; undefined where they differ. */
function sharedClasses(evaluations: readonly RunEvaluation[]): readonly string[] | undefined {
  const [first] = evaluations;
  if (first === undefined) return undefined;
  const names = JSON.stringify(first.classNames);
  return evaluations.every(({ classNames }) => JSON.stringify(classNames) === names) ? first.classNames : undefined;
}
