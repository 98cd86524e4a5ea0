import { buildModel, type Model } from '../../models/index.ts';
import type { Backend } from '../../runtime/index.ts';
import { sameShape } from '../../xla/index.ts';
import { TrainingError } from '../errors.ts';
import { featureSplit } from '../features/feature-split.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { inOrderOf } from './in-order-of.ts';
import { phasesOf } from './phase.ts';
import { checkRun, type TrainingData } from '../run/run-check.ts';
import { rowsPerReplica } from '../step/step.ts';
import { stepProgram } from '../step/step-program.ts';

/** Where the data of a run's phases comes from. */
export interface PhaseData {
  readonly recipe: Recipe;
  readonly backend: Backend;
  readonly data: TrainingData;
  /** The same data at another size, for phases that have one; the caller closes it. */
  readonly dataAt?: (size: number) => Promise<TrainingData>;
}

/** Refuses phases that would fail when their turn comes, which may be hours later. @throws UsageError or TrainingError. */
export function checkPhases({ recipe, backend, dataAt }: PhaseData): void {
  for (const { size, batchSize } of phasesOf(recipe)) {
    rowsPerReplica(batchSize, backend.replicas);
    if (size !== recipe.size && dataAt === undefined) throw noDataAt(size);
  }
}

/**
 * Refuses settings of phases that don't fit their models, before any phase has taken hours. `models` has one for each phase.
 *
 * @throws UsageError or RecipeError.
 */
export function checkSteps(
  models: readonly Model[],
  { recipe, backend, data: { train, validation } }: PhaseData,
): void {
  const counts = { train: train.count, validation: validation.count };
  for (const phase of phasesOf(recipe)) {
    const model = models[phase.index];
    const head = featureSplit(model, phase, counts)?.head;
    stepProgram(model, phase, backend.replicas, { head, labels: train.labels });
  }
}

const noDataAt = (size: number): TrainingError =>
  new TrainingError('SIZE', `there is no data of ${size} px for a phase of that size`);

/** The data at the size of a phase. @throws UsageError or TrainingError where it doesn't fit. */
export async function dataOf(
  phase: Pick<Recipe, 'size' | 'batchSize'>,
  { recipe, backend, data, dataAt }: PhaseData,
): Promise<TrainingData> {
  if (phase.size === recipe.size && phase.batchSize === recipe.batchSize) return data;
  const sized = phase.size === recipe.size ? data : await dataAt?.(phase.size);
  if (sized === undefined) throw noDataAt(phase.size);
  checkRun(phase, backend.replicas, sized);
  return {
    ...sized,
    train: inOrderOf(data.train, sized.train),
    validation: inOrderOf(data.validation, sized.validation),
  };
}

/** A model for images of another size, with the same weights. @throws TrainingError where they depend on the size. */
export function modelAt(model: Model, side: number): Model {
  if (model.size.height === side && model.size.width === side) return model;
  const { name, options, classes, preprocess, computeType } = model;
  const size = { height: side, width: side };
  const sized = buildModel({ name, options, classes, preprocess, computeType, size });
  const differs = sized.variables.find(({ shape }, i) => !sameShape(shape, model.variables[i].shape));
  if (differs === undefined) return sized;
  throw new TrainingError(
    'SIZE',
    `${name} can't go on at ${side} px: its variable ${differs.path} depends on the size`,
    {
      hint: 'phases of several sizes need a model that ends in global pooling',
    },
  );
}
