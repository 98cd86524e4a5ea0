import { abs, constant, iota, matmul, maximum, mul, reshape, sub, type Tensor } from '../../xla/index.ts';

/** Points of the quantile table, and of the integral that it comes from. */
const POINTS = 257;
const INTEGRAL = 20_000;

/**
 * Quantiles of the lesser of t and 1 − t, t from Beta(alpha, alpha): entry i belongs to the probability i / 256.
 *
 * With t = s^(1 / alpha) the density (t (1 − t))^(alpha − 1) loses its pole at 0.
 */
export function lesserQuantiles(alpha: number): Float64Array {
  const end = 0.5 ** alpha;
  const density = (s: number) => (1 - s ** (1 / alpha)) ** (alpha - 1);
  const sums = new Float64Array(INTEGRAL + 1);
  for (let i = 0; i < INTEGRAL; i++) sums[i + 1] = sums[i] + density(((i + 0.5) / INTEGRAL) * end);
  let at = 0;
  return Float64Array.from({ length: POINTS }, (_, i) => {
    const wanted = (i / (POINTS - 1)) * sums[INTEGRAL];
    while (at < INTEGRAL - 1 && sums[at + 1] < wanted) at++;
    const part = (wanted - sums[at]) / (sums[at + 1] - sums[at]);
    return (((at + part) / INTEGRAL) * end) ** (1 / alpha);
  });
}

/** The lesser of t and 1 − t for uniform numbers [batch], by interpolation in the table. */
export function lesserBeta(unit: Tensor, alpha: number): Tensor {
  const [batch] = unit.shape;
  const place = mul(reshape(unit, [batch, 1]), POINTS - 1);
  const weights = maximum(sub(1, abs(sub(place, iota([1, POINTS], 'float32', 1)))), 0);
  const table = constant(Float32Array.from(lesserQuantiles(alpha)), [POINTS, 1], 'float32');
  return reshape(matmul(weights, table), [batch]);
}
