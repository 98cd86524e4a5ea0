import { convOfFewChannels } from './cpu-conv.ts';
import { depthwiseConv, depthwiseInputGradient, depthwiseKernelGradient } from './cpu-depthwise.ts';
import { joinOntoJoined } from './cpu-join.ts';
import {
  convKernelGradientAsDots,
  convKernelGradientByImage,
  convKernelGradientOfFewChannels,
  convKernelGradientOfFewOutputs,
} from './cpu-kernel-gradient.ts';
import { pointwiseConv, pointwiseInputGradient, pointwiseKernelGradient } from './cpu-pointwise.ts';
import { windowMaxGradientByIndex } from './cpu-pool.ts';
import { convInputGradientOfSmallMap, convKernelGradientOfSmallMap, convOfSmallMap } from './cpu-small-maps.ts';
import { sumOfRows } from './cpu-sums.ts';
import { winogradConv, winogradInputGradient, winogradKernelGradient } from './cpu-winograd.ts';
import { firstOf, type RewriteTable } from './rewrite.ts';

/**
 * Forms of ops that XLA compiles well for CPUs, where its own choice for the plain op is slow.
 *
 * Each rule says what it gains; a rule returns undefined where the plain op is as good.
 */
export const CPU_REWRITES: RewriteTable = {
  conv: firstOf(pointwiseConv, depthwiseConv, convOfFewChannels, winogradConv, convOfSmallMap),
  convInputGradient: firstOf(
    pointwiseInputGradient,
    depthwiseInputGradient,
    winogradInputGradient,
    convInputGradientOfSmallMap,
  ),
  convKernelGradient: firstOf(
    pointwiseKernelGradient,
    depthwiseKernelGradient,
    winogradKernelGradient,
    convKernelGradientOfSmallMap,
    convKernelGradientOfFewOutputs,
    convKernelGradientByImage,
    convKernelGradientAsDots,
    convKernelGradientOfFewChannels,
  ),
  concatenate: joinOntoJoined,
  reduce: sumOfRows,
  windowMaxGradient: windowMaxGradientByIndex,
};
