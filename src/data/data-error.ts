import { SepalError, type ErrorDetails } from '../base/index.ts';

/** Where in a data set something is wrong. */
export interface Place {
  readonly file: string;
  /** Number of the record in its file, from 0. */
  readonly record?: number;
  /** Byte of the file (of its decompressed content for gzip) at which the record starts. */
  readonly offset?: number;
}

/** What is wrong with a data set: `code` names the case, the message the file, record and byte. */
export class DataError extends SepalError {
  readonly place: Place | undefined;

  /** The message without the place. */
  readonly reason: string;

  constructor(code: string, reason: string, details: ErrorDetails & { readonly place?: Place } = {}) {
    super(code, details.place === undefined ? reason : `${describePlace(details.place)}: ${reason}`, details);
    this.place = details.place;
    this.reason = reason;
  }
}

/** `train/00.tfrec, record 12 (byte 4711)`. */
function describePlace({ file, record, offset }: Place): string {
  const number = record === undefined ? '' : `, record ${record}`;
  const byte = offset === undefined ? '' : ` (byte ${offset})`;
  return `${file}${number}${byte}`;
}
