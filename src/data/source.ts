import type { DataError, Place } from './data-error.ts';

/** A record that was left out, and why. */
export interface Skipped {
  readonly file: string;
  /** Number of the record in its file, from 0; undefined where a whole file is meant. */
  readonly record: number | undefined;
  readonly reason: string;
}

/** What to do with a bad record: stop with an error, or leave it out, count it and list it. */
export type BadRecords = 'fail' | 'skip';

/** Encoded pictures by index, with their labels and names, wherever they are stored. */
export interface Source {
  readonly count: number;
  readonly files: readonly string[];
  /** Class numbers, -1 where unknown. */
  readonly labels: Int32Array;
  readonly ids: readonly string[];
  /** Whether the names are the pictures' own; else some say where a picture is stored, which is another place in another copy. */
  readonly hasIds: boolean;
  /** How many bytes of encoded pictures are held in memory. */
  readonly heldBytes: number;
  /** How many bytes of files in a bucket are on this machine's disk. */
  readonly copiedBytes?: number;
  place(index: number): Place;
  /** The encoded pictures, in the order of the indices, not to be changed; an error for one that can't be read. */
  read(indices: Uint32Array): Promise<(Buffer | DataError)[]>;
  close(): Promise<void>;
}
