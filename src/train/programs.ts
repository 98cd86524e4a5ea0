import type { Classifier, Model, SplitModel } from '../models/index.ts';
import { parametersOf, traceTrees } from '../runtime/index.ts';
import type { Graph, Tensor } from '../xla/index.ts';
import { augment } from './augment/index.ts';
import { featuresOf } from './features/features.ts';
import type { Recipe } from './recipe/recipe.ts';
import { batchTypes, evaluationStep, rowsPerReplica, stepInputTypes } from './step/step.ts';
import { stepProgram } from './step/step-program.ts';
import { metricTypes, variableTypes } from './step/train-state.ts';

/** A program of a recipe as one replica runs it. */
export interface RecipeProgram {
  readonly name: string;
  readonly graph: Graph;
  /** Parameters whose memory the outputs take over. */
  readonly donate: readonly number[];
}

/** A recipe, or one of its phases. */
type Settings = Omit<Recipe, 'phases'>;

/** One step of training: what `sepal train` compiles. `head` is what is trained on features that were computed before. */
export function trainingProgram(model: Model, recipe: Settings, replicas: number, head?: Classifier): RecipeProgram {
  const { name, body, types, donate } = stepProgram(model, recipe, replicas, { head });
  const { graph, owners } = traceTrees(body, types);
  return { name, graph, donate: parametersOf(owners, donate) };
}

/** One step of evaluation. */
export function evaluationProgram(
  classifier: Classifier,
  { batchSize }: Pick<Recipe, 'batchSize'>,
  replicas: number,
): RecipeProgram {
  const { graph, owners } = traceTrees(evaluationStep(classifier), [
    metricTypes(classifier.classes),
    variableTypes(classifier),
    batchTypes(classifier, rowsPerReplica(batchSize, replicas)),
  ]);
  return { name: `${classifier.name}_evaluate`, graph, donate: parametersOf(owners, [0]) };
}

/** What a training step does before the network: augmentation and preprocessing alone. */
export function augmentationProgram(model: Model, recipe: Settings, replicas: number): RecipeProgram {
  const { images } = batchTypes(model, rowsPerReplica(recipe.batchSize, replicas));
  const { key } = stepInputTypes;
  const body = (pixels: Tensor, random: Tensor, firstExample: Tensor) =>
    model.prepare(augment(pixels, recipe.augment, { key: random, firstExample }));
  const { graph } = traceTrees(body, [images, key, { shape: [], dtype: 'uint32' }]);
  return { name: `${model.name}_augment`, graph, donate: [] };
}

/** The features of a batch, for a phase that computes them once. */
export function featureProgram(
  model: Model,
  { extractor, backbone }: SplitModel,
  { batchSize }: Pick<Recipe, 'batchSize'>,
  replicas: number,
): RecipeProgram {
  const { images } = batchTypes(model, rowsPerReplica(batchSize, replicas));
  const types = variableTypes({ variables: backbone });
  const { graph } = traceTrees(featuresOf(model.prepareWhole, extractor), [types, images]);
  return { name: `${model.name}_features`, graph, donate: [] };
}
