import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { didYouMean, UsageError } from '../../base/index.ts';
import { parseRecipe, readRecipeFile, setRecipeSetting, type Recipe } from '../../train/index.ts';
import type { TrainFlags } from './train-flags.ts';

/** Recipes that come with Sepal; the folder stands beside src and beside dist. */
const RECIPES = join(import.meta.dirname, '..', '..', '..', 'recipes');

/** Flags that change a recipe. */
export type RecipeFlags = Partial<TrainFlags>;

/** The settings of a recipe as they are written, with the flags laid over them. */
export interface WrittenRecipe {
  readonly name: string;
  readonly path: string;
  readonly settings: Record<string, unknown>;
}

/** The recipe of a command line: the file, with the flags laid over it. */
export async function recipeFrom(nameOrPath: string, flags: RecipeFlags): Promise<{ name: string; recipe: Recipe }> {
  const { name, path, settings } = await writtenRecipe(nameOrPath, flags);
  return { name, recipe: parseRecipe(settings, path) };
}

/** The same before it is checked, for what else is laid over it. */
export async function writtenRecipe(nameOrPath: string, flags: RecipeFlags): Promise<WrittenRecipe> {
  const path = findRecipe(nameOrPath);
  const value = await readRecipeFile(path);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UsageError('RECIPE', `${path} is no recipe`, { expected: 'a YAML mapping such as "epochs: 20"' });
  }
  const settings = layFlags(value as Record<string, unknown>, flags);
  return { name: basename(path).replace(/\.(?:ya?ml|json)$/, ''), path, settings };
}

function findRecipe(nameOrPath: string): string {
  // A folder of that name, such as one of runs, is no recipe.
  if (statSync(nameOrPath, { throwIfNoEntry: false })?.isFile() === true) return nameOrPath;
  const own = join(RECIPES, `${nameOrPath}.yaml`);
  if (existsSync(own)) return own;
  const names = readdirSync(RECIPES)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.replace('.yaml', ''));
  throw new UsageError(
    'RECIPE_FILE',
    `there is no recipe ${nameOrPath}, neither a file nor one that comes with Sepal`,
    {
      hint: didYouMean(nameOrPath, names),
    },
  );
}

function layFlags(recipe: Record<string, unknown>, flags: RecipeFlags): Record<string, unknown> {
  const copy = structuredClone(recipe);
  const settings: [string, unknown][] = [
    ['model.name', flags.model],
    ['epochs', flags.epochs],
    ['batchSize', flags.batchSize],
    ['weights', flags.weights],
    ['freeze', flags.freeze],
    ['frozenStatistics', flags.frozenStatistics],
    ['size', flags.size],
    ['seed', flags.seed],
    ['precision', flags.precision],
    ['remat', flags.remat],
    ['schedule.rate', flags.learningRate],
    ['monitor', flags.monitor],
    ['onDivergence.policy', flags.onDivergence],
    ['earlyStopping.patience', flags.patience],
  ];
  // Options of one architecture mean nothing to another.
  if (flags.model !== undefined && flags.model !== nameOf(recipe)) setRecipeSetting(copy, 'model.options', {});
  for (const [path, value] of settings) if (value !== undefined) setRecipeSetting(copy, path, value);
  for (const text of flags.set ?? []) {
    const split = text.indexOf('=');
    if (split < 1) throw new UsageError('SET', `--set ${text}`, { expected: 'PATH=VALUE, such as augment.flip=true' });
    setRecipeSetting(copy, text.slice(0, split), parseValue(text, split));
  }
  return copy;
}

function parseValue(text: string, split: number): unknown {
  try {
    return parse(text.slice(split + 1));
  } catch (cause) {
    throw new UsageError('SET', `--set ${text}: ${(cause as Error).message.split('\n')[0]}`, {
      expected: 'a value as YAML has it, such as true, 0.5 or [1, 2]',
      cause,
    });
  }
}

function nameOf(recipe: Record<string, unknown>): unknown {
  const { model } = recipe;
  return typeof model === 'object' && model !== null && 'name' in model ? model.name : undefined;
}
