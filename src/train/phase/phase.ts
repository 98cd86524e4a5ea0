import type { Recipe } from '../recipe/recipe.ts';

/** A stretch of a run with settings of its own: the recipe's, with those of the phase laid over them. */
export interface Phase extends Omit<Recipe, 'phases'> {
  /** From 0. */
  readonly index: number;
}

/** The phases of a recipe; a recipe without any is one. */
export function phasesOf({ phases, ...recipe }: Recipe): Phase[] {
  if (phases === undefined) return [{ ...recipe, index: 0 }];
  return phases.map((phase, index) => {
    const given = Object.fromEntries(Object.entries(phase).filter(([, value]) => value !== undefined));
    return { ...recipe, ...given, index };
  });
}
