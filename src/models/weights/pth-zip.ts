import { readPickle } from './pickle.ts';
import type { PickleWorld } from './pickle-value.ts';
import type { StoredTensor } from './stored-tensor.ts';
import { corrupt, namedStorage, stateDict, storageBytes, torchClasses, type TorchStorage } from './torch-tensor.ts';

/**
 * Reads what `torch.save` writes since PyTorch 1.6: a zip archive without compression, with the pickle `data.pkl` and
 * a file for each storage under `data/`, all in one folder (`torch/serialization.py`, `_save`).
 */
export function readZipPth(place: string, members: ReadonlyMap<string, Buffer>): Map<string, StoredTensor> {
  const pickleName = [...members.keys()].find((name) => /^[^/]*\/?data\.pkl$/.test(name));
  if (pickleName === undefined) throw corrupt(place, 'the archive has no data.pkl');
  const folder = pickleName.slice(0, -'data.pkl'.length);
  if (members.get(`${folder}byteorder`)?.toString() === 'big') throw corrupt(place, 'its numbers are big-endian');

  const storages = new Map<string, TorchStorage>();
  const pickle = members.get(pickleName) ?? Buffer.alloc(0);
  const world: PickleWorld = {
    classes: torchClasses(place),
    persistent: (id) => namedStorage(place, id, storages),
  };
  const { value } = readPickle(pickle, 0, world, place);
  for (const storage of storages.values()) {
    const data = members.get(`${folder}data/${storage.key}`);
    if (data === undefined) throw corrupt(place, `storage ${storage.key} is missing`);
    if (data.length !== storageBytes(storage)) {
      throw corrupt(place, `storage ${storage.key} has ${data.length} bytes, not ${storageBytes(storage)}`);
    }
    storage.bytes = data;
  }
  return stateDict(place, value);
}
