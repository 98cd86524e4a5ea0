import { MetricsError } from './errors.ts';
import { checkProbabilities, argmax, type LabelledProbabilities } from './probabilities.ts';

/** The predictions whose confidence, the probability of the predicted class, lies in one interval. */
export interface ReliabilityBin {
  /** Interval of confidence: `low` is outside, `high` inside. */
  readonly low: number;
  readonly high: number;
  readonly count: number;
  /** Mean confidence; 0 for an empty bin. */
  readonly confidence: number;
  /** Share of right predictions; 0 for an empty bin. */
  readonly accuracy: number;
}

/** Bins of equal width over 0..1 for a reliability diagram; Guo et al. 2017, arXiv:1706.04599. */
export function reliabilityBins(data: LabelledProbabilities, binCount = 15): ReliabilityBin[] {
  if (!Number.isInteger(binCount) || binCount < 1) {
    throw new MetricsError('BIN_COUNT', 'no such number of bins', {
      expected: 'a whole number of at least 1',
      received: String(binCount),
    });
  }
  checkProbabilities(data);
  const sums = Array.from({ length: binCount }, () => ({ count: 0, confidence: 0, correct: 0 }));
  for (let n = 0; n < data.labels.length; n++) {
    const predicted = argmax(data, n);
    const confidence = data.probabilities[n * data.classCount + predicted];
    const bin = sums[Math.min(binCount, Math.max(1, Math.ceil(confidence * binCount))) - 1];
    bin.count++;
    bin.confidence += confidence;
    if (predicted === data.labels[n]) bin.correct++;
  }
  return sums.map(({ count, confidence, correct }, i) => ({
    low: i / binCount,
    high: (i + 1) / binCount,
    count,
    confidence: count === 0 ? 0 : confidence / count,
    accuracy: count === 0 ? 0 : correct / count,
  }));
}

/** Mean distance between confidence and accuracy, weighted by the bins' counts; 0 is perfectly calibrated. */
export function expectedCalibrationError(bins: readonly ReliabilityBin[]): number {
  let total = 0;
  let distance = 0;
  for (const { count, confidence, accuracy } of bins) {
    total += count;
    distance += count * Math.abs(confidence - accuracy);
  }
  return total === 0 ? 0 : distance / total;
}
