import type { Classifier } from '../../models/index.ts';
import { applyNetwork } from '../../nn/index.ts';
import { convert, foldIn, type Tensor } from '../../xla/index.ts';
import { augment, mixExamples, type AugmentSettings } from '../augment/index.ts';
import type { BatchTensors } from './batch-tensors.ts';
import type { Freezing } from '../recipe/freeze.ts';
import { trainingLoss } from './loss.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { Weights } from './train-state.ts';

/** What the forward half of a step is made of. */
export interface ForwardSettings {
  readonly classifier: Classifier;
  readonly recipe: Pick<Recipe, 'loss' | 'labelSmoothing' | 'syncBatchNorm' | 'accumulate' | 'remat'>;
  readonly freezing: Pick<Freezing, 'frozenLayers' | 'frozenStatistics'>;
  /** How much the examples of each class count; all the same where there are none. */
  readonly classWeights?: readonly number[];
  /** Random changes of the images; none for features. */
  readonly augment: AugmentSettings | undefined;
  readonly replicas: number;
}

/** Some rows of a replica's batch and what they are computed with. */
export interface ForwardInputs {
  readonly rows: BatchTensors;
  readonly weights: Weights;
  /** Random key of the step. */
  readonly key: Tensor;
  /** Index in the global batch of the first row; uint32 scalar. */
  readonly firstExample: Tensor;
  /** Examples of the whole batch, over all replicas; scalar. */
  readonly examples: Tensor;
}

/** What the rows give. */
export interface ForwardResult {
  /** Their part of what is made small. */
  readonly loss: Tensor;
  /** Loss of each example, 0 for padding. */
  readonly losses: Tensor;
  readonly logits: Tensor;
  /** What the network was given. */
  readonly input: Tensor;
  /** New values of statistics. */
  readonly updates: Readonly<Record<string, Tensor>>;
}

/** From rows of a batch to their part of the loss: augmentation, preprocessing, network, loss. */
export function forwardPart(
  { classifier, recipe, freezing, classWeights, augment: changes, replicas }: ForwardSettings,
  { rows, weights, key, firstExample, examples }: ForwardInputs,
): ForwardResult {
  const mask = convert(rows.mask, 'float32');
  const draws = { key: foldIn(key, 0), firstExample };
  const augmented = changes === undefined ? rows.images : augment(rows.images, changes, draws);
  const mixed = changes === undefined ? undefined : mixExamples(augmented, rows.labels, mask, changes, draws);
  const input = classifier.prepare(mixed?.images ?? augmented);
  const { output, updates } = applyNetwork(classifier.network, { ...weights.params, ...weights.statistics }, input, {
    training: true,
    key: foldIn(key, 1),
    firstExample,
    syncReplicas: recipe.syncBatchNorm ? replicas : undefined,
    frozenLayers: freezing.frozenLayers,
    frozenStatistics: freezing.frozenStatistics,
    remat: recipe.remat === 'blocks',
  });
  const logits = convert(output, 'float32');
  const parts = { logits, labels: rows.labels, mask, examples, mixed, replicas: replicas * recipe.accumulate };
  return { ...trainingLoss(recipe.loss, recipe.labelSmoothing, classWeights, parts), logits, input, updates };
}
