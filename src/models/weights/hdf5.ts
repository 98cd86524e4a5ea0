import { Dataset, File, Group, ready } from 'h5wasm/node';
import { byteSize, elementCount, hostArray, type DType, type HostArray, type HostTensor } from '../../xla/index.ts';
import { arrayOf, type StoredTensor } from './stored-tensor.ts';
import { WeightsError } from './weights-error.ts';

/** A layer of a Keras model in a file, with its tensors in the order of the layer's `weights`. */
export interface KerasLayer {
  readonly name: string;
  readonly tensors: readonly KerasTensor[];
}

export interface KerasTensor {
  /** Its place in the file. */
  readonly name: string;
  /** Which variable of the layer it is: the variable's name, or its number where the file has no names. */
  readonly slot: string;
  readonly tensor: StoredTensor;
}

/** A Keras weight file; its tensors can be read until it is closed. */
export interface KerasFile {
  /** In the order of the model where the file has one. */
  readonly layers: readonly KerasLayer[];
  /** Whether `layers` has the model's order. */
  readonly ordered: boolean;
  /** What Sepal wrote beside the weights. */
  readonly note?: string;
  readonly close: () => void;
}

/** Attribute of the file that holds a text of ours. */
export const NOTE_ATTRIBUTE = 'sepal';

/**
 * Opens a Keras weight file: `.h5` (a group a layer, whose attribute `weight_names` lists its tensors), `.h5` of a whole
 * model, or `.weights.h5` of Keras 3 (`layers/conv2d_3/vars/0`, where an attribute of `vars` has the layer's name).
 *
 * @throws WeightsError `WEIGHTS_CORRUPT` for what is no HDF5 file or not whole, `WEIGHTS_FORMAT` for one of another kind.
 */
export async function openKerasFile(path: string): Promise<KerasFile> {
  const library = await ready;
  // Otherwise it prints its errors and goes on.
  library.activate_throwing_error_handler();
  const file = guarded(path, () => new File(path, 'r'));
  const close = () => void file.close();
  try {
    return guarded(path, () => {
      const value = file.attrs[NOTE_ATTRIBUTE]?.value;
      const note = typeof value === 'string' ? value : undefined;
      const whole = file.get('model_weights');
      const root = whole instanceof Group ? whole : file;
      if ('layer_names' in root.attrs || 'layer_names0' in root.attrs) {
        return { layers: legacyLayers(path, root), ordered: true, note, close };
      }
      return { layers: namedLayers(path, root), ordered: false, note, close };
    });
  } catch (error) {
    close();
    throw error;
  }
}

function legacyLayers(path: string, root: Group): KerasLayer[] {
  return textAttribute(root, 'layer_names').map((name) => {
    const group = root.get(name);
    if (!(group instanceof Group)) throw corrupt(path, `layer ${name} is missing`);
    const tensors = textAttribute(group, 'weight_names').map((weight) => {
      const dataset = group.get(weight);
      if (!(dataset instanceof Dataset)) throw corrupt(path, `tensor ${weight} of layer ${name} is missing`);
      return { name: weight, slot: slotOf(weight), tensor: storedTensor(path, weight, dataset) };
    });
    return { name, tensors };
  });
}

/** `conv1_conv/kernel:0` → `kernel`. */
const slotOf = (weight: string): string => weight.slice(weight.lastIndexOf('/') + 1).replace(/:\d+$/, '');

/** A list of texts, which Keras splits into several attributes where it is long: `layer_names0`, `layer_names1`, … */
function textAttribute(group: Group, name: string): string[] {
  const { attrs } = group;
  const parts = name in attrs ? [attrs[name]] : Object.keys(attrs).filter((key) => key.startsWith(name)).toSorted(byNumber).map((key) => attrs[key]); // prettier-ignore
  return parts.flatMap(({ value }) => (Array.isArray(value) ? value.map(String) : []));
}

const byNumber = (a: string, b: string): number => Number(a.replaceAll(/\D/g, '')) - Number(b.replaceAll(/\D/g, ''));

function namedLayers(path: string, root: Group): KerasLayer[] {
  const layers: KerasLayer[] = [];
  const visit = (group: Group, place: string): void => {
    for (const key of group.keys()) {
      const child = group.get(key);
      if (!(child instanceof Group)) continue;
      const inner = `${place}${key}`;
      if (key !== 'vars') {
        visit(child, `${inner}/`);
        continue;
      }
      const names = child.keys().toSorted(byNumber);
      if (names.length > 0) layers.push(namedLayer(path, child, inner, names));
    }
  };
  visit(root, '');
  if (layers.length === 0) throw new WeightsError('WEIGHTS_FORMAT', `${path} is no weight file of Keras`);
  return layers;
}

function namedLayer(path: string, group: Group, place: string, keys: readonly string[]): KerasLayer {
  const layer = group.attrs.name?.value;
  if (typeof layer !== 'string') {
    throw new WeightsError('WEIGHTS_FORMAT', `${path} doesn't say which layer ${place} belongs to`, {
      hint: 'an early Keras 3 wrote it: load it there, and save it with a newer one or as .h5',
    });
  }
  const tensors = keys.map((key) => {
    const name = `${place}/${key}`;
    const dataset = group.get(key);
    if (!(dataset instanceof Dataset)) throw corrupt(path, `${name} is no tensor`);
    return { name: `${name} (${layer})`, slot: key, tensor: storedTensor(path, name, dataset) };
  });
  return { name: layer, tensors };
}

/** HDF5's names of numbers, as h5py has them: `<f` is followed by the size in `metadata`. */
const DTYPES: Readonly<Record<string, DType>> = {
  '<f': 'float32',
  '<d': 'float64',
  '<e': 'float16',
  '<b': 'int8',
  '<h': 'int16',
  '<i': 'int32',
  '<q': 'int64',
  '<B': 'uint8',
  '<H': 'uint16',
  '<I': 'uint32',
  '<Q': 'uint64',
};

function storedTensor(path: string, name: string, dataset: Dataset): StoredTensor {
  const { shape, dtype: kind } = dataset;
  const dtype = typeof kind === 'string' ? DTYPES[kind] : undefined;
  if (dtype === undefined || shape === null) {
    throw new WeightsError('WEIGHTS_DTYPE', `${path}: tensor ${name} has a dtype that Sepal doesn't read`, {
      expected: Object.values(DTYPES).join(', '),
      received: JSON.stringify(kind),
    });
  }
  const read = (): HostTensor => guarded(path, () => ({ shape, dtype, data: numbers(path, name, dataset, dtype) }));
  return { shape, dtype, read };
}

function numbers(path: string, name: string, { value, shape }: Dataset, dtype: DType): HostArray {
  // A scalar comes as a number of its own.
  const data = typeof value === 'number' ? [value] : value;
  if (Array.isArray(data) && shape?.length === 0) return hostArray(dtype, 1).fill(Number(data[0]) as never);
  if (!ArrayBuffer.isView(data) || data.byteLength !== elementCount(shape ?? []) * byteSize(dtype)) {
    throw corrupt(path, `tensor ${name} can't be read`);
  }
  return arrayOf(dtype, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

/** Runs a call into the HDF5 library, whose errors are about its insides. */
function guarded<T>(path: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    if (cause instanceof WeightsError) throw cause;
    throw corrupt(path, 'the HDF5 library refuses it', cause);
  }
}

const corrupt = (path: string, what: string, cause?: unknown): WeightsError =>
  new WeightsError('WEIGHTS_CORRUPT', `${path} is no whole HDF5 file: ${what}`, {
    hint: 'bring the file again',
    cause,
  });
