import { MetricsError } from './errors.ts';

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
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const sums = new Float64Array(length);
  for (const [m, member] of members.entries()) {
    const terms = termsOf(member, mean);
    for (let i = 0; i < length; i++) sums[i] += (weights[m] / total) * terms[i];
  }
  return normalized(mean === 'geometric' ? sums.map(Math.exp) : sums, classCount);
}

function normalized(values: Float64Array, classCount: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let row = 0; row < values.length; row += classCount) {
    let total = 0;
    for (let c = 0; c < classCount; c++) total += values[row + c];
    // A picture that could not be decoded has a row of zeros.
    for (let c = 0; c < classCount; c++) result[row + c] = total === 0 ? 0 : values[row + c] / total;
  }
  return result;
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
