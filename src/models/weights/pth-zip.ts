import { crc32 } from '@node-rs/crc32';
import { fromBufferPromise, type Entry, type ZipFile } from 'yauzl';
import { readPickle } from './pickle.ts';
import type { PickleWorld } from './pickle-value.ts';
import type { StoredTensor } from './stored-tensor.ts';
import { corrupt, namedStorage, stateDict, storageBytes, torchClasses, type TorchStorage } from './torch-tensor.ts';
import { WeightsError } from './weights-error.ts';

export const isZip = (bytes: Buffer): boolean => bytes.subarray(0, 4).equals(Buffer.from('PK\x03\x04', 'latin1'));

/**
 * Reads what `torch.save` writes since PyTorch 1.6: a zip archive without compression, with the pickle `data.pkl` and
 * a file for each storage under `data/`, all in one folder (`torch/serialization.py`, `_save`).
 */
export async function readZipPth(place: string, bytes: Buffer): Promise<Map<string, StoredTensor>> {
  const members = await readMembers(place, bytes);
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

/** The archive's files, as views of its bytes. */
async function readMembers(place: string, bytes: Buffer): Promise<Map<string, Buffer>> {
  const members = new Map<string, Buffer>();
  try {
    const zip: ZipFile = await fromBufferPromise(bytes, { lazyEntries: true });
    for await (const entry of zip.eachEntry()) {
      members.set(entry.fileName, await readMember(place, zip, entry, bytes));
    }
  } catch (cause) {
    if (cause instanceof WeightsError) throw cause;
    throw corrupt(place, cause instanceof Error ? cause.message : String(cause));
  }
  return members;
}

async function readMember(place: string, zip: ZipFile, entry: Entry, bytes: Buffer): Promise<Buffer> {
  // `torch.save` never compresses; what unpacks to more than it is could fill the memory.
  if (entry.compressionMethod !== 0) throw corrupt(place, `${entry.fileName} is compressed`);
  const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
  const content = bytes.subarray(fileDataStart, fileDataStart + entry.uncompressedSize);
  if (crc32(content) !== entry.crc32) throw corrupt(place, `${entry.fileName} has another checksum`);
  return content;
}
