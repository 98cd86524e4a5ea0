import { add, logSoftmax, mean, mul, neg, oneHot, sum, type Tensor } from '../xla/index.ts';

/**
 * Cross-entropy of each example: logits [batch, classes], integer labels [batch], result [batch].
 *
 * `labelSmoothing` moves that share of the target from the label to all classes evenly (Szegedy et al. 2016).
 */
export function sparseCategoricalCrossEntropy(logits: Tensor, labels: Tensor, labelSmoothing = 0): Tensor {
  const logProbabilities = logSoftmax(logits);
  const picked = neg(sum(mul(logProbabilities, oneHot(labels, logits.shape[1], logits.dtype)), { axes: [1] }));
  if (labelSmoothing === 0) return picked;
  const even = neg(mean(logProbabilities, { axes: [1] }));
  return add(mul(picked, 1 - labelSmoothing), mul(even, labelSmoothing));
}
