import { join } from 'node:path';
import { buildModel, writeSafetensors } from '../src/models/index.ts';
import type { CheckpointInfo } from '../src/train/index.ts';
import { BEST_FILE, parseRecipe } from '../src/train/index.ts';
import { isTrainable } from '../src/nn/index.ts';
import type { HostTensor } from '../src/xla/index.ts';
import { seededValues } from '../src/train/step/train-state.ts';

export interface UntrainedOptions {
  readonly name?: string;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly size?: number;
  readonly classNames?: readonly string[];
  readonly seed?: number;
}

const RECIPE = {
  epochs: 1,
  batchSize: 8,
  optimizer: { name: 'adam' },
  schedule: { name: 'cosine', rate: 0.01, warmup: 0 },
};

/** Writes a run folder with a model's first, random weights: it knows nothing, but it runs. */
export async function writeUntrainedRun(folder: string, given: UntrainedOptions = {}): Promise<string> {
  const {
    name = 'cnn',
    options = name === 'cnn' ? { depth: 2, width: 4 } : {},
    size = 32,
    classNames = ['daisy', 'rose', 'tulip'],
    seed = 0,
  } = given;
  const model = buildModel({ name, options, classes: classNames.length, size: { height: size, width: size } });
  const value = seededValues(seed);
  const tensors = new Map(
    model.variables.map((spec): [string, HostTensor] => {
      const { path, shape, dtype } = spec;
      return [`${isTrainable(spec) ? 'params' : 'statistics'}/${path}`, { shape, dtype, data: value(spec) }];
    }),
  );
  const info: CheckpointInfo = {
    format: 1,
    model: { name, options: model.options },
    size: model.size,
    classNames: [...classNames],
    preprocess: model.preprocess,
    recipe: parseRecipe({ ...RECIPE, model: { name, options }, size }, 'untrained'),
    examples: 0,
    step: 0,
    epoch: 0,
    phase: { index: 0, epoch: 0, step: 0 },
    best: undefined,
    seconds: 0,
  };
  await writeSafetensors(join(folder, BEST_FILE), tensors, { sepal: JSON.stringify(info) });
  return folder;
}
