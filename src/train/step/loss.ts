import { z } from 'zod';
import { UsageError } from '../../base/index.ts';
import { focalFactor, softMacroF1Loss, sparseCategoricalCrossEntropy } from '../../nn/index.ts';
import {
  add,
  constant,
  div,
  expandDims,
  matmul,
  maximum,
  mul,
  oneHot,
  reshape,
  sub,
  sum,
  type Tensor,
} from '../../xla/index.ts';
import { mixLosses, type MixedExamples } from '../augment/index.ts';

/** What training makes small. */
export const lossSchema = z.discriminatedUnion('name', [
  z.strictObject({ name: z.literal('crossEntropy') }),
  z.strictObject({
    name: z.literal('focal'),
    gamma: z.number().positive().max(10).default(2).describe('how much less a sure example counts'),
  }),
  z.strictObject({
    name: z.literal('softF1'),
    share: z
      .number()
      .positive()
      .max(1)
      .default(0.5)
      .describe('of 1 − soft macro F1; the rest is cross-entropy, without which a fresh model learns slowly'),
  }),
]);
export type LossSettings = z.output<typeof lossSchema>;

export const classWeightsSchema = z
  .union([z.literal('balanced'), z.array(z.number().min(0)).min(1)], 'balanced, or a list of numbers, one a class')
  .describe("how much each class's examples count: balanced (by the inverse of its share), or a number a class");
export type ClassWeights = z.output<typeof classWeightsSchema>;

/**
 * The weight of each class; the weights of all examples have the mean 1 when balanced. Without labels, as in a plan, balanced
 * weights are 1.
 *
 * @throws UsageError `CLASS_WEIGHTS` where they are not as many as the classes.
 */
export function classWeightsOf(
  settings: ClassWeights | undefined,
  classes: number,
  labels: ArrayLike<number> | undefined,
): readonly number[] | undefined {
  if (settings === undefined) return undefined;
  if (settings !== 'balanced') {
    if (settings.length === classes) return settings;
    throw new UsageError('CLASS_WEIGHTS', 'every class needs a weight', {
      expected: `${classes} numbers`,
      received: String(settings.length),
    });
  }
  const counts = new Float64Array(classes);
  if (labels === undefined) return [...counts.fill(1)];
  for (let i = 0; i < labels.length; i++) counts[labels[i]]++;
  const present = counts.filter((count) => count > 0).length;
  // Not all labels: some may have no class, of records that are skipped.
  const examples = counts.reduce((total, count) => total + count, 0);
  return [...counts].map((count) => (count === 0 ? 0 : examples / (present * count)));
}

export interface LossInputs {
  readonly logits: Tensor;
  readonly labels: Tensor;
  /** 1 for an example, 0 for padding; float32 [batch]. */
  readonly mask: Tensor;
  /** Examples of all replicas; scalar. */
  readonly examples: Tensor;
  readonly mixed: MixedExamples | undefined;
  readonly replicas: number;
}

export interface TrainingLoss {
  /** This replica's part of what is made small; the parts of all replicas add up. */
  readonly loss: Tensor;
  /** Of each example, 0 for padding: what the history shows. */
  readonly losses: Tensor;
}

/** The loss of a batch. */
export function trainingLoss(
  settings: LossSettings,
  labelSmoothing: number,
  classWeights: readonly number[] | undefined,
  { logits, labels, mask, examples, mixed, replicas }: LossInputs,
): TrainingLoss {
  const classes = logits.shape[1];
  const lossBy = (truth: Tensor): Tensor => {
    const entropy = sparseCategoricalCrossEntropy(logits, truth, labelSmoothing);
    const focused = settings.name === 'focal' ? mul(entropy, focalFactor(logits, truth, settings.gamma)) : entropy;
    return classWeights === undefined ? focused : mul(focused, weightsOf(truth, classWeights));
  };
  const own = lossBy(labels);
  const losses = mul(mixed === undefined ? own : mixLosses(own, lossBy(mixed.partners), mixed.share), mask);
  const mean = div(sum(losses), maximum(examples, 1));
  if (settings.name !== 'softF1') return { loss: mean, losses };
  const hard = oneHot(labels, classes, 'float32');
  const targets =
    mixed === undefined
      ? hard
      : add(
          mul(hard, expandDims(mixed.share, 1)),
          mul(oneHot(mixed.partners, classes, 'float32'), expandDims(sub(1, mixed.share), 1)),
        );
  const soft = softMacroF1Loss(logits, mul(targets, expandDims(mask, 1)), 1 / replicas);
  return { loss: add(mul(mean, 1 - settings.share), mul(soft, settings.share)), losses };
}

/** The weight of each example's class, [batch]. */
function weightsOf(labels: Tensor, weights: readonly number[]): Tensor {
  const column = constant(Float32Array.from(weights), [weights.length, 1], 'float32');
  return reshape(matmul(oneHot(labels, weights.length, 'float32'), column), labels.shape);
}
