import {
  add,
  allReduce,
  convert,
  div,
  exp,
  formatShape,
  greater,
  logSoftmax,
  maximum,
  mean,
  mul,
  neg,
  oneHot,
  pow,
  sameShape,
  ShapeError,
  sub,
  sum,
  type Tensor,
} from '../xla/index.ts';

/**
 * Cross-entropy of each example: logits [batch, classes], integer labels [batch], result [batch].
 *
 * `labelSmoothing` moves that share of the target from the label to all classes evenly (Szegedy et al. 2016).
 */
export function sparseCategoricalCrossEntropy(logits: Tensor, labels: Tensor, labelSmoothing = 0): Tensor {
  // Labels of another shape would broadcast: [batch, 1] to the loss of every label for every example.
  if (logits.rank !== 2 || !sameShape(labels.shape, logits.shape.slice(0, 1))) {
    throw new ShapeError(
      `sparseCategoricalCrossEntropy: logits ${formatShape(logits.shape)} and labels ${formatShape(labels.shape)}`,
      { expected: 'logits [batch, classes] and labels [batch]' },
    );
  }
  const logProbabilities = logSoftmax(logits);
  const picked = neg(sum(mul(logProbabilities, oneHot(labels, logits.shape[1], logits.dtype)), { axes: [1] }));
  if (labelSmoothing === 0) return picked;
  const even = neg(mean(logProbabilities, { axes: [1] }));
  return add(mul(picked, 1 - labelSmoothing), mul(even, labelSmoothing));
}

/** Least distance of a probability from 1 in the focal factor, whose slope is without bound there for a gamma below 1. */
const TINY = 1e-6;

/**
 * How much each example counts in the focal loss (Lin et al. 2017), [batch]: (1 − p)^gamma, p being the probability of its
 * label; cross-entropy times this is the loss.
 */
export function focalFactor(logits: Tensor, labels: Tensor, gamma: number): Tensor {
  const p = exp(neg(sparseCategoricalCrossEntropy(logits, labels)));
  return pow(maximum(sub(1, p), TINY), gamma);
}

/**
 * 1 − macro F1 with probabilities in place of decisions, a scalar: logits [batch, classes], targets [batch, classes] whose
 * rows sum to 1, or to 0 for padding. Counts are taken over all replicas, so that it is the same on any number of them;
 * each replica's loss is its `share`, 1 / replicas, of it. The mean runs over the classes that occur in the batch.
 */
export function softMacroF1Loss(logits: Tensor, targets: Tensor, share: number): Tensor {
  const counted = sum(targets, { axes: [1], keepDims: true });
  const probabilities = mul(exp(logSoftmax(logits)), counted);
  const byClass = (x: Tensor) => sum(x, { axes: [0] });
  const [hits, predicted, support] = allReduce([
    byClass(mul(probabilities, targets)),
    byClass(probabilities),
    byClass(targets),
  ]);
  const f1 = div(mul(hits, 2), maximum(add(predicted, support), TINY));
  const present = convert(greater(support, 0), 'float32');
  const macro = div(sum(mul(f1, present)), maximum(sum(present), 1));
  return mul(sub(1, macro), share);
}
