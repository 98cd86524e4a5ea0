import { splitModel, type Model, type SplitModel } from '../../models/index.ts';
import { elementCount } from '../../xla/index.ts';
import { changesImages } from '../augment/index.ts';
import { freezing } from '../recipe/freeze.ts';
import type { Phase } from '../phase/phase.ts';

/** Most bytes of features that are kept on a host, which has those of all examples; a model whose features need more is run anew in every step. */
export const FEATURE_BUDGET = 4 * 2 ** 30;

/** How many examples of each split there are. */
export interface FeatureCounts {
  readonly train: number;
  readonly validation: number;
}

/** The model in two, where a phase computes features once; undefined where they change, or don't fit into memory. */
export function featureSplit(model: Model, phase: Phase, { train, validation }: FeatureCounts): SplitModel | undefined {
  const split = splitPhase(model, phase);
  if (split === undefined) return undefined;
  const examples = train * phase.featureViews + validation;
  return 4 * elementCount(split.head.input.shape) * examples > FEATURE_BUDGET ? undefined : split;
}

/**
 * The model in two, where its first blocks give the same features in every step. Features of single blocks are those of
 * pictures that change from step to step, unless the recipe says how many views of each it wants.
 */
export function splitPhase(model: Model, phase: Phase): SplitModel | undefined {
  const fixed = new Set(freezing(model, phase).fixed.map(({ path }) => path));
  const isWhole = phase.freeze === 'backbone';
  if (!isWhole && phase.featureViews === 1 && changesImages(phase.augment)) return undefined;
  return splitModel(model, ({ path }) => fixed.has(path));
}
