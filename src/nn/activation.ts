import { add, clamp, convert, erf, mul, relu, sigmoid, type Tensor } from '../xla/index.ts';

/** x · sigmoid(x), also called SiLU. */
export const swish = (x: Tensor): Tensor => mul(x, sigmoid(x));
/** relu cut at 6. */
export const relu6 = (x: Tensor): Tensor => clamp(x, 0, 6);
/** x · Φ(x) with the normal distribution's Φ, by the error function and not by its tanh approximation. */
export function gelu(x: Tensor): Tensor {
  // Below −2 the error function is so near to −1 that 16 bits have no digits for what is left of the sum.
  const wide = x.dtype === 'float64' ? x : convert(x, 'float32');
  const twice = convert(add(erf(mul(wide, Math.SQRT1_2)), 1), x.dtype);
  return mul(mul(x, 0.5), twice);
}

/** Activations by name, for options. */
export const ACTIVATIONS = { relu, relu6, swish, gelu } as const;
/** Name of an activation. */
export type ActivationName = keyof typeof ACTIVATIONS;
