import { z } from 'zod';
import { stagesOf, type Model } from '../../models/index.ts';

/** Factors on the schedule's learning rate. */
export const ratesSchema = z.strictObject({
  backbone: z.number().min(0).default(1).describe('factor for all layers but the head'),
  layerDecay: z
    .number()
    .positive()
    .max(1)
    .default(1)
    .describe('factor from each stage of the backbone to the one before it; the last one has it once'),
  groups: z
    .array(
      z.strictObject({
        match: z.string().refine(isPattern, 'a regular expression').describe('regular expression on variable paths'),
        factor: z.number().min(0),
      }),
    )
    .default([])
    .describe('factors for variables whose path matches, on top of the others'),
});

export type Rates = z.output<typeof ratesSchema>;

function isPattern(text: string): boolean {
  try {
    return RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}

/** The factor on the learning rate of each variable that doesn't have just the schedule's. */
export function rateFactors(model: Model, { backbone, layerDecay, groups }: Rates): ReadonlyMap<string, number> {
  const stages = stagesOf(model);
  const factors = new Map<string, number>();
  for (const { path } of model.variables) {
    const stage = stages.of(path);
    let factor = stage === undefined ? 1 : backbone * layerDecay ** (stages.count - stage + 1);
    for (const group of groups) if (RegExp(group.match).test(path)) factor *= group.factor;
    if (factor !== 1) factors.set(path, factor);
  }
  return factors;
}
