import { readPickle } from './pickle.ts';
import type { PickleValue, PickleWorld } from './pickle-value.ts';
import type { StoredTensor } from './stored-tensor.ts';
import { byteSize } from '../../xla/index.ts';
import { corrupt, namedStorage, stateDict, storageBytes, torchClasses, type TorchStorage } from './torch-tensor.ts';

/** The number that the format begins with, as a pickle. */
const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;

/** The first bytes of a file whose first pickle is the magic number, at protocol 2. */
const START = Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex');

export const isLegacyPth = (bytes: Buffer): boolean => bytes.subarray(0, START.length).equals(START);

/**
 * Reads what `torch.save` of PyTorch before 1.6 wrote: five pickles in a row (magic number, protocol, the writer's
 * machine, the object, the storages' keys), then each storage's length and numbers (`torch/serialization.py`, `_legacy_save`).
 */
export function readLegacyPth(place: string, bytes: Buffer): Map<string, StoredTensor> {
  const storages = new Map<string, TorchStorage>();
  const plain: PickleWorld = {
    classes: new Map(),
    persistent: () => {
      throw corrupt(place, 'a storage outside of the object');
    },
  };
  const world: PickleWorld = {
    classes: torchClasses(place),
    persistent: (id) => namedStorage(place, id, storages),
  };
  let at = 0;
  const next = (known: PickleWorld): PickleValue => {
    const { value, end } = readPickle(bytes, at, known, place);
    at = end;
    return value;
  };
  if (next(plain) !== MAGIC) throw corrupt(place, 'its magic number is another one');
  const protocol = next(plain);
  if (protocol !== PROTOCOL) throw corrupt(place, `it is not of protocol ${PROTOCOL}`);
  const system = next(plain);
  if (system instanceof Map && system.get('little_endian') === false)
    throw corrupt(place, 'its numbers are big-endian');
  const object = next(world);
  const keys = next(plain);
  if (!Array.isArray(keys)) throw corrupt(place, 'the list of storages is none');
  for (const key of keys as readonly PickleValue[]) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (storage === undefined) throw corrupt(place, 'a storage belongs to no tensor');
    at = fill(place, storage, bytes, at);
  }
  if (at !== bytes.length) throw corrupt(place, `${bytes.length - at} bytes behind its end`);
  return stateDict(place, object);
}

/** Finds a storage's numbers behind their count. @returns Where they end. */
function fill(place: string, storage: TorchStorage, bytes: Buffer, at: number): number {
  const start = at + 8;
  const end = start + storageBytes(storage);
  if (end > bytes.length) {
    throw corrupt(place, `it is cut off: ${bytes.length} bytes, storage ${storage.key} ends at ${end}`);
  }
  const length = bytes.readBigInt64LE(at);
  if (length !== BigInt(storage.length)) {
    throw corrupt(place, `storage ${storage.key} has ${length} elements of ${byteSize(storage.dtype)} bytes, not ${storage.length}`); // prettier-ignore
  }
  storage.bytes = bytes.subarray(start, end);
  return end;
}
