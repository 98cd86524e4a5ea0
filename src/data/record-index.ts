import { plural } from '../base/index.ts';
import { DataError, type Place } from './data-error.ts';
import { bytesValue, integerValue, parseExample, type Features } from './example.ts';
import { Growable } from './growable.ts';
import { collectKinds, detectLayout, type FeatureKinds, type FeatureNames, type Layout } from './layout.ts';
import type { BadRecords, Skipped } from './source.ts';
import { scanTfrecord } from './tfrecord.ts';

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

export interface IndexOptions {
  readonly features?: FeatureNames;
  readonly labelsRequired?: boolean;
  readonly badRecords?: BadRecords;
  /** Hold the files' contents in memory. */
  readonly keep?: boolean;
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
  /** Told the number of each good record and its encoded picture, which stays valid where contents are held. */
  readonly onRecord?: (index: number, image: Buffer) => void;
}

/**
 * Reads TFRecord files once from start to end: checks and parses every record, remembers where the pictures are.
 *
 * @throws DataError for the first bad record, unless `badRecords` is `skip`.
 */
export async function indexRecords(files: readonly string[], options: IndexOptions = {}): Promise<RecordIndex> {
  const { badRecords = 'fail', keep = false, signal, onBytes, onRecord } = options;
  const kinds = await peekKinds(files, signal);
  const layout = detectLayout(kinds, files[0], { names: options.features, labelsRequired: options.labelsRequired });

  const uint32 = () => new Growable((length) => new Uint32Array(length));
  const columns = {
    file: uint32(),
    record: uint32(),
    offset: new Growable((length) => new Float64Array(length)),
    length: uint32(),
    imageOffset: uint32(),
    imageLength: uint32(),
    labels: new Growable((length) => new Int32Array(length)),
  };
  const ids: string[] = [];
  const skipped: Skipped[] = [];
  const contents: (Buffer | undefined)[] = [];

  const bad = (error: DataError, restLost = false) => {
    if (badRecords === 'fail') throw error;
    const reason = error.reason;
    skipped.push({
      file: error.place?.file ?? '',
      record: error.place?.record,
      reason: restLost ? `${reason}; the rest of the file is lost` : reason,
    });
  };

  for (const [number, file] of files.entries()) {
    const record = (data: Buffer, ordinal: number, offset: number) => {
      const place = { file, record: ordinal, offset };
      try {
        const found = readFeatures(parseExample(data, place), layout, place);
        columns.file.push(number);
        columns.record.push(ordinal);
        columns.offset.push(offset);
        columns.length.push(data.length);
        columns.imageOffset.push(found.image.byteOffset - data.byteOffset);
        columns.imageLength.push(found.image.length);
        columns.labels.push(found.label);
        ids.push(found.id ?? `${number}-${ordinal}`);
        const start = found.image.byteOffset - data.byteOffset;
        onRecord?.(ids.length - 1, data.subarray(start, start + found.image.length));
      } catch (error) {
        if (!(error instanceof DataError)) throw error;
        bad(error);
      }
    };
    const { bytes } = await scanTfrecord(file, { record, bad }, { keep, signal, onBytes });
    contents.push(bytes);
  }

  return {
    files,
    contents,
    layout,
    kinds,
    ids,
    skipped,
    file: columns.file.done(),
    record: columns.record.done(),
    offset: columns.offset.done(),
    length: columns.length.done(),
    imageOffset: columns.imageOffset.done(),
    imageLength: columns.imageLength.done(),
    labels: columns.labels.done(),
  };
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

function readFeatures(
  features: Features,
  layout: Layout,
  place: Place,
): { image: Uint8Array; label: number; id: string | undefined } {
  const image = bytesValue(features, layout.image);
  if (image === undefined) throw lacking(layout.image, place);
  const label = layout.label === undefined ? -1 : integerValue(features, layout.label);
  if (label === undefined) throw lacking(layout.label!, place);
  if (label < 0 && layout.label !== undefined) {
    throw new DataError('LABEL_OUT_OF_RANGE', `label ${label} in feature "${layout.label}" is negative`, { place });
  }
  const id = layout.id === undefined ? undefined : bytesValue(features, layout.id);
  return { image, label, id: id === undefined ? undefined : decoder.decode(id) };
}

const decoder = new TextDecoder();

function lacking(name: string, place: Place): DataError {
  return new DataError('MISSING_FEATURE', `no value in feature "${name}", which other records have`, { place });
}
