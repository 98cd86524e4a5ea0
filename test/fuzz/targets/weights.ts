import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import yazl from 'yazl';
import type { Random } from '../../../src/base/index.ts';
import { readSafetensors, writeSafetensors } from '../../../src/models/index.ts';
import { readPickle } from '../../../src/models/weights/pickle.ts';
import { INSTRUCTIONS } from '../../../src/models/weights/pickle-instructions.ts';
import { PickleClass } from '../../../src/models/weights/pickle-value.ts';
import { readKerasFile } from '../../../src/models/weights/hdf5.ts';
import { float32Of } from '../../../src/models/weights/stored-tensor.ts';
import { openTensorFile } from '../../../src/models/weights/tensor-file.ts';
import type { HostTensor } from '../../../src/xla/index.ts';
import { keptThread } from '../hdf5/kept-thread.ts';
import { mutate, mutateText } from '../mutate.ts';
import type { Target } from '../target.ts';

/** Opens a file of weights and reads every number in it. */
async function readAll(path: string): Promise<void> {
  const file = await openTensorFile(path);
  try {
    for (const tensor of file.tensors.values()) float32Of(tensor.read());
  } finally {
    file.close();
  }
}

const TENSORS: ReadonlyMap<string, HostTensor> = new Map([
  ['kernel', { shape: [2, 3], dtype: 'float32', data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
  ['half', { shape: [2], dtype: 'bfloat16', data: Uint16Array.of(0x3f80, 0x4000) }],
  ['step', { shape: [], dtype: 'uint32', data: Uint32Array.of(7) }],
]);

const JSON_WORDS = ['{', '}', '[', ']', ',', ':', '"', '-1', '1e300', '9007199254740993', 'null', '"F32"', '"shape"', '"data_offsets"', '"__metadata__"', '"__proto__"', '[0,0]']; // prettier-ignore

/** A header with its length, and the data. */
function safetensors(header: Uint8Array, data: Uint8Array): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, data]);
}

const safetensorsTarget: Target = {
  name: 'safetensors',
  extension: '.safetensors',
  async prepare(folder) {
    const path = join(folder, 'whole.safetensors');
    await writeSafetensors(path, TENSORS, { note: 'x' });
    const whole = await readFile(path);
    const start = 8 + Number(whole.readBigUInt64LE());
    const header = whole.toString('utf8', 8, start);
    return (random) =>
      random.integer(2) === 0
        ? mutate([whole], random)
        : safetensors(mutateText([header], JSON_WORDS, random), whole.subarray(start));
  },
  read: async (path) => {
    await readSafetensors(path);
    await readAll(path);
  },
};

const text = (value: string) => {
  const head = Buffer.from([0x58, 0, 0, 0, 0]);
  head.writeUInt32LE(Buffer.byteLength(value), 1);
  return Buffer.concat([head, Buffer.from(value)]);
};
const ascii = (value: string) => Buffer.from(value, 'latin1');

/** `{'w': tensor of 2 × 3 float32}` as `torch.save` pickles it, for zip files and, with `view`, for the older form. */
function statePickle(view: boolean): Buffer {
  const storage = [text('storage'), ascii('ctorch\nFloatStorage\n'), text('0'), text('cpu'), Buffer.from([0x4b, 6])];
  const id = Buffer.concat([ascii('('), ...storage, ...(view ? [ascii('N')] : []), ascii('tQ')]);
  const sizes = (a: number, b: number) => Buffer.from([0x4b, a, 0x4b, b, 0x86]);
  const args = Buffer.concat([ascii('('), id, Buffer.from([0x4b, 0]), sizes(2, 3), sizes(3, 1), Buffer.from([0x89]), ascii('ccollections\nOrderedDict\n)Rt')]); // prettier-ignore
  const tensor = Buffer.concat([ascii('ctorch._utils\n_rebuild_tensor_v2\n'), args, ascii('R')]);
  return Buffer.concat([Buffer.from([0x80, 2]), ascii('}('), text('w'), tensor, ascii('u.')]);
}

const NUMBERS = Buffer.from(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);

/** Swaps instructions for others, which damage at random seldom does. */
function mutatePickle(seeds: readonly Buffer[], random: Random): Buffer {
  const bytes = mutate(seeds, random);
  const codes = [...INSTRUCTIONS.keys()];
  for (let i = random.integer(4); i > 0 && bytes.length > 0; i--) {
    bytes[random.integer(bytes.length)] = codes[random.integer(codes.length)];
  }
  return bytes;
}

const pickle: Target = {
  name: 'pickle',
  extension: '.pkl',
  share: 0.8,
  prepare: async () => (random) => mutatePickle([statePickle(false), statePickle(true)], random),
  read: async (_path, bytes) => {
    const classes = ['collections.OrderedDict', 'torch.FloatStorage', 'torch._utils._rebuild_tensor_v2'].map(
      (name) => new PickleClass(name, (args) => args),
    );
    readPickle(bytes, 0, { classes: new Map(classes.map((known) => [known.name, known])), persistent: (id) => id }, 'case'); // prettier-ignore
  },
};

async function zip(members: Readonly<Record<string, Buffer>>, compress = false): Promise<Buffer> {
  const archive = new yazl.ZipFile();
  for (const [name, bytes] of Object.entries(members)) archive.addBuffer(bytes, `archive/${name}`, { compress });
  archive.end();
  return buffer(archive.outputStream);
}

const pthZip: Target = {
  name: 'pth-zip',
  extension: '.pth',
  share: 0.7,
  async prepare() {
    const state = statePickle(false);
    const whole = await zip({ 'data.pkl': state, byteorder: Buffer.from('little'), 'data/0': NUMBERS });
    const packed = await zip({ 'data.pkl': state, 'data/0': NUMBERS }, true);
    return async (random) =>
      random.integer(2) === 0
        ? mutate([whole, packed], random)
        : zip({ 'data.pkl': mutatePickle([state], random), 'data/0': NUMBERS });
  },
  read: readAll,
};

const pthLegacy: Target = {
  name: 'pth-legacy',
  extension: '.pth',
  async prepare() {
    const start = Buffer.from('80028a0a6cfc9c46f9206aa850192e80024de9032e', 'hex');
    const system = Buffer.concat([Buffer.from([0x80, 2]), ascii('}('), text('little_endian'), Buffer.from([0x88]), ascii('u.')]); // prettier-ignore
    const keys = Buffer.concat([Buffer.from([0x80, 2]), ascii('](' ), text('0'), ascii('e.')]); // prettier-ignore
    const count = Buffer.from(BigInt64Array.of(6n).buffer);
    const behind = Buffer.concat([keys, count, NUMBERS]);
    const state = statePickle(true);
    const whole = Buffer.concat([start, system, state, behind]);
    return (random) =>
      random.integer(2) === 0
        ? mutate([whole], random)
        : Buffer.concat([start, system, mutatePickle([state], random), behind]);
  },
  read: readAll,
};

const readInKeptThread = keptThread();
const WEIGHTS = join(import.meta.dirname, '..', '..', 'weights');

async function damagedHdf5(): Promise<(random: Random) => Buffer> {
  const whole = await Promise.all([readFile(join(WEIGHTS, 'tiny.h5')), readFile(join(WEIGHTS, 'tiny.weights.h5'))]);
  return (random) => mutate(whole, random);
}

/** What is done with the file, without the thread that each one gets. */
const hdf5: Target = {
  name: 'hdf5',
  extension: '.h5',
  share: 0.4,
  prepare: damagedHdf5,
  async read(path) {
    const { layers } = await readKerasFile(path, readInKeptThread);
    for (const { tensors } of layers) for (const { tensor } of tensors) float32Of(tensor.read());
  },
};

/** The whole way, with a thread for each file: a few cases show that it is the same. */
const hdf5Thread: Target = { name: 'hdf5-thread', extension: '.h5', share: 0.02, prepare: damagedHdf5, read: readAll };

export const weightTargets: readonly Target[] = [safetensorsTarget, pickle, pthZip, pthLegacy, hdf5, hdf5Thread];
