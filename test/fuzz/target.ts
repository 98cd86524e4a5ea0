import type { Random } from '../../src/base/index.ts';

/** A reader that is given damaged files. */
export interface Target {
  readonly name: string;
  /** How the file's name ends, for readers that look at it. */
  readonly extension: string;
  /** Part of the cases that it is given, beside 1 for the others. */
  readonly share?: number;
  /** Prepares the whole files that are to be damaged; `folder` is for those that need one. */
  prepare(folder: string): Promise<MakeCase>;
  /** Reads a file to its end. It may throw a SepalError and nothing else. */
  read(path: string, bytes: Buffer): Promise<void>;
}

/** The bytes of one case, which depend on the random numbers alone. */
export type MakeCase = (random: Random) => Buffer | Promise<Buffer>;

/** What the parent tells a fuzzing child. */
export interface FuzzTask {
  readonly target: string;
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  /** A file of 8 bytes that always holds the number of the case being read. */
  readonly journal: string;
  readonly folder: string;
}

/** What a fuzzing child tells. */
export type FuzzMessage =
  | { readonly kind: 'untyped'; readonly number: number; readonly error: string }
  | { readonly kind: 'done'; readonly refused: number };
