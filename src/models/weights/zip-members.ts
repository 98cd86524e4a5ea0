import { crc32 } from '@node-rs/crc32';
import { fromBufferPromise, type Entry, type ZipFile } from 'yauzl';
import { WeightsError } from './weights-error.ts';

export const isZip = (bytes: Buffer): boolean => bytes.subarray(0, 4).equals(Buffer.from('PK\x03\x04', 'latin1'));

/** Archives of PyTorch that hold a program beside its weights, and what has the weights alone once it is loaded. */
const PROGRAMS = [
  { member: /^[^/]+\/(code\/|constants\.pkl$)/, name: 'TorchScript', load: 'torch.jit.load(FILE).state_dict()' },
  { member: /^[^/]+\/archive_format$/, name: 'a program of torch.export', load: 'torch.export.load(FILE).state_dict' },
];

/**
 * The files of a zip archive, as views of its bytes.
 *
 * @throws WeightsError `WEIGHTS_FORMAT` for one of a program, `WEIGHTS_CORRUPT` for an archive that is damaged, or compressed: neither
 * PyTorch nor Keras does that, and what unpacks to more than it is could fill the memory.
 */
export async function zipMembers(place: string, bytes: Buffer): Promise<Map<string, Buffer>> {
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
  const program = PROGRAMS.find(({ member }) => member.test(entry.fileName));
  if (program !== undefined) {
    throw new WeightsError('WEIGHTS_FORMAT', `${place} is ${program.name}, not weights alone`, {
      expected: 'a state dict',
      hint: `save one in PyTorch: torch.save(${program.load}, "weights.pth")`,
    });
  }
  if (entry.compressionMethod !== 0) throw corrupt(place, `${entry.fileName} is compressed`);
  const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
  const content = bytes.subarray(fileDataStart, fileDataStart + entry.uncompressedSize);
  if (crc32(content) !== entry.crc32) throw corrupt(place, `${entry.fileName} has another checksum`);
  return content;
}

const corrupt = (place: string, what: string): WeightsError =>
  new WeightsError('WEIGHTS_CORRUPT', `${place} is no whole zip archive of weights: ${what}`, {
    hint: 'bring the file again',
  });
