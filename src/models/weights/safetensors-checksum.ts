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

/** The checksum that a file's metadata give; undefined where they give none that is ours. */
function statedChecksum(metadata: Readonly<Record<string, string>>): string | undefined {
  const stated = metadata[CHECKSUM];
  return stated !== undefined && /^crc32c:[\da-f]{8}$/.test(stated) ? stated : undefined;
}

/** A file's header as it was when its checksum was computed: with `NO_CHECKSUM` in its place. */
export function withoutChecksum(head: Buffer, metadata: Readonly<Record<string, string>>): Buffer {
  const stated = statedChecksum(metadata);
  if (stated === undefined) return head;
  const blank = Buffer.from(head);
  blank.write(NO_CHECKSUM, blank.indexOf(stated));
  return blank;
}

/** Whether a file's content has the checksum that its metadata give; a file that gives none is taken as it is. */
export function matchesChecksum(content: RunningChecksum, metadata: Readonly<Record<string, string>>): boolean {
  const stated = statedChecksum(metadata);
  return stated === undefined || content.toString() === stated;
}
