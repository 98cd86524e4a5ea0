import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { didYouMean, UsageError } from '../../base/index.ts';
import { parseRecipe, RECIPE_FILE, RecipeFile, setRecipeSetting, type Recipe } from '../../train/index.ts';
import { FlagError, namingFlags } from '../flag-error.ts';
import type { TrainFlags } from './train-flags.ts';

/** Recipes that come with Sepal; the folder stands beside src and beside dist. */
const RECIPES = join(import.meta.dirname, '..', '..', '..', 'recipes');

/** Flags that change a recipe. */
export type RecipeFlags = Partial<TrainFlags>;

/** The settings of a recipe as they are written, with the flags laid over them. */
export interface WrittenRecipe {
  readonly name: string;
  readonly settings: Record<string, unknown>;
  /** Who has set a setting: a flag as it was typed, or else the file, with the line. */
  readonly placeOf: (path: readonly PropertyKey[]) => string;
}

/** The recipe of a command line: the file, with the flags laid over it. */
export async function recipeFrom(nameOrPath: string, flags: RecipeFlags): Promise<{ name: string; recipe: Recipe }> {
  const { name, settings, placeOf } = await writtenRecipe(nameOrPath, flags);
  return { name, recipe: namingFlags(() => parseRecipe(settings, placeOf)) };
}

/** The same before it is checked, for what else is laid over it. */
export async function writtenRecipe(nameOrPath: string, flags: RecipeFlags): Promise<WrittenRecipe> {
  const path = findRecipe(nameOrPath);
  const file = await RecipeFile.read(path);
  const { value } = file;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UsageError('RECIPE', `${path} is no recipe`, { expected: 'a YAML mapping such as "epochs: 20"' });
  }
  const { settings, flagOf } = layFlags(value as Record<string, unknown>, flags);
  return {
    name: basename(path).replace(/\.(?:ya?ml|json)$/, ''),
    settings,
    placeOf(setting) {
      // From the setting outwards, up to what the file has: a flag may have made the settings around it too.
      for (let length = setting.length; length > 0; length--) {
        const around = setting.slice(0, length);
        const flag = flagOf(around.join('.'));
        if (flag !== undefined) return flag;
        if (file.has(around)) break;
      }
      return file.placeOf(setting);
    },
  };
}

function findRecipe(nameOrPath: string): string {
  // A folder of that name, such as one of runs, is no recipe.
  if (statSync(nameOrPath, { throwIfNoEntry: false })?.isFile() === true) return nameOrPath;
  const own = join(RECIPES, `${nameOrPath}.yaml`);
  if (existsSync(own)) return own;
  const names = readdirSync(RECIPES)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.replace('.yaml', ''));
  const ofRun = join(nameOrPath, RECIPE_FILE);
  throw new UsageError(
    'RECIPE_FILE',
    `there is no recipe ${nameOrPath}, neither a file nor one that comes with Sepal`,
    {
      hint: existsSync(ofRun) ? `did you mean ${ofRun}, the recipe of that run?` : didYouMean(nameOrPath, names),
    },
  );
}

interface LaidFlags {
  readonly settings: Record<string, unknown>;
  /** The flag that has set a setting, all around it or something in it; undefined where none has. */
  readonly flagOf: (setting: string) => string | undefined;
}

function layFlags(recipe: Record<string, unknown>, flags: RecipeFlags): LaidFlags {
  const copy = structuredClone(recipe);
  const settings: [path: string, value: unknown, flag: string][] = [
    ['model.name', flags.model, '--model'],
    ['epochs', flags.epochs, '--epochs'],
    ['batchSize', flags.batchSize, '--batch-size'],
    ['weights', flags.weights, '--weights'],
    ['freeze', flags.freeze, '--freeze'],
    ['frozenStatistics', flags.frozenStatistics, '--frozen-statistics'],
    ['size', flags.size, '--size'],
    ['seed', flags.seed, '--seed'],
    ['precision', flags.precision, '--precision'],
    ['remat', flags.remat, '--remat'],
    ['schedule.rate', flags.learningRate, '--learning-rate'],
    ['monitor', flags.monitor, '--monitor'],
    ['onDivergence.policy', flags.onDivergence, '--on-divergence'],
    ['earlyStopping.patience', flags.patience, '--patience'],
  ];
  // Options of one architecture mean nothing to another.
  if (flags.model !== undefined && flags.model !== nameOf(recipe)) setRecipeSetting(copy, 'model.options', {});
  const setBy = new Map<string, string>();
  for (const [path, value, flag] of settings) {
    if (value === undefined) continue;
    setRecipeSetting(copy, path, value);
    setBy.set(path, `${flag} ${typeof value === 'string' ? value : JSON.stringify(value)}`);
  }
  for (const text of flags.set ?? []) {
    const split = text.indexOf('=');
    if (split < 1) throw new FlagError('SET', `--set ${text}`, { expected: 'PATH=VALUE, such as augment.flip=true' });
    const path = text.slice(0, split);
    setRecipeSetting(copy, path, parseValue(text, split));
    setBy.set(path, `--set ${text}`);
  }
  // The last one to touch a setting wins.
  const touching = [...setBy].toReversed();
  const isWithin = (inner: string, outer: string) => inner === outer || inner.startsWith(`${outer}.`);
  return {
    settings: copy,
    flagOf: (setting) => touching.find(([path]) => isWithin(setting, path) || isWithin(path, setting))?.[1],
  };
}

function parseValue(text: string, split: number): unknown {
  try {
    return parse(text.slice(split + 1));
  } catch (cause) {
    throw new FlagError(
      'SET',
      `--set ${text}: ${(cause as Error).message.split('\n')[0].replace(/ at line \d+, column \d+:?$/, '')}`,
      {
        expected: 'a value as YAML has it, such as true, 0.5 or [1, 2]',
        cause,
      },
    );
  }
}

function nameOf(recipe: Record<string, unknown>): unknown {
  const { model } = recipe;
  return typeof model === 'object' && model !== null && 'name' in model ? model.name : undefined;
}
