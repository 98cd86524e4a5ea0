import { splitModel, type Model, type SplitModel } from '../models/index.ts';
import { elementCount } from '../xla/index.ts';
import { changesImages } from './augment/index.ts';
import { freezing } from './freeze.ts';
import type { Phase } from './phase.ts';

/** Most bytes of features that are kept on the host; a model whose features need more is run anew in every step. */
export const FEATURE_BUDGET = 4 * 2 ** 30;

/** How many examples of each split there are, and on how many hosts. */
interface FeatureCounts {
  readonly hosts: number;
  readonly train: number;
  readonly validation: number;
}

/** The model in two, where a phase computes features once; undefined where they change, or don't fit into memory. */
export function featureSplit(
  model: Model,
  phase: Phase,
  { hosts, train, validation }: FeatureCounts,
): SplitModel | undefined {
  // A host that computed features of its own examples would lack those of the others.
  const split = hosts === 1 ? splitPhase(model, phase) : undefined;
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
