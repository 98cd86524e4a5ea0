import { checkClass, checkClassCount, MetricsError } from './errors.ts';

/** Class probabilities of some examples and what the examples are. */
export interface LabelledProbabilities {
  /** Row-major `[example][class]`. */
  readonly probabilities: ArrayLike<number>;
  /** One class index an example. */
  readonly labels: ArrayLike<number>;
  readonly classCount: number;
}

/**
 * Share of the examples whose label is among the `k` most probable classes; 0 for no examples.
 *
 * Of equally probable classes the lower index comes first, as in argmax, so top-1 accuracy agrees with the confusion counts.
 */
export function topKAccuracy(data: LabelledProbabilities, k: number): number {
  if (!Number.isInteger(k) || k < 1) {
    throw new MetricsError('TOP_K', 'no such top-k accuracy', {
      expected: 'k as a whole number of at least 1',
      received: String(k),
    });
  }
  checkProbabilities(data);
  const { probabilities, labels, classCount } = data;
  let correct = 0;
  for (let n = 0; n < labels.length; n++) {
    const row = n * classCount;
    const own = probabilities[row + labels[n]];
    let before = 0;
    for (let c = 0; c < classCount; c++) {
      const other = probabilities[row + c];
      if (other > own || (other === own && c < labels[n])) before++;
    }
    if (before < k) correct++;
  }
  return labels.length === 0 ? 0 : correct / labels.length;
}

/** The probabilities of some examples, in that order. */
export function pickRows(
  probabilities: ArrayLike<number>,
  examples: readonly number[],
  classCount: number,
): Float32Array {
  const rows = new Float32Array(examples.length * classCount);
  for (const [row, n] of examples.entries()) {
    for (let c = 0; c < classCount; c++) rows[row * classCount + c] = probabilities[n * classCount + c];
  }
  return rows;
}

/** Index of the most probable class of example `n`; the lowest one of equals. */
export function argmax({ probabilities, classCount }: LabelledProbabilities, n: number): number {
  let best = 0;
  for (let c = 1; c < classCount; c++) {
    if (probabilities[n * classCount + c] > probabilities[n * classCount + best]) best = c;
  }
  return best;
}

/** @throws MetricsError where the sizes disagree, a label is out of range or a probability is outside 0..1. */
export function checkProbabilities({ probabilities, labels, classCount }: LabelledProbabilities): void {
  checkClassCount(classCount);
  if (probabilities.length !== labels.length * classCount) {
    throw new MetricsError('PROBABILITIES_SHAPE', 'probabilities and labels differ in number', {
      expected: `${labels.length * classCount} probabilities (${labels.length} examples x ${classCount} classes)`,
      received: String(probabilities.length),
    });
  }
  for (let n = 0; n < labels.length; n++) checkClass(labels[n], classCount, `label of example ${n}`);
  for (let i = 0; i < probabilities.length; i++) {
    // Softmax in float32 may exceed 1 by rounding.
    if (probabilities[i] >= 0 && probabilities[i] <= 1 + 1e-5) continue;
    const [n, c] = [Math.floor(i / classCount), i % classCount];
    throw new MetricsError('PROBABILITIES_VALUE', `class ${c} of example ${n} has no probability`, {
      expected: 'a number from 0 to 1',
      received: String(probabilities[i]),
      hint: 'a model whose loss became NaN predicts NaN; take a checkpoint from before that',
    });
  }
}
