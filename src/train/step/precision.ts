import { z } from 'zod';
import type { ComputeType } from '../../models/index.ts';
import type { Backend } from '../../runtime/index.ts';

/** Policies of mixed precision, by Keras's names. */
export const PRECISIONS = ['auto', 'float32', 'mixed_bfloat16'] as const;
/** A policy of number types. */
export type Precision = (typeof PRECISIONS)[number];

export const precisionSchema = z
  .enum(PRECISIONS)
  .default('auto')
  .describe('what layers compute in; auto is mixed_bfloat16 on TPUs and on NVIDIA GPUs from Ampere on, else float32');

/**
 * What layers compute in under a policy. Parameters, optimiser, batch-norm statistics, softmax and loss are float32 under
 * each of them.
 *
 * A TPU multiplies matrices in bfloat16 anyway; what the policy adds there is activations of half the size. A GPU's matrix units
 * take float32 too, cut to the 10 bits of TF32, at half the rate.
 */
export function computeTypeOf(
  precision: Precision,
  { hasBfloat16Units }: Pick<Backend, 'hasBfloat16Units'>,
): ComputeType {
  if (precision === 'auto') return hasBfloat16Units ? 'bfloat16' : 'float32';
  return precision === 'mixed_bfloat16' ? 'bfloat16' : 'float32';
}
