import { expectedCalibrationError, reliabilityBins } from './calibration.ts';
import { checkProbabilities, type LabelledProbabilities } from './probabilities.ts';

/** Temperatures that are tried, as logarithms. */
const LOW = Math.log(0.05);
const HIGH = Math.log(20);
const TINY = 1e-12;
/** Stands for a probability of 0: the least normal number of float32, so that what a softmax gave above it keeps its logit. */
const LEAST = 2 ** -126;

/** Probabilities at a temperature: above 1 less sure, below 1 more; the order of the classes stays. */
export function scaleByTemperature(
  probabilities: ArrayLike<number>,
  classCount: number,
  temperature: number,
): Float32Array {
  const scaled = new Float32Array(probabilities.length);
  for (let row = 0; row < scaled.length; row += classCount) {
    let top = 0;
    for (let c = 0; c < classCount; c++) top = Math.max(top, probabilities[row + c]);
    // A picture that could not be decoded has a row of zeros.
    if (top === 0) continue;
    let total = 0;
    for (let c = 0; c < classCount; c++) {
      const value = Math.exp(logitOf(probabilities[row + c], top) / temperature);
      scaled[row + c] = value;
      total += value;
    }
    for (let c = 0; c < classCount; c++) scaled[row + c] /= total;
  }
  return scaled;
}

/** The logit of a probability, where the greatest one's is 0. */
const logitOf = (probability: number, greatest: number): number => Math.log(Math.max(probability, LEAST) / greatest);

/** Mean of −log of the labels' probabilities, of which none counts as less than 1e-12. */
export function logLoss({ probabilities, labels, classCount }: LabelledProbabilities): number {
  let total = 0;
  for (let n = 0; n < labels.length; n++) total -= Math.log(Math.max(probabilities[n * classCount + labels[n]], TINY));
  return total / Math.max(1, labels.length);
}

/**
 * Mean log loss at a temperature, with no probability cut off: it has one minimum, as it is convex in 1 / temperature. With a
 * bound, being wrong would cost no more below some temperature, and that would be another minimum.
 */
function exactLoss({ probabilities, labels, classCount }: LabelledProbabilities, temperature: number): number {
  let total = 0;
  for (let n = 0; n < labels.length; n++) {
    const first = n * classCount;
    let top = 0;
    for (let c = 0; c < classCount; c++) top = Math.max(top, probabilities[first + c]);
    if (top === 0) continue;
    let sum = 0;
    for (let c = 0; c < classCount; c++) sum += Math.exp(logitOf(probabilities[first + c], top) / temperature);
    total += Math.log(sum) - logitOf(probabilities[first + labels[n]], top) / temperature;
  }
  return total / Math.max(1, labels.length);
}

/** What a temperature does to probabilities that are too sure, or not sure enough. */
export interface Calibration {
  readonly temperature: number;
  /** Expected calibration error before and after. */
  readonly errorBefore: number;
  readonly errorAfter: number;
  readonly lossBefore: number;
  readonly lossAfter: number;
}

/** The temperature with the least log loss on these examples (Guo et al. 2017), found by golden section. */
export function fitTemperature(data: LabelledProbabilities): Calibration {
  checkProbabilities(data);
  const { labels, classCount } = data;
  const at = (temperature: number) => ({
    probabilities: scaleByTemperature(data.probabilities, classCount, temperature),
    labels,
    classCount,
  });
  const lossAt = (logarithm: number) => exactLoss(data, Math.exp(logarithm));
  const golden = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [LOW, HIGH];
  let [a, b] = [high - golden * (high - low), low + golden * (high - low)];
  let [lossA, lossB] = [lossAt(a), lossAt(b)];
  while (high - low > 1e-4) {
    if (lossA < lossB) {
      [high, b, lossB] = [b, a, lossA];
      a = high - golden * (high - low);
      lossA = lossAt(a);
    } else {
      [low, a, lossA] = [a, b, lossB];
      b = low + golden * (high - low);
      lossB = lossAt(b);
    }
  }
  const temperature = labels.length === 0 ? 1 : Math.exp((low + high) / 2);
  const error = (each: LabelledProbabilities) => expectedCalibrationError(reliabilityBins(each));
  const scaled = at(temperature);
  return {
    temperature,
    errorBefore: error(data),
    errorAfter: error(scaled),
    lossBefore: logLoss(data),
    lossAfter: logLoss(scaled),
  };
}
