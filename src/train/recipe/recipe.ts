import { z } from 'zod';
import { settingProblem, type SettingPlace } from '../../base/index.ts';
import { ModelError, resolveModel } from '../../models/index.ts';
import { augmentSchema } from '../augment/index.ts';
import { divergenceSchema } from '../divergence/divergence.ts';
import { RecipeError } from '../errors.ts';
import { freezeSchema, frozenStatisticsSchema } from './freeze.ts';
import { classWeightsSchema, lossSchema } from '../step/loss.ts';
import { optimizerSchema } from '../step/optimizer.ts';
import { SAMPLINGS } from '../step/order.ts';
import { precisionSchema } from '../step/precision.ts';
import { ratesSchema } from '../step/rates.ts';
import { scheduleSchema } from '../step/schedule.ts';

/** Scores that runs are compared by; higher is better for all but the loss. */
export const MONITORS = ['macroF1', 'accuracy', 'loss'] as const;
/** A validation score that may pick the best weights. */
export type Monitor = (typeof MONITORS)[number];

/** 1 for a score of which more is better, -1 for a loss. */
export const sign = (monitor: Monitor): number => (monitor === 'loss' ? -1 : 1);

/** What is computed again for the gradient instead of kept: nothing, or all of each block but its inputs. */
export const REMATS = ['none', 'blocks'] as const;
/** One of `REMATS`. */
export type Remat = (typeof REMATS)[number];

const epochCount = z.int().min(1).max(100_000);
/** The longest side of images in pixels. */
export const LONGEST_SIDE = 4096;
const imageSize = z.int().min(8).max(LONGEST_SIDE).describe('height and width of the images');
const batchSize = z.int().min(1).max(65_536).describe('images a step, over all replicas');
const labelSmoothing = z.number().min(0).max(0.9);
const clipNorm = z.number().positive().describe('greatest L2 norm of all gradients together');
const featureViews = z
  .int()
  .min(1)
  .max(64)
  .describe(
    'with frozen layers: views of each image whose features are computed once, the first as predictions see it, the others augmented; each epoch trains on the next one',
  );

/** Settings that a phase may have instead of the recipe's. */
const phaseSchema = z.strictObject({
  epochs: epochCount,
  size: imageSize.optional(),
  batchSize: batchSize.optional(),
  freeze: freezeSchema.optional(),
  frozenStatistics: frozenStatisticsSchema.optional(),
  featureViews: featureViews.optional(),
  optimizer: optimizerSchema.optional(),
  schedule: scheduleSchema.optional(),
  rates: ratesSchema.optional(),
  loss: lossSchema.optional(),
  classWeights: classWeightsSchema.optional(),
  sampling: z.enum(SAMPLINGS).optional(),
  labelSmoothing: labelSmoothing.optional(),
  clipNorm: clipNorm.optional(),
  augment: augmentSchema.optional(),
});

/** Everything that a training run is made of, besides the data's place and the device. */
export const recipeSchema = z.strictObject({
  model: z.strictObject({
    name: z.string(),
    options: z.record(z.string(), z.unknown()).default({}),
  }),
  weights: z
    .string()
    .min(1)
    .default('none')
    .describe(
      "what training starts from: none (random), imagenet, noisy-student, hf://OWNER/NAME on Hugging Face's hub, or a file of weights",
    ),
  size: imageSize,
  centerCrop: z
    .number()
    .min(0.25)
    .max(1)
    .optional()
    .describe('share of the sides in the middle of a picture that validation and predictions look at; all by default'),
  epochs: epochCount.optional().describe('in all; left out where there are phases'),
  batchSize,
  accumulate: z
    .int()
    .min(1)
    .max(1024)
    .default(1)
    .describe('parts that each replica takes its share of a batch in, one after the other, in the memory of one'),
  remat: z
    .enum(REMATS)
    .default('none')
    .describe(
      'what is computed again for the gradient, in place of being kept: none, or the insides of the model’s blocks',
    ),
  seed: z.int().min(0).default(0),
  precision: precisionSchema,
  optimizer: optimizerSchema,
  schedule: scheduleSchema,
  rates: ratesSchema.default({ backbone: 1, layerDecay: 1, groups: [] }),
  freeze: freezeSchema.default('none'),
  frozenStatistics: frozenStatisticsSchema.default('with-layers'),
  featureViews: featureViews.default(1),
  ema: z
    .number()
    .positive()
    .lt(1)
    .optional()
    .describe('decay of a moving average of the weights, which is then what is evaluated and saved as the best'),
  loss: lossSchema.default({ name: 'crossEntropy' }),
  classWeights: classWeightsSchema.optional(),
  sampling: z
    .enum(SAMPLINGS)
    .default('shuffle')
    .describe('shuffle: every image once an epoch; balanced: every class equally often, as many images'),
  labelSmoothing: labelSmoothing.default(0),
  clipNorm: clipNorm.optional(),
  augment: augmentSchema.default({ flip: false }),
  syncBatchNorm: z.boolean().default(false).describe('batch-norm statistics over all replicas, not over each one'),
  monitor: z.enum(MONITORS).default('macroF1').describe('the validation score that picks the best weights'),
  earlyStopping: z
    .strictObject({
      patience: z.int().min(1).describe('epochs without a better score after which training ends'),
      minDelta: z.number().min(0).default(0).describe('what counts as better'),
    })
    .optional(),
  onDivergence: divergenceSchema.prefault({}),
  phases: z.array(phaseSchema).min(1).optional().describe('stretches of the run with settings of their own'),
  tune: z.unknown().optional().describe('what sepal tune searches; no part of a run'),
});

/** A recipe with every setting filled in. */
export type Recipe = Omit<z.output<typeof recipeSchema>, 'epochs' | 'tune'> & { readonly epochs: number };

/** Checks a recipe from `origin`, and fills in what it leaves out. @throws RecipeError or ModelError that names the field and what it takes. */
export function parseRecipe(value: unknown, origin: SettingPlace): Recipe {
  const parsed = recipeSchema.safeParse(value);
  if (!parsed.success) {
    const { message, details } = settingProblem(recipeSchema, value, parsed.error, origin);
    throw new RecipeError('RECIPE', message, details);
  }
  const { model, tune: _tune, ...rest } = parsed.data;
  const at = (...path: PropertyKey[]) => (typeof origin === 'string' ? origin : origin(path));
  const options = optionsOf(model, at);
  return { ...rest, epochs: epochsOf(parsed.data, at('epochs')), model: { name: model.name, options } };
}

function optionsOf(model: Recipe['model'], at: (...path: PropertyKey[]) => string): Record<string, unknown> {
  try {
    return resolveModel(model, (path) => `${at('model', 'options', ...path)}: model.options`).options;
  } catch (error) {
    if (!(error instanceof ModelError && error.code === 'MODEL')) throw error;
    const { code, message, hint } = error;
    throw new ModelError(code, `${at('model', 'name')}: ${message}`, { hint });
  }
}

function epochsOf({ epochs, phases }: z.output<typeof recipeSchema>, origin: string): number {
  const sum = phases?.reduce((total, phase) => total + phase.epochs, 0);
  if (sum !== undefined && epochs !== undefined && epochs !== sum) {
    throw new RecipeError('RECIPE', `${origin}: epochs is ${epochs}, its phases have ${sum}`, {
      hint: 'leave epochs out and set those of the phases, such as phases.0.epochs',
    });
  }
  const total = sum ?? epochs;
  if (total !== undefined) return total;
  throw new RecipeError('RECIPE', `${origin}: epochs is missing`, { expected: 'a whole number' });
}
