import { join } from 'node:path';
import { stringify } from 'yaml';
import { writeFile } from '../../base/index.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { RECIPE_FILE } from './run-files.ts';

/** Writes the recipe that a run is trained by beside its checkpoints. */
export async function writeRecipe(out: string, recipe: Recipe): Promise<void> {
  await writeFile(join(out, RECIPE_FILE), stringify(recipe));
}
