import { add, clamp, erf, mul, relu, sigmoid, type Tensor } from '../xla/index.ts';

/** x · sigmoid(x), also called SiLU. */
export const swish = (x: Tensor): Tensor => mul(x, sigmoid(x));
/** relu cut at 6. */
export const relu6 = (x: Tensor): Tensor => clamp(x, 0, 6);
/** x · Φ(x) with the normal distribution's Φ, by the error function and not by its tanh approximation. */
export const gelu = (x: Tensor): Tensor => mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1));

/** Activations by name, for options. */
export const ACTIVATIONS = { relu, relu6, swish, gelu } as const;
/** Name of an activation. */
export type ActivationName = keyof typeof ACTIVATIONS;
