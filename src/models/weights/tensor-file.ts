import { existsSync } from 'node:fs';
import { z } from 'zod';
import { jsonText } from '../../base/index.ts';
import { readKerasFile, type KerasFile, type KerasLayer } from './hdf5.ts';
import { isLegacyPth, readLegacyPth } from './pth-legacy.ts';
import { isKerasArchive, readKerasArchive } from './keras-archive.ts';
import { readZipPth } from './pth-zip.ts';
import { openToRead, readBytes, readWhole } from './read-bytes.ts';
import { readSafetensors } from './safetensors.ts';
import type { StoredTensor } from './stored-tensor.ts';
import { WeightsError } from './weights-error.ts';
import { isZip, zipMembers } from './zip-members.ts';

/** A file of tensors; they can be read until it is closed. */
export interface TensorFile {
  readonly path: string;
  /** By the file's own names. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** What stands beside the tensors as text. */
  readonly metadata: Readonly<Record<string, string>>;
  /** For files of Keras: the layers that the tensors belong to, and whether they come in the model's order. */
  readonly keras?: { readonly layers: readonly KerasLayer[]; readonly ordered: boolean };
  readonly close: () => void;
}

const HDF5_START = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1');

/** Texts by name, as JSON: HDF5 has attributes of one value only. */
const noteSchema = jsonText.pipe(z.record(z.string(), z.string()));

/** Keras's list of which file has which layer, and the file of some layers beside it. */
const isSharded = (path: string): boolean => {
  const list = path.replace(/_\d{5}\.weights\.h5$/, '.weights.json');
  return list.endsWith('.weights.json') && existsSync(list);
};

/** The longest beginning that tells a format. */
const START_LENGTH = 16;

/**
 * Opens a safetensors, PyTorch (`.pth`, of either format) or Keras (`.h5`, `.weights.h5`, `.keras`) file, told apart by content.
 *
 * @throws WeightsError `WEIGHTS_FILE`, `WEIGHTS_FORMAT`, `WEIGHTS_CORRUPT`, `WEIGHTS_DTYPE`, `WEIGHTS_UNSAFE`.
 */
export async function openTensorFile(path: string): Promise<TensorFile> {
  const start = await readStart(path);
  if (isSharded(path)) {
    throw new WeightsError('WEIGHTS_FORMAT', `${path} is part of weights that Keras wrote as several files`, {
      expected: 'one file',
      hint: 'load them in Keras and save one: model.save_weights("NAME.weights.h5", max_shard_size=None)',
    });
  }
  if (start.subarray(0, HDF5_START.length).equals(HDF5_START)) {
    return ofKeras(path, await readKerasFile(path));
  }
  if (isLegacyPth(start)) return ofTensors(path, readLegacyPth(path, await readWhole(path)));
  if (isZip(start)) {
    const members = await zipMembers(path, await readWhole(path));
    return isKerasArchive(members)
      ? ofKeras(path, await readKerasArchive(path, members))
      : ofTensors(path, readZipPth(path, members));
  }
  // A safetensors header is JSON behind its length.
  if (start[8] === 0x7b) return ofSafetensors(path);
  // Any other pickle: one of PyTorch begins otherwise, and one that does something shall be refused for what it does.
  if (start[0] === 0x80 || path.endsWith('.pth') || path.endsWith('.pt') || path.endsWith('.bin')) {
    return ofTensors(path, readLegacyPth(path, await readWhole(path)));
  }
  throw new WeightsError('WEIGHTS_FORMAT', `${path} is no file of weights`, {
    expected: 'safetensors, PyTorch (.pth) or Keras (.h5, .weights.h5, .keras)',
    received: start.length === 0 ? 'an empty file' : `a file that begins with ${start.subarray(0, 8).toString('hex')}`,
  });
}

async function ofSafetensors(path: string): Promise<TensorFile> {
  const { tensors, metadata } = await readSafetensors(path);
  const stored = [...tensors].map(([name, tensor]): [string, StoredTensor] => {
    const { shape, dtype } = tensor;
    return [name, { shape, dtype, read: () => tensor }];
  });
  return { path, tensors: new Map(stored), metadata, close: () => {} };
}

const ofTensors = (path: string, tensors: ReadonlyMap<string, StoredTensor>): TensorFile => ({
  path,
  tensors,
  metadata: {},
  close: () => {},
});

function ofKeras(path: string, { layers, ordered, note }: KerasFile): TensorFile {
  const all = layers.flatMap(({ tensors }) =>
    tensors.map(({ name, tensor }): [string, StoredTensor] => [name, tensor]),
  );
  const metadata = noteSchema.safeParse(note).data ?? {};
  return { path, tensors: new Map(all), metadata, keras: { layers, ordered }, close: () => {} };
}

async function readStart(path: string): Promise<Buffer> {
  await using file = await openToRead(path);
  const start = Buffer.alloc(START_LENGTH);
  return start.subarray(0, await readBytes(path, file, start, 0));
}
