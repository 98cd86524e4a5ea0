import { plural } from '../base/index.ts';
import { checkClassNames, findClassFile, readClassFile } from './classes.ts';
import { DataError } from './data-error.ts';
import { readImageSize, toSize, type ImageSize } from './decode.ts';
import type { FeatureNames } from './layout.ts';
import { filesOf, locate, type Split } from './locate.ts';
import { PictureSet, type Dataset } from './picture-set.ts';
import { defaultCacheBudget, PixelCache } from './pixel-cache.ts';
import { ReadAhead } from './read-ahead.ts';
import { indexRecords } from './record-index.ts';
import { RecordSource } from './record-source.ts';
import type { BadRecords, Source } from './source.ts';
import { Spool } from './spool.ts';
import { absolutePath, isRemote, nameOf, storageOf } from './storage/storage.ts';

/** Which part of a data set is opened, and how its records are read. */
export interface OpenOptions {
  /** Which split of a data set that has several, or which ones together; a data set without splits is taken whole. */
  readonly split?: Split | readonly Split[];
  /** Size the pictures get, a number meaning a square; the size they are stored in where left out. */
  readonly size?: number | ImageSize;
  /** Feature names of records in no known layout; the test split may lack that of the label. */
  readonly features?: FeatureNames;
  /** Class names in the order of their numbers, or a file that lists them; else looked for beside the records. */
  readonly classNames?: readonly string[] | string;
  readonly badRecords?: BadRecords;
  readonly labelsRequired?: boolean;
  /** Memory for decoded pictures; by default a quarter of the free memory, 4 GiB at most. */
  readonly cacheBudgetBytes?: number;
  /** Memory for encoded pictures, which are read by offset where it is too little; same default. */
  readonly recordBudgetBytes?: number;
  /** Told how many bytes of all the files have been read. */
  readonly onProgress?: (bytes: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Opens TFRecord files as a data set: reads them once, checks every checksum and parses every record.
 *
 * @throws DataError with the file, record and byte.
 * @example
 * const data = await openDataset('tf_flowers', { split: 'train', size: 192 });
 * for await (const batch of data.batches({ batchSize: 64, order: { shuffle: { seed: 1, epoch: 0 } } })) {
 *   // batch.images is [64, 192, 192, 3]
 *   batch.release();
 * }
 * await data.close();
 */
export async function openDataset(location: string, options: OpenOptions = {}): Promise<Dataset> {
  const { split, badRecords = 'fail', labelsRequired, features, signal, onProgress } = options;
  const wanted = options.size === undefined ? undefined : toSize(options.size);
  const located = await locate(location, wanted === undefined ? undefined : Math.max(wanted.height, wanted.width));
  const splits = typeof split === 'object' ? split : [split];
  const files = [...new Set(splits.flatMap((each) => filesOf(located, location, each)))];
  const sizes = await Promise.all(files.map(async (file) => (await storageOf(file)).sizeOf(file)));
  const totalBytes = sizes.reduce((sum, bytes) => sum + bytes, 0);
  const keep = totalBytes <= (options.recordBudgetBytes ?? defaultCacheBudget());
  let bytesRead = 0;
  const onBytes = (bytes: number) => onProgress?.((bytesRead += bytes), totalBytes);

  const decode = { autoOrient: false };
  const cacheOf = ({ height, width }: ImageSize) =>
    new PixelCache(height * width * 3, options.cacheBudgetBytes ?? defaultCacheBudget());
  const early = wanted ?? (located.side === undefined ? undefined : { height: located.side, width: located.side });
  const cache = early === undefined ? undefined : cacheOf(early);
  const readAhead =
    keep && early !== undefined && cache !== undefined ? new ReadAhead(cache, early, decode) : undefined;
  const onRecord =
    readAhead === undefined ? undefined : (record: number, image: Buffer) => readAhead.add(record, image);

  const spool = !keep && files.some(isRemote) ? await Spool.open(sizes) : undefined;
  let source: RecordSource | undefined;
  try {
    const labelsMayLack = split === 'test' && labelsRequired !== true;
    const index = await indexRecords(files, { features, labelsRequired, labelsMayLack, badRecords, keep, spool, signal, onBytes, onRecord }); // prettier-ignore
    if (spool?.isWhole === false) await spool.close();
    source = new RecordSource(index, spool?.isWhole === true ? spool : undefined);
    if (source.count === 0) {
      throw new DataError('NO_RECORDS', `no good records in ${plural(files.length, 'file')}`, {
        place: { file: files[0] },
        received: `${plural(index.skipped.length, 'bad record')}, the first one because of this: ${index.skipped[0].reason}`,
      });
    }
    const classNames = await resolveClassNames(options.classNames, files[0], source.labels);
    const size = early ?? (await storedSize(source));
    const dataset = new PictureSet({
      name: [nameOf(location), ...splits].filter((word) => word !== undefined).join(' '),
      source,
      layout: index.layout,
      classNames,
      size,
      skipped: [...index.skipped],
      badRecords,
      cache: cache ?? cacheOf(size),
      decode,
      readAhead,
    });
    dataset.checkLabels();
    return dataset;
  } catch (error) {
    await readAhead?.stop();
    await source?.close();
    await spool?.close();
    throw error;
  }
}

async function resolveClassNames(
  given: readonly string[] | string | undefined,
  recordFile: string,
  labels: Int32Array,
): Promise<readonly string[]> {
  if (typeof given === 'string') return readClassFile(given);
  if (given !== undefined) return checkClassNames(given, 'the given class names');
  const file = await findClassFile(absolutePath(recordFile));
  if (file !== undefined) return readClassFile(file);
  const highest = labels.reduce((max, label) => Math.max(max, label), -1);
  return Array.from({ length: highest + 1 }, (_, i) => `class ${i}`);
}

/** The size of all pictures, by the first of them. */
async function storedSize(source: Source): Promise<ImageSize> {
  const first = Uint32Array.from({ length: Math.min(16, source.count) }, (_, i) => i);
  const sizes: ImageSize[] = [];
  const last = first.length - 1;
  for (const [i, bytes] of (await source.read(first)).entries()) {
    if (bytes instanceof Error) throw bytes;
    try {
      sizes.push(await readImageSize(bytes, source.place(i)));
    } catch (error) {
      // A bad picture has no size. Decoding it is where it is refused or skipped.
      if (!(error instanceof DataError) || (i === last && sizes.length === 0)) throw error;
    }
  }
  const differs = sizes.find(({ height, width }) => height !== sizes[0].height || width !== sizes[0].width);
  if (differs === undefined) return sizes[0];
  throw new DataError('WHICH_SIZE', 'the images have different sizes', {
    place: { file: source.files[0] },
    received: `${sizes[0].width}x${sizes[0].height} and ${differs.width}x${differs.height}`,
    hint: 'choose the size they are resized to with --size, such as --size 224',
  });
}
