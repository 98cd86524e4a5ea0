import { convKernelGradientAsDots, convOfFewChannels } from './cpu-conv.ts';
import { windowMaxGradientByIndex } from './cpu-pool.ts';
import type { RewriteTable } from './rewrite.ts';

/**
 * Forms of ops that XLA compiles well for CPUs, where its own choice for the plain op is slow.
 *
 * Each rule says what it gains; a rule returns undefined where the plain op is as good.
 */
export const CPU_REWRITES: RewriteTable = {
  conv: convOfFewChannels,
  convKernelGradient: convKernelGradientAsDots,
  windowMaxGradient: windowMaxGradientByIndex,
};
