import type { VariableSpec } from '../../nn/index.ts';
import { elementCount, formatShape, sameShape, type HostTensor } from '../../xla/index.ts';
import type { Preprocess } from '../preprocess.ts';
import type { Model } from '../registry.ts';
import { checkFinite, checkTypes } from './check-tensors.ts';
import { fromFile } from './placement.ts';
import { float32Of } from './stored-tensor.ts';
import { openTensorFile, type TensorFile } from './tensor-file.ts';
import { WeightsError } from './weights-error.ts';
import { checkArchitecture, type WeightsSource } from './weights-source.ts';
import { headPaths, writtenModel, type WrittenModel } from './written-model.ts';

/** First values of a model's variables. */
export interface LoadedWeights {
  /** float32, by the variable's path. */
  readonly values: ReadonlyMap<string, HostTensor>;
  /** Paths of the variables that the file has no values for: those of a new classifier. */
  readonly fresh: readonly string[];
  /** What these weights expect of their pixels; it takes the place of the model's own. */
  readonly preprocess: Preprocess;
}

/**
 * Reads a file's weights for a model.
 *
 * The whole file is checked first: every tensor there, of the right shape, finite, and none left over. Only the head
 * may differ. Where the number of classes or the head's layers are others than the file's, or the file has no head,
 * the head is new from its first layer that doesn't fit on. What the file's own head is made of has to be known: a file of
 * Sepal says it, any other has the architecture's head, the model's, or in a file of Keras one dense layer of any name. Other
 * layers there, such as two dense ones or batch norm, are refused as left over.
 *
 * @throws WeightsError `WEIGHTS_MISSING`, `WEIGHTS_SHAPE`, `WEIGHTS_EXTRA`, `WEIGHTS_VALUES` with the tensor's name in the file,
 *   `WEIGHTS_OPTIONS` for a model with other options than the weights need, `WEIGHTS_MODEL` for another network.
 */
export async function loadWeights(model: Model, source: WeightsSource): Promise<LoadedWeights> {
  checkOptions(model, source);
  checkArchitecture(model, source);
  const file = await openTensorFile(source.path);
  try {
    const written = writtenModel(model, file);
    const values = readValues(file, written);
    return { ...transfer(model, values, source.path), preprocess: source.preprocess };
  } finally {
    file.close();
  }
}

function checkOptions(model: Model, { name, options, label }: WeightsSource): void {
  for (const [key, value] of Object.entries(options)) {
    if (JSON.stringify(model.options[key]) === JSON.stringify(value)) continue;
    throw new WeightsError(
      'WEIGHTS_OPTIONS',
      `the weights ${label} are of ${name}'s ${model.name}, which has another ${key}`,
      {
        expected: `${key}: ${JSON.stringify(value)}`,
        received: JSON.stringify(model.options[key]),
        hint: `build the model with ${key}: ${JSON.stringify(value)}`,
      },
    );
  }
}

function readValues(file: TensorFile, { variables, placements }: WrittenModel): Map<string, HostTensor> {
  checkTypes(file, { variables, placements });
  const values = new Map<string, HostTensor>();
  for (const { path, shape } of variables) {
    const place = placements.of.get(path);
    if (place === undefined) continue;
    if (place === 'zeros') {
      values.set(path, { shape, dtype: 'float32', data: new Float32Array(elementCount(shape)) });
      continue;
    }
    const stored = file.tensors.get(place.name);
    if (stored === undefined) continue;
    const data = float32Of(stored.read());
    checkFinite(file, place.name, data);
    values.set(path, fromFile(place.layout, { shape: stored.shape, dtype: 'float32', data }, shape));
  }
  return values;
}

function transfer(
  model: Model,
  values: ReadonlyMap<string, HostTensor>,
  file: string,
): Pick<LoadedWeights, 'values' | 'fresh'> {
  const head = headPaths(model);
  const fresh: string[] = [];
  const taken = new Map<string, HostTensor>();
  const last = model.variables.at(-1)?.path.replace(/[^/]*$/, '') ?? '';
  const lastFits = model.variables.filter(({ path }) => path.startsWith(last)).every((spec) => fits(values, spec));
  for (const spec of model.variables) {
    const value = values.get(spec.path);
    const inHead = head.has(spec.path);
    // Behind a layer that is new nothing learned fits any more; a classifier is new as a whole.
    const isNew = fresh.length > 0 || (!lastFits && spec.path.startsWith(last));
    if (value !== undefined && fits(values, spec) && !(inHead && isNew)) taken.set(spec.path, value);
    else if (inHead) fresh.push(spec.path);
    else throw differentFeatures(file, spec, value);
  }
  return { values: taken, fresh };
}

const fits = (values: ReadonlyMap<string, HostTensor>, { path, shape }: VariableSpec): boolean =>
  sameShape(values.get(path)?.shape ?? [NaN], shape);

const differentFeatures = (file: string, spec: VariableSpec, value: HostTensor | undefined): WeightsError =>
  new WeightsError('WEIGHTS_SHAPE', `${file}: the weights don't fit the model's ${spec.path}`, {
    expected: formatShape(spec.shape),
    received: value === undefined ? 'nothing' : formatShape(value.shape),
    hint: 'build the model with the options that the weights were trained with',
  });
