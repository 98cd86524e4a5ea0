import type { Dataset } from '../data/index.ts';
import {
  buildModel,
  loadWeights,
  resolveModel,
  resolveWeights,
  type ComputeType,
  type Model,
  type ModelRequest,
  type TransferOptions,
  type WeightsSource,
} from '../models/index.ts';
import type { VariableSpec } from '../nn/index.ts';
import { elementCount, type HostTensor } from '../xla/index.ts';
import type { Recipe } from './recipe/recipe.ts';
import { initialWeights, seededValues, type WeightsOf } from './step/train-state.ts';

/** A model and the values that its training begins with. */
export interface Start {
  readonly model: Model;
  readonly weights: WeightsOf<HostTensor>;
  /** Where the values come from; undefined for random ones. */
  readonly source: WeightsSource | undefined;
  /** Variables that are random: all without a source, else those of a new head. */
  readonly fresh: readonly string[];
}

/** What a recipe says of its model, for data of some classes and size. */
export function modelRequest(
  { model, centerCrop }: Pick<Recipe, 'model' | 'centerCrop'>,
  data: Pick<ModelRequest, 'classes' | 'size' | 'computeType'>,
): ModelRequest {
  return { ...model, centerCrop, ...data };
}

/** Builds a recipe's model for a data set and gives it its first values. @throws WeightsError where the weights don't fit. */
export async function startOf(
  recipe: Recipe,
  { classNames, size }: Pick<Dataset, 'classNames' | 'size'>,
  options: TransferOptions & { readonly computeType?: ComputeType } = {},
): Promise<Start> {
  const random = seededValues(recipe.seed);
  const request = modelRequest(recipe, { classes: classNames.length, size, computeType: options.computeType });
  const source = await resolveWeights(recipe.model.name, recipe.weights, options);
  if (source === undefined) {
    const model = buildModel(request);
    return { model, weights: initialWeights(model, random), source, fresh: model.variables.map(({ path }) => path) };
  }
  const model = buildModel({ ...request, options: withNeeded(recipe.model, source), preprocess: source.preprocess });
  const { values, fresh } = await loadWeights(model, source);
  const last = model.variables.findLast(({ role }) => role === 'kernel');
  return {
    model,
    weights: initialWeights(
      model,
      (spec) => values.get(spec.path)?.data ?? (spec === last ? none(spec) : random(spec)),
    ),
    source,
    fresh,
  };
}

/**
 * A new classifier on pretrained features begins with zeros (Kolesnikov et al. 2020, BiT): all classes are as likely, and
 * what flows back at first comes from the images. Keras's random values are so large for few classes that training
 * spends its first epochs on forgetting them.
 */
const none = ({ shape }: VariableSpec): Float32Array => new Float32Array(elementCount(shape));

/** The options that the weights need take the place of defaults; one that the user chose stays, and is refused where it doesn't fit. */
function withNeeded({ name, options }: Recipe['model'], source: WeightsSource): Record<string, unknown> {
  const defaults = resolveModel({ name }).options;
  const isDefault = ([key]: readonly [string, unknown]) =>
    JSON.stringify(options[key]) === JSON.stringify(defaults[key]);
  return { ...options, ...Object.fromEntries(Object.entries(source.options).filter(isDefault)) };
}
