import { MetricsError } from './errors.ts';
import { pickRows, type LabelledProbabilities } from './probabilities.ts';

/** Means of probabilities: the geometric one trusts a member that is sure that a class is wrong. */
export const MEANS = ['arithmetic', 'geometric'] as const;
/** A way to average probabilities. */
export type Mean = (typeof MEANS)[number];

/** Lower bound of a probability under the logarithm, as float32 softmax may give 0. */
const TINY = 1e-12;

/** What a member adds to the sum over members: its probabilities, or their logarithms. */
export function termsOf(probabilities: ArrayLike<number>, mean: Mean): Float64Array {
  const terms = Float64Array.from(probabilities);
  return mean === 'arithmetic' ? terms : terms.map((p) => Math.log(Math.max(p, TINY)));
}

/**
 * Weighted mean of several models' class probabilities, row-major `[example][class]`; rows sum to 1.
 *
 * A row of zeros is of a picture that a model could not decode: that model is left out of its mean, which is zeros where no model could.
 *
 * @throws MetricsError where sizes differ or weights are negative or all 0.
 */
export function combineProbabilities(
  members: readonly ArrayLike<number>[],
  weights: readonly number[],
  classCount: number,
  mean: Mean = 'arithmetic',
): Float32Array {
  checkWeights(members.length, weights);
  const { length } = members[0];
  if (members.some((member) => member.length !== length)) {
    throw new MetricsError('MEMBERS', 'the members of an ensemble have probabilities of different examples', {
      expected: `${length} numbers each`,
      received: members.map((member) => member.length).join(', '),
    });
  }
  const result = new Float32Array(length);
  const terms = members.map((member) => termsOf(member, mean));
  const sums = new Float64Array(classCount);
  for (let row = 0; row < length; row += classCount) {
    const seeing = [...members.keys()].filter((m) => weights[m] > 0 && isDecoded(members[m], row, classCount));
    const total = seeing.reduce((sum, m) => sum + weights[m], 0);
    sums.fill(0);
    for (const m of seeing) {
      for (let c = 0; c < classCount; c++) sums[c] += (weights[m] / total) * terms[m][row + c];
    }
    if (seeing.length === 0) continue;
    const values = mean === 'geometric' ? sums.map(Math.exp) : sums;
    const whole = values.reduce((sum, value) => sum + value, 0);
    for (let c = 0; c < classCount; c++) result[row + c] = values[c] / whole;
  }
  return result;
}

/** Whether a row that starts there is of a picture that could be decoded: others have zeros. */
function isDecoded(probabilities: ArrayLike<number>, row: number, classCount: number): boolean {
  for (let c = 0; c < classCount; c++) if (probabilities[row + c] !== 0) return true;
  return false;
}

/** Without the examples that could not be decoded, of which nothing is known. */
export function decodedExamples<T extends LabelledProbabilities>(
  data: T,
): T & { readonly probabilities: Float32Array } {
  const { probabilities, labels, classCount } = data;
  const rows = decodedByAll([probabilities], classCount);
  return {
    ...data,
    labels: Int32Array.from(rows, (n) => labels[n]),
    probabilities: pickRows(probabilities, rows, classCount),
  };
}

/** The examples that all models could decode, in order: of the others nothing is known to score or to search by. */
export function decodedByAll(members: readonly ArrayLike<number>[], classCount: number): number[] {
  const count = members[0].length / classCount;
  return Array.from({ length: count }, (_, n) => n).filter((n) =>
    members.every((member) => isDecoded(member, n * classCount, classCount)),
  );
}

function checkWeights(members: number, weights: readonly number[]): void {
  const good =
    weights.every((weight) => Number.isFinite(weight) && weight >= 0) && weights.some((weight) => weight > 0);
  if (members > 0 && weights.length === members && good) return;
  throw new MetricsError('WEIGHTS', 'these are no weights of the members of an ensemble', {
    expected: `${members} numbers of at least 0, not all of them 0`,
    received: weights.join(', ') || 'none',
  });
}
