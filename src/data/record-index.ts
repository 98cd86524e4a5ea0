import { plural } from '../base/index.ts';
import { DataError } from './data-error.ts';
import { parseExample, type Features } from './example.ts';
import { Growable } from './growable.ts';
import {
  collectKinds,
  detectLayout,
  type FeatureKinds,
  type FeatureNames,
  type Layout,
  type LayoutOptions,
} from './layout.ts';
import { RecordReader, type RecordFields } from './record-fields.ts';
import type { BadRecords, Skipped } from './source.ts';
import type { Spool } from './spool.ts';
import { scanTfrecord, type ScanOptions } from './tfrecord.ts';

/** How many records are looked at to find the layout: one alone may lack a value. */
const LAYOUT_RECORDS = 16;

/** Where every picture of some TFRecord files is, with what their records say about it. */
export interface RecordIndex {
  readonly files: readonly string[];
  /** Contents of the files that are held in memory. */
  readonly contents: readonly (Buffer | undefined)[];
  readonly layout: Layout;
  readonly kinds: FeatureKinds;
  readonly labels: Int32Array;
  readonly ids: readonly string[];
  /** Whether every record has an id; in place of a missing one stands where the record is. */
  readonly hasIds: boolean;
  /** For each record: number of its file, its number in the file, where its data starts and how long it is. */
  readonly file: Uint32Array;
  readonly record: Uint32Array;
  readonly offset: Float64Array;
  readonly length: Uint32Array;
  /** For each record: where the encoded picture starts, from the start of the data, and how long it is. */
  readonly imageOffset: Uint32Array;
  readonly imageLength: Uint32Array;
  readonly skipped: readonly Skipped[];
}

export interface IndexOptions extends Pick<LayoutOptions, 'labelsRequired' | 'labelsMayLack'> {
  readonly features?: FeatureNames;
  readonly badRecords?: BadRecords;
  /** Hold the files' contents in memory. */
  readonly keep?: boolean;
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
  /** Keeps the contents that are not held in memory. */
  readonly spool?: Spool;
  /** Told the number of each good record and its encoded picture, which stays valid where contents are held. */
  readonly onRecord?: (index: number, image: Buffer) => void;
}

/** How many files are read at a time: while one is scanned, the next ones come in. */
const FILES_AT_A_TIME = 6;

/**
 * Reads TFRecord files once from start to end: checks and parses every record, remembers where the pictures are.
 *
 * @throws DataError for the first bad record, unless `badRecords` is `skip`.
 */
export async function indexRecords(files: readonly string[], options: IndexOptions = {}): Promise<RecordIndex> {
  const { badRecords = 'fail', keep = false, labelsMayLack, spool, signal, onBytes, onRecord } = options;
  const kinds = await peekKinds(files, signal);
  const layout = detectLayout(kinds, files[0], { ...options, names: options.features });
  const columns = new IndexColumns(files);
  const skipped: Skipped[] = [];
  const contents: (Buffer | undefined)[] = [];

  const stop = new AbortController();
  const ended = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const parts: Promise<FilePart>[] = [];
  try {
    // Files come in side by side, but take their places, and tell what is wrong in them, one after the other.
    for (let number = 0; number < files.length; number++) {
      while (parts.length < Math.min(files.length, number + FILES_AT_A_TIME)) {
        const file = parts.length;
        const onPiece = spool && (async (piece: Buffer, position: number) => spool.write(file, piece, position));
        const reader = new RecordReader(layout, { labelsMayLack });
        const part = readPart(files[file], reader, badRecords, { keep, signal: ended, onBytes, onPiece });
        // A failure belongs to whoever gets to that file.
        part.catch(() => {});
        parts.push(part);
      }
      const part = await parts[number];
      columns.add(number, part);
      skipped.push(...part.skipped);
      contents.push(part.bytes);
      const { bytes, records } = part;
      if (onRecord === undefined || bytes === undefined) continue;
      const first = columns.ids.length - records.length;
      for (const [i, { offset, imageStart, imageLength }] of records.entries()) {
        onRecord(first + i, bytes.subarray(offset + imageStart, offset + imageStart + imageLength));
      }
    }
  } finally {
    stop.abort();
    await Promise.allSettled(parts);
  }
  return { files, contents, layout, kinds, skipped, ...columns.done() };
}

interface IndexedRecord extends RecordFields {
  /** Its number in the file, where its data starts and how long it is. */
  readonly record: number;
  readonly offset: number;
  readonly length: number;
}

/** What was found in one file. */
interface FilePart {
  readonly bytes: Buffer | undefined;
  readonly records: readonly IndexedRecord[];
  readonly skipped: readonly Skipped[];
}

async function readPart(
  file: string,
  reader: RecordReader,
  badRecords: BadRecords,
  options: ScanOptions,
): Promise<FilePart> {
  const records: IndexedRecord[] = [];
  const skipped: Skipped[] = [];
  const bad = (error: DataError, restLost = false) => {
    if (badRecords === 'fail') throw error;
    const reason = restLost ? `${error.reason}; the rest of the file is lost` : error.reason;
    skipped.push({ file: error.place?.file ?? '', record: error.place?.record, reason });
  };
  const record = (data: Buffer, ordinal: number, offset: number) => {
    try {
      const { imageStart, imageLength, label, id } = reader.read(data, { file, record: ordinal, offset });
      records.push({ record: ordinal, offset, length: data.length, imageStart, imageLength, label, id });
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      bad(error);
    }
  };
  const { bytes } = await scanTfrecord(file, { record, bad }, options);
  return { bytes, records, skipped };
}

/** The index as it grows, file by file: an array for each thing that is known of a record. */
class IndexColumns {
  readonly ids: string[] = [];
  readonly #files: readonly string[];
  #hasIds = true;
  readonly #file = uint32();
  readonly #record = uint32();
  readonly #offset = new Growable((length) => new Float64Array(length));
  readonly #length = uint32();
  readonly #imageOffset = uint32();
  readonly #imageLength = uint32();
  readonly #labels = new Growable((length) => new Int32Array(length));

  constructor(files: readonly string[]) {
    this.#files = files;
  }

  add(number: number, { records }: FilePart): void {
    // The folder and the name of the file, so that a record's is the same whichever files are opened with it.
    const file = this.#files[number].split(/[\\/]/).slice(-2).join('/');
    for (const { record, offset, length, imageStart, imageLength, label, id } of records) {
      this.#file.push(number);
      this.#record.push(record);
      this.#offset.push(offset);
      this.#length.push(length);
      this.#imageOffset.push(imageStart);
      this.#imageLength.push(imageLength);
      this.#labels.push(label);
      this.#hasIds &&= id !== undefined;
      this.ids.push(id ?? `${file}#${record}`);
    }
  }

  done() {
    return {
      ids: this.ids,
      hasIds: this.#hasIds,
      file: this.#file.done(),
      record: this.#record.done(),
      offset: this.#offset.done(),
      length: this.#length.done(),
      imageOffset: this.#imageOffset.done(),
      imageLength: this.#imageLength.done(),
      labels: this.#labels.done(),
    };
  }
}

function uint32(): Growable<Uint32Array> {
  return new Growable((length) => new Uint32Array(length));
}

/** Feature kinds of the first good records there are. */
async function peekKinds(files: readonly string[], signal: AbortSignal | undefined): Promise<FeatureKinds> {
  const records: Features[] = [];
  let problem: DataError | undefined;
  for (const file of files) {
    const record = (data: Buffer, ordinal: number, offset: number) => {
      try {
        records.push(parseExample(data, { file, record: ordinal, offset }));
      } catch (error) {
        problem ??= error as DataError;
      }
      return records.length < LAYOUT_RECORDS;
    };
    await scanTfrecord(file, { record, bad: (error) => (problem ??= error) }, { signal });
    if (records.length > 0) return collectKinds(records);
  }
  throw (
    problem ??
    new DataError('NO_RECORDS', `no records in ${plural(files.length, 'file')}`, {
      place: { file: files[0] },
      hint: 'an empty TFRecord file often comes from a writer that was never closed',
    })
  );
}
