import { customGradient } from './control.ts';
import { add, clamp, convert, div, exp, mul, neg, square } from './elementwise.ts';
import type { Tensor } from './ir.ts';

/** Where the function comes within half a unit of the last place of 1, in float32. */
const LIMIT = 3.832506856900711;

/** Coefficients from the highest power down: erf(x) = x · P(x²) / Q(x²), the approximation that XLA has for float32. */
const NUMERATOR = [
  0.00022905065861350646, 0.0034082910107109507, 0.05095569506238086, 0.18520832239976145, 1.128379143519084,
];
const DENOMINATOR = [
  -1.1791602954361697e-7, 2.3547966471313183e-5, 0.0010179625278914884, 0.014070470171167667, 0.11098505178285362,
  0.49746925110067536, 1,
];

/**
 * The error function 2/√π ∫₀ˣ e^−t² dt, within 4e-7, computed in float32 where `x` is narrower.
 *
 * StableHLO has no such op. The gradient is the exact one, not that of the approximation.
 */
export function erf(x: Tensor): Tensor {
  const wide = x.dtype === 'float64' ? x : convert(x, 'float32');
  const inside = clamp(wide, -LIMIT, LIMIT);
  const squared = square(inside);
  const ratio = div(mul(inside, polynomial(NUMERATOR, squared)), polynomial(DENOMINATOR, squared));
  // Where a device joins products and sums, the quotient may be the number above 1.
  const value = convert(clamp(ratio, -1, 1), x.dtype);
  const [result] = customGradient([value], [x], ([gradient]) => [
    mul(gradient, convert(mul(exp(neg(square(wide))), 2 / Math.sqrt(Math.PI)), x.dtype)),
  ]);
  return result;
}

/** Horner's scheme. */
function polynomial([first, ...rest]: readonly number[], x: Tensor): Tensor {
  const [second, ...lower] = rest;
  return lower.reduce((sum, coefficient) => add(mul(sum, x), coefficient), add(mul(x, first), second));
}
