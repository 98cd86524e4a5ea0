import type { Model } from '../models/index.ts';
import { donatedParameters, traceTrees } from '../runtime/index.ts';
import type { Graph, Tensor } from '../xla/index.ts';
import { augment } from './augment/index.ts';
import type { Recipe } from './recipe.ts';
import { batchTypes, evaluationStep, rowsPerReplica, stepInputTypes } from './step.ts';
import { stepProgram } from './step-program.ts';
import { metricTypes, variableTypes } from './train-state.ts';

/** A program of a recipe as one replica runs it. */
export interface RecipeProgram {
  readonly name: string;
  readonly graph: Graph;
  /** Parameters whose memory the outputs take over. */
  readonly donate: readonly number[];
}

/** One step of training: what `sepal train` compiles. */
export function trainingProgram(model: Model, recipe: Recipe, replicas: number): RecipeProgram {
  const { name, body, types, donate } = stepProgram(model, recipe, replicas);
  const { graph, owners } = traceTrees(body, types);
  return { name, graph, donate: donatedParameters(owners, donate) };
}

/** One step of evaluation. */
export function evaluationProgram(model: Model, recipe: Recipe, replicas: number): RecipeProgram {
  const { graph, owners } = traceTrees(evaluationStep(model), [
    metricTypes(model.classes),
    variableTypes(model),
    batchTypes(model, rowsPerReplica(recipe.batchSize, replicas)),
  ]);
  return { name: `${model.name}_evaluate`, graph, donate: donatedParameters(owners, [0]) };
}

/** What a training step does before the network: augmentation and preprocessing alone. */
export function augmentationProgram(model: Model, recipe: Recipe, replicas: number): RecipeProgram {
  const { images } = batchTypes(model, rowsPerReplica(recipe.batchSize, replicas));
  const { key } = stepInputTypes;
  const body = (pixels: Tensor, random: Tensor, firstExample: Tensor) =>
    model.prepare(augment(pixels, recipe.augment, { key: random, firstExample }));
  const { graph } = traceTrees(body, [images, key, { shape: [], dtype: 'uint32' }]);
  return { name: `${model.name}_augment`, graph, donate: [] };
}
