import { z } from 'zod';
import { settingProblem, type SettingPlace } from '../base/index.ts';
import { TuneError } from './errors.ts';

/** How values are drawn: each trial by itself, or where the trials so far did well (Bergstra et al. 2011). */
export const SAMPLERS = ['tpe', 'random'] as const;
/** How values of a trial are chosen: `tpe` learns from the trials so far, `random` follows from the seed alone. */
export type Sampler = (typeof SAMPLERS)[number];

/** A recipe's `tune` section. */
export const tuneSchema = z.strictObject({
  ranges: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('settings of the recipe by their path, each with what it may be: 1e-4..1e-2:log, or a list of values'),
  trials: z.int().min(1).max(100_000).default(20),
  seed: z.int().min(0).default(0).describe('of the values that are drawn'),
  sampler: z.enum(SAMPLERS).default('tpe'),
  prune: z.boolean().default(true).describe('end trials that fall behind the others (successive halving)'),
  reductionFactor: z
    .int()
    .min(2)
    .max(100)
    .default(3)
    .describe('one trial of so many goes on at each comparison; the next one is after so many times the epochs'),
  minEpochs: z.int().min(1).max(100_000).default(1).describe('epochs before the first comparison'),
});

/** The `tune` section of a recipe: its ranges and how they are searched. */
export type TuneSettings = z.output<typeof tuneSchema>;

/** Checks a `tune` section. @throws TuneError that names the setting and what it takes. */
export function parseTune(value: unknown, origin: SettingPlace): TuneSettings {
  const parsed = tuneSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { message, details } = settingProblem(tuneSchema, value, parsed.error, origin);
  throw new TuneError('TUNE', message, details);
}
