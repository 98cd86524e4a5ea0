import { z } from 'zod';
import { stagesOf, type Classifier, type Model } from '../../models/index.ts';
import { isTrainable, layerOf, type ApplySettings, type VariableSpec } from '../../nn/index.ts';
import { RecipeError } from '../errors.ts';

/** Which layers keep their values. */
export const freezeSchema = z
  .string()
  .regex(/^(none|backbone|stages:[1-9]\d*)$/, 'none, backbone (all but the head), or stages:N (the first N)')
  .describe(
    'layers that are not trained: none, backbone (all but the head), or stages:N (the first N of the backbone)',
  );

/** Whose batch-norm statistics stay as they are. */
export const FROZEN_STATISTICS = ['with-layers', 'all', 'none'] as const;
export const frozenStatisticsSchema = z
  .enum(FROZEN_STATISTICS)
  .describe(
    'batch norm that keeps its statistics and normalises by them: that of frozen layers, of the whole backbone, or none',
  );

export interface FreezeSettings {
  readonly freeze: string;
  readonly frozenStatistics: (typeof FROZEN_STATISTICS)[number];
}

/** What moves in training and what stays. */
export interface Freezing extends Pick<ApplySettings, 'frozenLayers' | 'frozenStatistics'> {
  readonly frozenLayers: ReadonlySet<string>;
  readonly frozenStatistics: ReadonlySet<string>;
  /** Variables that the optimiser moves. */
  readonly trained: readonly VariableSpec[];
  /** Statistics that follow the data. */
  readonly moving: readonly VariableSpec[];
  /** Variables and statistics that keep their values. */
  readonly fixed: readonly VariableSpec[];
}

/** Applies the settings to a model. @throws RecipeError `FREEZE` for more stages than the model has. */
export function freezing(model: Model, { freeze, frozenStatistics }: FreezeSettings): Freezing {
  const stages = stagesOf(model);
  const count = freeze === 'backbone' ? stages.count : Number(/^stages:(\d+)$/.exec(freeze)?.[1] ?? 0);
  if (count > stages.count) {
    throw new RecipeError('FREEZE', `${model.name} can't freeze ${count} stages`, {
      expected: `stages:1 to stages:${stages.count}`,
      received: freeze,
    });
  }
  const inBackbone = (path: string) => stages.of(path) !== undefined;
  const isFrozen = (path: string) => (stages.of(path) ?? Infinity) <= count;
  const keepsStatistics = { 'with-layers': isFrozen, all: inBackbone, none: () => false }[frozenStatistics];
  const paths = model.variables.map(({ path }) => path);
  const isFixed = (spec: VariableSpec) => (isTrainable(spec) ? isFrozen(spec.path) : keepsStatistics(spec.path));
  return {
    frozenLayers: new Set(paths.filter(isFrozen).map(layerOf)),
    frozenStatistics: new Set(paths.filter(keepsStatistics).map(layerOf)),
    trained: model.variables.filter((spec) => isTrainable(spec) && !isFixed(spec)),
    moving: model.variables.filter((spec) => !isTrainable(spec) && !isFixed(spec)),
    fixed: model.variables.filter(isFixed),
  };
}

/** The same for the part of the model that is trained on features, in which everything that moves is. */
export function headFreezing(whole: Freezing, { variables }: Pick<Classifier, 'variables'>): Freezing {
  const own = new Set(variables.map(({ path }) => path));
  return { ...whole, fixed: whole.fixed.filter(({ path }) => own.has(path)) };
}
