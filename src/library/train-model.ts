import { requireLocalOut } from '../base/index.ts';
import { openDataset, type Dataset, type Split } from '../data/index.ts';
import { openBackend, type Backend, type BackendOptions } from '../runtime/index.ts';
import {
  parseRecipe,
  RecipeFile,
  train as trainRecipe,
  type Recipe,
  type TrainEvent,
  type TrainingData,
  type TrainResult,
} from '../train/index.ts';

/** What is trained, on what, and where the run goes. */
export interface TrainModelOptions extends Pick<BackendOptions, 'device' | 'replicas' | 'threads' | 'log'> {
  /** A recipe file, or its settings. */
  readonly recipe: string | Readonly<Record<string, unknown>>;
  /** Folder of TFRecords with train and val splits. */
  readonly data: string;
  /** The run folder, on a disk. */
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
 * @throws RecipeError, DataError or RuntimeError that says what is wrong, before any work is done; UsageError `RUN_EXISTS` where
 * `out` holds a run and `resume` isn't set, `OUT` where it is an address.
 * @example
 * const { evaluation } = await train({ recipe: 'recipe.yaml', data: 'flowers', out: 'runs/first' });
 * console.log(evaluation.confusion.macroF1);
 */
export async function train(options: TrainModelOptions): Promise<TrainResult> {
  const { recipe: given, data: location, out, resume, signal, onEvent } = options;
  requireLocalOut(out);
  const recipe = typeof given === 'string' ? await recipeOfFile(given) : parseRecipe(given, 'recipe');
  const backend = options.backend ?? (await openBackend(options));
  const opened: Dataset[] = [];
  const open = async (split: Split, size: number) => {
    const dataset = await openDataset(location, { split, size, labelsRequired: true, signal });
    opened.push(dataset);
    return dataset;
  };
  const atSize = new Map<number, TrainingData>();
  const dataAt = async (size: number): Promise<TrainingData> => {
    const data = atSize.get(size) ?? { train: await open('train', size), validation: await open('val', size) };
    atSize.set(size, data);
    return data;
  };
  try {
    return await trainRecipe({
      recipe,
      backend,
      data: await dataAt(recipe.size),
      dataAt,
      out,
      resume,
      signal,
      onEvent,
    });
  } finally {
    await Promise.all(opened.map(async (dataset) => dataset.close()));
    if (options.backend === undefined) await backend.close();
  }
}

async function recipeOfFile(path: string): Promise<Recipe> {
  const file = await RecipeFile.read(path);
  return parseRecipe(file.value, (setting) => file.placeOf(setting));
}
