import { join, relative } from 'node:path';
import { Random, UsageError } from '../base/index.ts';
import { writeClassFile } from './classes.ts';
import { DataError } from './data-error.ts';
import { toSize } from './decode.ts';
import { toSquareJpeg } from './encode.ts';
import { encodeExample } from './example.ts';
import { ImageFileSource, listClassFolders } from './image-files.ts';
import { listLabelled, type LabelTable } from './label-table.ts';
import { kindOfPath, SPLITS, type Split } from './locate.ts';
import { requireOutside, writeDatasetFolder } from './output-folder.ts';
import { findParquet, ParquetSource } from './parquet.ts';
import type { BadRecords, Skipped, Source } from './source.ts';
import { isOfService } from './storage/retry.ts';
import { isRemote } from './storage/storage.ts';
import { shardName, TfrecordWriter } from './tfrecord-writer.ts';

/** Records in a file; a split has at least one file. */
const SHARD_RECORDS = 1000;

/** Pictures in work at a time: enough for the decoding threads, little enough memory. */
const WINDOW = 8;

/** What `convertFolder` makes of the photos. */
export interface ConvertOptions extends WriteOptions {
  /** Gives the classes of the pictures; else each class has a folder of its own. */
  readonly table?: LabelTable;
  /** Share of each class that goes to the split, 0 to 1; the rest is for training. */
  readonly val?: number;
  readonly test?: number;
  readonly seed?: number;
}

/** How pictures are written into a data set. */
export interface WriteOptions {
  readonly out: string;
  /** Side of the square pictures in pixels. */
  readonly size: number;
  /** JPEG quality, 1 to 100, of pictures that aren't JPEG files of the size already. */
  readonly quality?: number;
  readonly badRecords?: BadRecords;
  readonly force?: boolean;
  readonly signal?: AbortSignal;
  /** Called while pictures are converted. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What a conversion wrote and what it left out. */
export interface Converted {
  readonly classNames: readonly string[];
  readonly images: Readonly<Record<Split, number>>;
  readonly skipped: readonly Skipped[];
  /** Pictures that the table doesn't name. */
  readonly unlisted: number;
}

/**
 * Makes TFRecord files in Kaggle's layout, with `classes.txt`, from a folder with one folder of pictures per class,
 * with a table of labels, or from Parquet files as Hugging Face's data sets have them.
 *
 * Pictures are cropped at their centre to a square. Each class is split by the same shares, drawn by the seed. All
 * splits keep their labels. The output folder appears when it is whole; an abort or an error leaves nothing.
 *
 * @throws DataError for the first bad picture, unless `badRecords` is `skip`; UsageError `OUT_IN_SOURCE`.
 */
export async function convertFolder(folder: string, options: ConvertOptions): Promise<Converted> {
  const { val = 0.15, test = 0.15, seed = 0 } = options;
  if (!(val >= 0 && test >= 0 && val + test < 1)) {
    throw new UsageError('BAD_SHARES', 'the shares of val and test leave nothing to train on', {
      expected: 'shares from 0 to 1 with a sum below 1',
      received: `val ${val} and test ${test}`,
    });
  }
  return writePictures(await openInput(folder, options, { val, test }, seed), options);
}

/** What `convertFolder` does with pictures that are listed, named and split. */
export async function writePictures(pictures: Pictures, options: WriteOptions): Promise<Converted> {
  const { source, classNames, unlisted, splits } = pictures;
  const { out } = options;
  const { height: size } = toSize(options.size);
  const images = { train: 0, val: 0, test: 0 };
  const skipped: Skipped[] = [];
  let done = 0;
  await writeDatasetFolder(out, options.force ?? false, async (draft) => {
    for (const split of SPLITS) {
      const records = encodeAll(pictures, splits[split], options, (bad) => skipped.push(bad));
      const onRecord = () => options.onProgress?.(++done, source.count);
      images[split] = await writeShards(
        join(draft, `tfrecords-jpeg-${size}x${size}`, split),
        size,
        splits[split].length,
        records,
        onRecord,
      );
    }
    await writeClassFile(draft, classNames);
  });
  return { classNames, images, skipped, unlisted };
}

/** Pictures with their classes and splits. */
export interface Pictures {
  /** What the names of the pictures are relative to. */
  readonly folder: string;
  readonly source: Source;
  readonly classNames: readonly string[];
  readonly unlisted: number;
  readonly splits: Readonly<Record<Split, Uint32Array>>;
}

async function openInput(
  folder: string,
  { table, out }: ConvertOptions,
  shares: { readonly val: number; readonly test: number },
  seed: number,
): Promise<Pictures> {
  const parquet = table === undefined ? await findParquet(folder) : [];
  if (parquet.length > 0) {
    const source = await ParquetSource.open(parquet);
    return { folder, source, classNames: source.classNames, unlisted: 0, splits: splitRows(source, shares, seed) };
  }
  if ((await kindOfPath(folder)) === 'file') {
    throw new DataError('NOT_FOUND', `${folder} is a file, not a folder of photos`, {
      hint:
        table === undefined
          ? 'put the photos of each class into a folder of its own, and give the folder that has these'
          : 'give the folder that has the photos of the table',
    });
  }
  // A table, and Parquet files, say what is read; here every folder is a class.
  if (table === undefined && !isRemote(folder)) await requireOutside(out, folder);
  const listed = table === undefined ? await listClassFolders(folder) : await listLabelled(folder, table);
  const { classNames, files, labels, unlisted } = listed;
  const source = new ImageFileSource(files, labels);
  return { folder, source, classNames, unlisted, splits: splitByClass(labels, shares, seed) };
}

/**
 * Keeps the splits that the files are named after; validation is taken from the training rows where no file has it, and
 * all is split by class where there is one split. Rows keep their order, as they are stored in groups.
 */
function splitRows(
  source: ParquetSource,
  shares: { readonly val: number; readonly test: number },
  seed: number,
): Record<Split, Uint32Array> {
  const bySplit = Map.groupBy(source.labels.keys(), (index) => source.splitOf(index));
  const given = (split: Split) => Uint32Array.from(bySplit.get(split) ?? []);
  const drawn = (rows: Uint32Array, drawnShares: typeof shares) => {
    const unlabelled = rows.find((row) => source.labels[row] < 0);
    if (unlabelled !== undefined) {
      throw new DataError('NO_LABELS', 'a row without a label', { place: source.place(unlabelled) });
    }
    const picked = splitByClass(
      Int32Array.from(rows, (row) => source.labels[row]),
      drawnShares,
      seed,
    );
    const sorted = (split: Split) => picked[split].toSorted().map((at) => rows[at]);
    return { train: sorted('train'), val: sorted('val'), test: sorted('test') };
  };
  if (bySplit.has(undefined) || bySplit.size === 1) return drawn(Uint32Array.from(source.labels.keys()), shares);
  const { train, val } = drawn(given('train'), { val: bySplit.has('val') ? 0 : shares.val, test: 0 });
  return { train, val: bySplit.has('val') ? given('val') : val, test: given('test') };
}

/** What pictures are called: their path in the folder, or their row. Endings are left out where no two then have one name. */
function idsOf(folder: string, source: Source): readonly string[] {
  if (!(source instanceof ImageFileSource)) return source.ids;
  const paths = source.files.map((file) => relative(folder, file).replaceAll('\\', '/'));
  const stems = paths.map((path) => path.replace(/\.[^.]+$/, ''));
  const times = new Map<string, number>();
  // The path of one may be what is left of another's.
  for (const name of [...stems, ...paths]) times.set(name, (times.get(name) ?? 0) + 1);
  return stems.map((stem, i) => (times.get(stem) === 1 ? stem : paths[i]));
}

/**
 * Splits the pictures of each class by the same shares and mixes the classes within each split. A class with two
 * pictures or more keeps at least one to train on and gives at least one to each split that was asked for, if it can.
 */
export function splitByClass(
  labels: Int32Array,
  shares: { readonly val: number; readonly test: number },
  seed: number,
): Record<Split, Uint32Array> {
  const byClass = Map.groupBy(labels.keys(), (index) => labels[index]);
  const picked: Record<Split, number[]> = { train: [], val: [], test: [] };
  for (const [label, members] of byClass) {
    const order = new Random(seed, 'split', label).permutation(members.length);
    const quota = (share: number, left: number) =>
      share === 0 ? 0 : Math.min(Math.max(1, Math.round(share * members.length)), Math.max(0, left));
    const val = quota(shares.val, members.length - 1);
    const test = quota(shares.test, members.length - 1 - val);
    for (const [rank, at] of order.entries()) {
      const split = rank < val ? 'val' : rank < val + test ? 'test' : 'train';
      picked[split].push(members[at]);
    }
  }
  const mixed = (split: Split) => {
    const members = picked[split].toSorted((a, b) => a - b);
    return new Random(seed, 'mix', split).permutation(members.length).map((at) => members[at]);
  };
  return { train: mixed('train'), val: mixed('val'), test: mixed('test') };
}

/** Encodes pictures, some at a time, and yields their records in order; undefined for one that was skipped. */
async function* encodeAll(
  { folder, source }: Pictures,
  indices: Uint32Array,
  { size, quality = 95, badRecords = 'fail', signal }: WriteOptions,
  onBad: (bad: Skipped) => void,
): AsyncGenerator<Uint8Array | undefined> {
  const ids = idsOf(folder, source);
  const encode = async (index: number) => {
    try {
      const [bytes] = await source.read(Uint32Array.of(index));
      if (bytes instanceof Error) throw bytes;
      const image = await toSquareJpeg(bytes, size, quality, source.place(index));
      const id = ids[index];
      const label = source.labels[index];
      return encodeExample(label < 0 ? { image, id } : { image, class: label, id });
    } catch (error) {
      if (!(error instanceof DataError) || isOfService(error) || badRecords === 'fail') throw error;
      const { file, record } = source.place(index);
      onBad({ file, record, reason: error.reason });
      return undefined;
    }
  };
  const queue: Promise<Uint8Array | undefined>[] = [];
  try {
    for (let next = 0; next < indices.length || queue.length > 0;) {
      signal?.throwIfAborted();
      while (queue.length < WINDOW && next < indices.length) {
        const record = encode(indices[next++]);
        record.catch(() => {});
        queue.push(record);
      }
      yield await queue.shift();
    }
  } finally {
    await Promise.allSettled(queue);
  }
}

/** Writes records into files of about equal length; resolves with their number. */
async function writeShards(
  folder: string,
  side: number,
  expected: number,
  records: AsyncIterable<Uint8Array | undefined>,
  onRecord: () => void,
): Promise<number> {
  const shards = Math.max(1, Math.ceil(expected / SHARD_RECORDS));
  const each = Math.ceil(expected / shards);
  let shard = 0;
  let total = 0;
  let writer: TfrecordWriter | undefined;
  const finish = async () => {
    if (writer === undefined) return;
    await writer.finish(shardName(shard++, side, writer.count));
    writer = undefined;
  };
  try {
    for await (const record of records) {
      onRecord();
      if (record === undefined) continue;
      writer ??= await TfrecordWriter.create(folder);
      await writer.write(record);
      total++;
      if (writer.count === each) await finish();
    }
    await finish();
  } finally {
    await writer?.discard();
  }
  return total;
}
