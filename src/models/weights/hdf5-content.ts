import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Dataset, Entity, File, Group, ready } from 'h5wasm/node';
import { limitMemory } from './hdf5-memory.ts';
import { NOTE_ATTRIBUTE } from './hdf5-note.ts';

/** The HDF5 library. What it was given may leave its memory in disorder, so each file wants one that is fresh. */
export interface Hdf5Library {
  readonly File: typeof File;
  readonly ready: typeof ready;
}

/** A tensor as it stands in the file. */
export interface Hdf5Tensor {
  readonly name: string;
  readonly slot: string;
  readonly shape: readonly number[];
  readonly dtype: Hdf5DType;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface Hdf5Layer {
  readonly name: string;
  readonly tensors: readonly Hdf5Tensor[];
}

/** What a file holds: the layers, or why there are none. */
export type Hdf5Content =
  | { readonly layers: readonly Hdf5Layer[]; readonly ordered: boolean; readonly note?: string }
  | { readonly refused: Refusal };

interface Refusal {
  readonly kind: 'corrupt' | 'format' | 'dtype' | 'unsafe';
  readonly what: string;
  readonly received?: string;
  readonly hint?: string;
}

/** HDF5's names of numbers, as h5py has them. */
const HDF5_DTYPES = {
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
} as const;
export type Hdf5DType = (typeof HDF5_DTYPES)[keyof typeof HDF5_DTYPES];

const SIZES: Readonly<Record<string, number>> = { d: 8, q: 8, Q: 8, f: 4, i: 4, I: 4, e: 2, h: 2, H: 2, b: 1, B: 1 };

/** No file unpacks to more: deflate's best is 1 byte for 1032. A small file may still claim any shape. */
const MOST_UNPACKED = 1032;

/** Bytes of memory that the library may have for itself, and for each byte of the file. */
const MEMORY = 256 * 2 ** 20;
const MEMORY_PER_BYTE = 4;

/** Emscripten's flags of what the library opens for itself: a new file for what an error says, and the folder of its plugins. */
const NEW = 0o200;
const FOLDER = 0o200000;

class Refused extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.what);
    this.refusal = refusal;
  }
}

const corrupt = (what: string): Refused => new Refused({ kind: 'corrupt', what });

async function read(path: string, { File, ready }: Hdf5Library): Promise<Hdf5Content> {
  const module = await ready;
  // Otherwise it prints its errors and goes on.
  module.activate_throwing_error_handler();
  const { size } = statSync(path);
  room = MOST_UNPACKED * size;
  limitMemory(MEMORY + MEMORY_PER_BYTE * size);
  const { FS: fs } = module;
  const open = fs.open.bind(fs);
  fs.open = (other, flags, ...rest) => {
    const isForItself = (Number(flags) & (NEW | FOLDER)) !== 0;
    if (!isForItself && resolve(other) !== resolve(path)) throw new Refused({ kind: 'unsafe', what: other });
    return open(other, flags, ...rest);
  };
  try {
    return readLayers(new File(path, 'r'));
  } finally {
    fs.open = open;
  }
}

function readLayers(file: File): Hdf5Content {
  const whole = file.get('model_weights');
  const root = isGroup(whole) ? whole : file;
  const value = file.attrs[NOTE_ATTRIBUTE]?.value;
  const note = typeof value === 'string' ? value : undefined;
  const ordered = 'layer_names' in root.attrs || 'layer_names0' in root.attrs;
  return { layers: ordered ? legacyLayers(root) : namedLayers(root), ordered, note };
}

const isGroup = (entity: Entity | null): entity is Group => kindOf(entity) === 'Group';
const isDataset = (entity: Entity | null): entity is Dataset => kindOf(entity) === 'Dataset';
const kindOf = (entity: Entity | null): string => (entity !== null && 'type' in entity ? entity.type : '');

/** Bytes that the tensors to come may still have. */
let room = 0;

function legacyLayers(root: Group): Hdf5Layer[] {
  return textAttribute(root, 'layer_names').map((name) => {
    const group = root.get(name);
    if (!isGroup(group)) throw corrupt(`layer ${name} is missing`);
    const tensors = textAttribute(group, 'weight_names').map((weight) => {
      const dataset = group.get(weight);
      if (!isDataset(dataset)) throw corrupt(`tensor ${weight} of layer ${name} is missing`);
      return { ...storedTensor(weight, dataset), slot: slotOf(weight) };
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

/** What a compiled model's file of Keras 3 has beside its layers. */
const TRAINING_STATE = /^optimizer$|metrics?$/;

function namedLayers(root: Group): Hdf5Layer[] {
  const layers: Hdf5Layer[] = [];
  const visit = (group: Group, place: string): void => {
    for (const key of group.keys()) {
      const child = group.get(key);
      if (!isGroup(child) || (place === '' && TRAINING_STATE.test(key))) continue;
      const inner = `${place}${key}`;
      if (key !== 'vars') {
        visit(child, `${inner}/`);
        continue;
      }
      const names = child.keys().toSorted(byNumber);
      if (names.length > 0) layers.push(namedLayer(child, inner, names));
    }
  };
  visit(root, '');
  if (layers.length === 0) throw new Refused({ kind: 'format', what: 'is no weight file of Keras' });
  return layers;
}

function namedLayer(group: Group, place: string, keys: readonly string[]): Hdf5Layer {
  const layer = group.attrs.name?.value;
  if (typeof layer !== 'string') {
    throw new Refused({
      kind: 'format',
      what: `doesn't say which layer ${place} belongs to`,
      hint: 'it is one of several files of weights, or an early Keras 3 wrote it: load it there, and save one file with a newer one or as .h5',
    });
  }
  const tensors = keys.map((key) => {
    const name = `${place}/${key}`;
    const dataset = group.get(key);
    if (!isDataset(dataset)) throw corrupt(`${name} is no tensor`);
    return { ...storedTensor(name, dataset), name: `${name} (${layer})`, slot: key };
  });
  return { name: layer, tensors };
}

function storedTensor(name: string, dataset: Dataset): Omit<Hdf5Tensor, 'slot'> {
  const { shape, dtype: kind } = dataset;
  if (typeof kind !== 'string' || !isKnown(kind) || shape === null) {
    throw new Refused({ kind: 'dtype', what: `tensor ${name}`, received: JSON.stringify(kind) });
  }
  const byteLength = shape.reduce((product, size) => product * size, SIZES[kind[1]]);
  room -= byteLength;
  if (!(room >= 0)) throw corrupt(`tensor ${name} is larger than the file can hold`);
  if (kind === '<e') readAsBits(dataset);
  return { name, shape, dtype: HDF5_DTYPES[kind], bytes: numbers(name, dataset, { kind, byteLength }) };
}

/** HDF5's class of integers. */
const H5T_INTEGER = 0;

/** The library brings the bytes of float16, but has no array for such numbers: it is to take them for integers. */
function readAsBits(dataset: Dataset): void {
  Object.defineProperty(dataset, 'metadata', { value: { ...dataset.metadata, type: H5T_INTEGER } });
}

const isKnown = (kind: string): kind is keyof typeof HDF5_DTYPES => Object.hasOwn(HDF5_DTYPES, kind);

/** The numbers as they lie in the file, in memory of their own. */
function numbers(
  name: string,
  { value, shape }: Dataset,
  { kind, byteLength }: { kind: string; byteLength: number },
): Uint8Array<ArrayBuffer> {
  // A scalar comes as a number of its own.
  const scalar: unknown = Array.isArray(value) && shape?.length === 0 ? value[0] : value;
  if (typeof scalar === 'number' || typeof scalar === 'bigint') return scalarBytes(scalar, kind);
  if (!ArrayBuffer.isView(value) || value.byteLength !== byteLength) throw corrupt(`tensor ${name} can't be read`);
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice();
}

function scalarBytes(value: number | bigint, kind: string): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(SIZES[kind[1]]));
  if (kind === '<f') view.setFloat32(0, Number(value), true);
  else if (kind === '<d') view.setFloat64(0, Number(value), true);
  else if (view.byteLength === 8) view.setBigInt64(0, BigInt(value), true);
  else if (view.byteLength === 4) view.setInt32(0, Number(value), true);
  else if (view.byteLength === 2) view.setInt16(0, Number(value), true);
  else view.setInt8(0, Number(value));
  return new Uint8Array(view.buffer);
}

/**
 * Reads a file whole, and no other: its links, tensors and views of tensors may lie in any file of this machine, whose bytes would
 * become weights, or in a pipe, which no time limit ends.
 *
 * The library's own errors are about its insides: they say that the file is not in order.
 */
export async function readHdf5(path: string, library: Hdf5Library): Promise<Hdf5Content> {
  try {
    return await read(path, library);
  } catch (error) {
    if (error instanceof Refused) return { refused: error.refusal };
    return { refused: { kind: 'corrupt', what: 'the HDF5 library refuses it' } };
  }
}

/** The memory of what was read, which can go to another thread without a copy. */
export const memoryOf = (content: Hdf5Content): ArrayBuffer[] =>
  'layers' in content ? content.layers.flatMap(({ tensors }) => tensors.map(({ bytes }) => bytes.buffer)) : [];
