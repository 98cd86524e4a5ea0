import type { Recipe } from '../recipe/recipe.ts';
import { checkBatch } from '../step/step.ts';
import { phasesOf } from './phase.ts';

/**
 * Refuses a recipe with a phase whose batch doesn't divide over the replicas, their parts and the pairs that are mixed.
 *
 * @throws UsageError `BATCH_SIZE` or `ACCUMULATE`.
 */
export function checkBatches(recipe: Recipe, replicas: number): void {
  for (const phase of phasesOf(recipe)) {
    // Of features that are computed once nothing is mixed; whether they are depends on the model.
    checkBatch(phase.freeze === 'none' ? phase : { ...phase, augment: undefined }, replicas);
  }
}
