import { openDataset } from '../data/index.ts';
import { openBackend, type Backend, type BackendOptions } from '../runtime/index.ts';
import {
  parseRecipe,
  readRecipeFile,
  train as trainRecipe,
  type TrainEvent,
  type TrainResult,
} from '../train/index.ts';

/** What is trained, on what, and where the run goes. */
export interface TrainModelOptions extends Pick<BackendOptions, 'device' | 'replicas' | 'threads' | 'log'> {
  /** A recipe file, or its settings. */
  readonly recipe: string | Readonly<Record<string, unknown>>;
  /** Folder of TFRecords with train and val splits. */
  readonly data: string;
  /** The run folder. */
  readonly out: string;
  /** Goes on from the last checkpoint in `out`. */
  readonly resume?: boolean;
  readonly signal?: AbortSignal;
  /** Called for each thing that happens: steps, epochs, phases. */
  readonly onEvent?: (event: TrainEvent) => void;
  /** A backend that is open already; it stays open. */
  readonly backend?: Backend;
}

/**
 * Trains a model as `sepal train` does, without its report: checkpoints and history go to the run folder.
 *
 * @throws RecipeError, DataError or RuntimeError that says what is wrong, before any work is done.
 * @example
 * const { evaluation } = await train({ recipe: 'recipe.yaml', data: 'flowers', out: 'runs/first' });
 * console.log(evaluation.confusion.macroF1);
 */
export async function train(options: TrainModelOptions): Promise<TrainResult> {
  const { recipe: given, data: location, out, resume, signal, onEvent } = options;
  const recipe =
    typeof given === 'string' ? parseRecipe(await readRecipeFile(given), given) : parseRecipe(given, 'recipe');
  const backend = options.backend ?? (await openBackend(options));
  try {
    const open = async (split: 'train' | 'val') =>
      openDataset(location, { split, size: recipe.size, labelsRequired: true, signal });
    await using training = await open('train');
    await using validation = await open('val');
    return await trainRecipe({ recipe, backend, data: { train: training, validation }, out, resume, signal, onEvent });
  } finally {
    if (options.backend === undefined) await backend.close();
  }
}
