import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Hdf5Content } from './hdf5-content.ts';
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

/** A Keras weight file. */
export interface KerasFile {
  /** In the order of the model where the file has one. */
  readonly layers: readonly KerasLayer[];
  /** Whether `layers` has the model's order. */
  readonly ordered: boolean;
  /** What Sepal wrote beside the weights. */
  readonly note?: string;
}

/** Milliseconds that reading may take, and what each byte adds, as from a slow network disk. */
const LIMIT = 10_000;
const LIMIT_PER_BYTE = 1 / 2000;

/**
 * Reads a Keras weight file: `.h5` (a group a layer, whose attribute `weight_names` lists its tensors), `.h5` of a whole
 * model, or `.weights.h5` of Keras 3 (`layers/conv2d_3/vars/0`, where an attribute of `vars` has the layer's name).
 *
 * The HDF5 library was not made for hostile files: one may make it loop for ever or leave its memory in disorder. So each
 * file gets a thread with a library of its own, which ends with it.
 *
 * @param read What reads a file, in a thread; fuzzing has one that starts fewer threads.
 * @throws WeightsError `WEIGHTS_CORRUPT` for what is no HDF5 file or not whole, `WEIGHTS_FORMAT` for one of another kind,
 *   `WEIGHTS_UNSAFE` for one that has tensors in other files.
 */
export async function readKerasFile(path: string, read: ReadHdf5 = readInThread): Promise<KerasFile> {
  const content = await read(path);
  if ('refused' in content) throw refusal(path, content.refused);
  const { layers, ordered, note } = content;
  return {
    ordered,
    note,
    layers: layers.map(({ name, tensors }) => ({
      name,
      tensors: tensors.map(({ name: place, slot, shape, dtype, bytes }) => ({
        name: place,
        slot,
        tensor: { shape, dtype, read: () => ({ shape, dtype, data: arrayOf(dtype, bytes) }) },
      })),
    })),
  };
}

export type ReadHdf5 = (path: string) => Promise<Hdf5Content>;

/** Reads a file in a thread that ends with it. */
export async function readInThread(path: string): Promise<Hdf5Content> {
  const limit = Math.ceil(LIMIT + (await stat(path)).size * LIMIT_PER_BYTE);
  // This file's own extension: .ts in the source, .js once built.
  const worker = new Worker(join(import.meta.dirname, `hdf5-worker${extname(import.meta.filename)}`), {
    workerData: path,
    stdout: true,
    stderr: true,
  });
  const late = AbortSignal.timeout(limit);
  try {
    const [message] = (await once(worker, 'message', { signal: late })) as [Hdf5Content];
    return message;
  } catch (cause) {
    const what = late.aborted ? `reading it takes longer than ${Math.round(limit / 1000)} s` : 'the HDF5 library fails';
    throw corrupt(path, what, cause);
  } finally {
    await worker.terminate();
  }
}

function refusal(
  path: string,
  { kind, what, received, hint }: Extract<Hdf5Content, { refused: unknown }>['refused'],
): WeightsError {
  if (kind === 'corrupt') return corrupt(path, what);
  if (kind === 'unsafe') {
    return new WeightsError('WEIGHTS_UNSAFE', `${path} has tensors in another file, which is not read`, {
      expected: 'all tensors in the file itself',
      received: JSON.stringify(what),
      hint: 'ask who made it for one file, or for safetensors',
    });
  }
  if (kind === 'format') return new WeightsError('WEIGHTS_FORMAT', `${path} ${what}`, { hint });
  return new WeightsError('WEIGHTS_DTYPE', `${path}: ${what} has a dtype that Sepal doesn't read`, {
    expected: 'floats and integers, little-endian',
    received,
  });
}

const corrupt = (path: string, what: string, cause?: unknown): WeightsError =>
  new WeightsError('WEIGHTS_CORRUPT', `${path} is no whole HDF5 file: ${what}`, {
    hint: 'bring the file again',
    cause,
  });
