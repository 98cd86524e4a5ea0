import { z } from 'zod';
import { didYouMean, mapTree, type MapLeaves } from '../../base/index.ts';
import {
  buildModel,
  preprocessSchema,
  readSafetensors,
  streamSafetensors,
  WeightsError,
  type ComputeType,
  type Model,
  type TensorSource,
} from '../../models/index.ts';
import { isDeviceArray, type DeviceArray } from '../../runtime/index.ts';
import {
  formatShape,
  isHostTensor,
  isTensorType,
  sameShape,
  type HostTensor,
  type TensorType,
} from '../../xla/index.ts';
import { divergenceRecordSchema } from '../divergence/divergence.ts';
import { CheckpointError } from '../errors.ts';
import { LONGEST_SIDE, parseRecipe, recipeSchema, type Recipe } from '../recipe/recipe.ts';
import type { StateOf, WeightsOf } from '../step/train-state.ts';

/** Version of the files' form; a newer one is refused. */
const FORMAT = 1;

const scoreSchema = z.object({ epoch: z.int(), score: z.number() });

const side = z.int().min(1).max(LONGEST_SIDE);

/** What stands beside the tensors: all that is needed to use the weights, or to go on training, without any other file. */
const infoSchema = z.object({
  format: z.literal(FORMAT),
  model: z.object({ name: z.string(), options: z.record(z.string(), z.unknown()) }),
  size: z.object({ height: side, width: side }),
  classNames: z.array(z.string()),
  preprocess: preprocessSchema,
  recipe: recipeSchema,
  /** Number of training examples, from which the steps of an epoch follow. */
  examples: z.int(),
  /** What tells the images from others; files of older versions have none. */
  data: z
    .object({
      train: z.string(),
      validation: z.string(),
      /** Where the splits train and val were taken together: all their images were trained on, or all but those of a fold. */
      joined: z.enum(['all', 'folds']).optional(),
    })
    .optional(),
  /** Steps done; the place in the data order and the random numbers follow from it and the seed. */
  step: z.int(),
  /** Epochs finished, their validation with them. */
  epoch: z.int(),
  /** The phase that the run is in, and how many epochs and steps were done before it. */
  phase: z.object({ index: z.int(), epoch: z.int(), step: z.int() }),
  /** Best validation score so far and its epoch. */
  best: scoreSchema.optional(),
  /** Epochs whose weights are kept beside the best ones. */
  kept: z.array(scoreSchema).optional(),
  /** Steps whose numbers were not finite, where there were any. */
  divergence: divergenceRecordSchema.optional(),
  /** Seconds of training so far. */
  seconds: z.number(),
});

/** What stands in a checkpoint beside its tensors. */
export type CheckpointInfo = Omit<z.output<typeof infoSchema>, 'recipe'> & { readonly recipe: Recipe };

/** Everything a run needs to go on, or only the weights. */
export interface Checkpoint {
  readonly path: string;
  readonly info: CheckpointInfo;
  readonly tensors: ReadonlyMap<string, HostTensor>;
  /** Texts of the file, by name; the info is one of them. */
  readonly metadata: Readonly<Record<string, string>>;
}

type Saved = DeviceArray | HostTensor;

/** An array of the state, wherever it is. */
const isSaved = (value: unknown): value is Saved => isDeviceArray(value) || isHostTensor(value);

/**
 * Saves the whole state with what is frozen, to go on from; tensors are called `params/…`, `statistics/…`, `slots/…`,
 * `ema/…`, `metrics/…`, `step`, `updates`.
 */
export async function saveState(
  path: string,
  state: StateOf<Saved>,
  info: CheckpointInfo,
  beforeSwap?: () => Promise<void>,
): Promise<void> {
  await save(path, state, info, beforeSwap);
}

/** Saves what inference needs: variables and statistics. */
export async function saveWeights(
  path: string,
  { params, statistics }: WeightsOf<Saved>,
  info: CheckpointInfo,
): Promise<void> {
  await save(path, { params, statistics }, info);
}

async function save(
  path: string,
  state: unknown,
  info: CheckpointInfo,
  beforeSwap?: () => Promise<void>,
): Promise<void> {
  await streamSafetensors(path, sourcesOf(state), { sepal: JSON.stringify(info) }, beforeSwap);
}

/** The arrays of a tree by name, each to be brought to the host when its turn comes. */
export function sourcesOf(tree: unknown): Map<string, TensorSource> {
  const sources = new Map<string, TensorSource>();
  mapTree(tree, isSaved, (saved, name) => {
    const { shape, dtype } = saved;
    sources.set(name, { shape, dtype, read: async () => (isDeviceArray(saved) ? saved.toHost() : saved.data) });
  });
  return sources;
}

/** Reads a checkpoint. @throws CheckpointError if it is not whole or was not written by us. */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const { tensors, metadata } = await readSafetensors(path).catch((cause: unknown) => {
    throw cause instanceof WeightsError ? unreadable(cause) : cause;
  });
  if (metadata.sepal === undefined) {
    throw new CheckpointError('CHECKPOINT_FOREIGN', `${path} holds weights, but not the model that they belong to`, {
      hint: 'give a file that sepal train wrote, such as best.safetensors in a run folder',
    });
  }
  let json: unknown;
  try {
    json = JSON.parse(metadata.sepal);
  } catch (cause) {
    throw new CheckpointError('CHECKPOINT_CORRUPT', `${path}: its description is no JSON`, { cause });
  }
  const info = infoSchema.safeParse(json);
  if (!info.success) {
    const [issue] = info.error.issues;
    throw new CheckpointError('CHECKPOINT_FORMAT', `${path}: ${issue.path.join('.')}: ${issue.message}`, {
      hint: 'it may have been written by another version of Sepal',
    });
  }
  return { path, info: { ...info.data, recipe: parseRecipe(info.data.recipe, path) }, tensors, metadata };
}

/** The same error about a checkpoint: `WEIGHTS_CORRUPT` becomes `CHECKPOINT_CORRUPT`. */
function unreadable({ code, message, expected, received, cause }: WeightsError): CheckpointError {
  const hint = code === 'WEIGHTS_FILE' ? 'is it the right run folder?' : undefined;
  return new CheckpointError(code.replace('WEIGHTS', 'CHECKPOINT'), message, { expected, received, hint, cause });
}

/** The model that a checkpoint's weights belong to; it computes in float32 unless told otherwise. */
export function modelOf({ info }: Checkpoint, computeType?: ComputeType): Model {
  const { model, classNames, size, preprocess } = info;
  return buildModel({ ...model, classes: classNames.length, size, preprocess, computeType });
}

/** The tensors of a checkpoint that stand at the places of a tree of types. @throws CheckpointError where one doesn't fit. */
export function tensorsOf<T>(checkpoint: Checkpoint, types: T): MapLeaves<T, TensorType, HostTensor> {
  return mapTree(types, isTensorType, (type, name) => takeTensor(checkpoint, name, type));
}

function takeTensor({ path, tensors }: Checkpoint, name: string, { shape, dtype }: TensorType): HostTensor {
  const tensor = tensors.get(name);
  if (tensor === undefined) {
    throw new CheckpointError('CHECKPOINT_TENSOR', `${path} has no tensor ${name}`, {
      hint: didYouMean(name, tensors.keys()),
    });
  }
  if (tensor.dtype !== dtype || !sameShape(tensor.shape, shape)) {
    throw new CheckpointError('CHECKPOINT_TENSOR', `${path}: tensor ${name} doesn't fit the model`, {
      expected: `${dtype}${formatShape(shape)}`,
      received: `${tensor.dtype}${formatShape(tensor.shape)}`,
    });
  }
  return tensor;
}
