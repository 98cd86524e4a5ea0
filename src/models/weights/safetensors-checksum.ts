import { crc32c } from '@node-rs/crc32';

/** The entry of a file's metadata that has its checksum. Other programs take it for a text like any other. */
export const CHECKSUM = 'checksum';

/** What stands for the checksum while it is computed: it covers the whole file, its own place included. */
export const NO_CHECKSUM = 'crc32c:00000000';

/** The checksum of bytes that come piece by piece. */
export class RunningChecksum {
  #sum = 0;

  add(bytes: Uint8Array): void {
    this.#sum = crc32c(bytes, this.#sum);
  }

  toString(): string {
    return `crc32c:${this.#sum.toString(16).padStart(8, '0')}`;
  }
}

/** Whether a file has the checksum that it says; one that says none is taken as it is. Changes `bytes` and puts them back. */
export function matchesChecksum(bytes: Buffer, metadata: Readonly<Record<string, string>>): boolean {
  const said = metadata[CHECKSUM];
  if (said === undefined || !/^crc32c:[\da-f]{8}$/.test(said)) return true;
  const at = bytes.indexOf(said);
  bytes.write(NO_CHECKSUM, at);
  const sum = new RunningChecksum();
  sum.add(bytes);
  bytes.write(said, at);
  return sum.toString() === said;
}
