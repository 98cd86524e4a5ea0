import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { formatBytes, formatCount, plural } from '../base/index.ts';
import { makeBatches, type Batch, type BatchOptions } from './batches.ts';
import { checkClassNames, findClassFile, labelOutOfRange, readClassFile } from './classes.ts';
import { DataError, type Place } from './data-error.ts';
import { readImageSize, type DecodeOptions, type ImageSize } from './decode.ts';
import type { FeatureNames, Layout } from './layout.ts';
import { filesOf, locate, type Split } from './locate.ts';
import { defaultCacheBudget, PixelCache } from './pixel-cache.ts';
import { indexRecords } from './record-index.ts';
import { RecordSource } from './record-source.ts';
import type { BadRecords, Skipped, Source } from './source.ts';

export interface OpenOptions {
  /** Which split of a data set that has several; a data set without splits is taken whole. */
  readonly split?: Split;
  /** Size the pictures get, a number meaning a square; the size they are stored in where left out. */
  readonly size?: number | ImageSize;
  /** Feature names of records in no known layout. */
  readonly features?: FeatureNames;
  /** Class names in the order of their numbers, or the file that lists them; looked for beside the records otherwise. */
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

/** Labelled pictures in a fixed order, decoded on demand. */
export interface Dataset extends AsyncDisposable {
  readonly name: string;
  readonly count: number;
  readonly size: ImageSize;
  readonly classNames: readonly string[];
  /** Class numbers, [count]; -1 where unknown. */
  readonly labels: Int32Array;
  readonly labelled: boolean;
  /** Names of the pictures, [count]. */
  readonly ids: readonly string[];
  readonly files: readonly string[];
  readonly layout: Layout | undefined;
  /** Records left out so far: when the data set was opened, and while it was decoded. */
  readonly skipped: readonly Skipped[];
  /** Decoded batches, some ahead of the consumer. */
  batches(options: BatchOptions): AsyncGenerator<Batch, void, void>;
  /** The encoded picture of a record, as it is stored. */
  encoded(index: number): Promise<Buffer>;
  /** Where a record is stored. */
  place(index: number): Place;
  /** One line: how many pictures of which size, and how much of them is held in memory. */
  describe(): string;
  close(): Promise<void>;
}

/**
 * Opens TFRecord files as a data set: reads them once, checks every checksum and parses every record.
 *
 * @throws DataError with the file, record and byte.
 * @example
 * await using data = await openDataset('tf_flowers', { split: 'train', size: 192 });
 * for await (const batch of data.batches({ batchSize: 64, order: { shuffle: { seed: 1, epoch: 0 } } })) {
 *   // batch.images is [64, 192, 192, 3]
 *   batch.release();
 * }
 */
export async function openDataset(location: string, options: OpenOptions = {}): Promise<Dataset> {
  const { split, badRecords = 'fail', labelsRequired, features, signal, onProgress } = options;
  const wanted = toSize(options.size);
  const located = await locate(location, wanted === undefined ? undefined : Math.max(wanted.height, wanted.width));
  const files = filesOf(located, location, split);
  const totalBytes = await fileBytes(files);
  const keep = totalBytes <= (options.recordBudgetBytes ?? defaultCacheBudget());
  let bytesRead = 0;
  const onBytes = (bytes: number) => onProgress?.((bytesRead += bytes), totalBytes);

  const index = await indexRecords(files, { features, labelsRequired, badRecords, keep, signal, onBytes });
  const source = new RecordSource(index);
  try {
    if (source.count === 0) {
      throw new DataError('NO_RECORDS', `no good records in ${plural(files.length, 'file')}`, {
        place: { file: files[0] },
        received: plural(index.skipped.length, 'bad record'),
      });
    }
    const classNames = await resolveClassNames(options.classNames, files[0], source.labels);
    const dataset = new PictureSet({
      name: [basename(resolve(location)), split].filter((word) => word !== undefined).join(' '),
      source,
      layout: index.layout,
      classNames,
      size: wanted ?? (await storedSize(source, located.side)),
      skipped: [...index.skipped],
      badRecords,
      cacheBudgetBytes: options.cacheBudgetBytes,
      decode: { autoOrient: false },
    });
    dataset.checkLabels();
    return dataset;
  } catch (error) {
    await source.close();
    throw error;
  }
}

export interface PictureSetOptions {
  readonly name: string;
  readonly source: Source;
  readonly layout: Layout | undefined;
  readonly classNames: readonly string[];
  readonly size: ImageSize;
  readonly skipped: Skipped[];
  readonly badRecords: BadRecords;
  readonly cacheBudgetBytes: number | undefined;
  readonly decode: DecodeOptions;
}

/** A data set over any source of encoded pictures. */
export class PictureSet implements Dataset {
  readonly name: string;
  readonly size: ImageSize;
  readonly classNames: readonly string[];
  readonly labelled: boolean;
  readonly layout: Layout | undefined;
  readonly skipped: Skipped[];
  readonly #source: Source;
  readonly #cache: PixelCache;
  readonly #decode: DecodeOptions;
  readonly #badRecords: BadRecords;
  /** Records found bad since the data set was opened: they keep their numbers, but are masked out of every batch. */
  readonly #bad = new Set<number>();

  constructor(options: PictureSetOptions) {
    this.name = options.name;
    this.size = options.size;
    this.classNames = options.classNames;
    this.layout = options.layout;
    this.skipped = options.skipped;
    this.#source = options.source;
    this.#decode = options.decode;
    this.#badRecords = options.badRecords;
    this.labelled = options.source.labels.some((label) => label >= 0);
    const imageBytes = this.size.height * this.size.width * 3;
    this.#cache = new PixelCache(imageBytes, this.count, options.cacheBudgetBytes ?? defaultCacheBudget());
  }

  get count(): number {
    return this.#source.count;
  }

  get labels(): Int32Array {
    return this.#source.labels;
  }

  get ids(): readonly string[] {
    return this.#source.ids;
  }

  get files(): readonly string[] {
    return this.#source.files;
  }

  /** Refuses labels without a class, or masks them out, as `badRecords` says. */
  checkLabels(): void {
    for (const [index, label] of this.labels.entries()) {
      if (label >= this.classNames.length) {
        this.#onBad(index, labelOutOfRange(label, this.classNames.length, this.place(index)));
      }
    }
  }

  batches(options: BatchOptions): AsyncGenerator<Batch, void, void> {
    const pictures = {
      source: this.#source,
      size: this.size,
      cache: this.#cache,
      decode: this.#decode,
      onBad: (index: number, error: DataError) => this.#onBad(index, error),
      isBad: (index: number) => this.#bad.has(index),
    };
    return makeBatches(pictures, options);
  }

  async encoded(index: number): Promise<Buffer> {
    const [bytes] = await this.#source.read(Uint32Array.of(index));
    if (bytes instanceof Error) throw bytes;
    return bytes;
  }

  place(index: number): Place {
    return this.#source.place(index);
  }

  describe(): string {
    const { height, width } = this.size;
    const share = Math.round((100 * this.#cache.capacity) / Math.max(1, this.count));
    const pixels = this.#cache.capacity * height * width * 3;
    const parts = [
      `${plural(this.count, 'image')} of ${width}x${height} px`,
      this.labelled ? plural(this.classNames.length, 'class', 'classes') : 'no labels',
      `decoded pixels of ${share}% cached in memory (${formatBytes(pixels)})`,
    ];
    if (this.#source.heldBytes > 0) parts.push(`files in memory (${formatBytes(this.#source.heldBytes)})`);
    if (this.skipped.length > 0) parts.push(`${formatCount(this.skipped.length)} skipped`);
    return `${this.name}: ${parts.join(', ')}`;
  }

  close(): Promise<void> {
    return this.#source.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #onBad(index: number, error: DataError): void {
    if (this.#badRecords === 'fail') throw error;
    if (this.#bad.has(index)) return;
    this.#bad.add(index);
    const { file, record } = this.place(index);
    this.skipped.push({ file, record, reason: error.reason });
  }
}

export function toSize(size: number | ImageSize | undefined): ImageSize | undefined {
  return typeof size === 'number' ? { height: size, width: size } : size;
}

async function resolveClassNames(
  given: readonly string[] | string | undefined,
  recordFile: string,
  labels: Int32Array,
): Promise<readonly string[]> {
  if (typeof given === 'string') return readClassFile(given);
  if (given !== undefined) return checkClassNames(given, 'the given class names');
  const file = await findClassFile(resolve(recordFile));
  if (file !== undefined) return readClassFile(file);
  const highest = labels.reduce((max, label) => Math.max(max, label), -1);
  return Array.from({ length: highest + 1 }, (_, i) => `class ${i}`);
}

/** The size of all pictures, by the folder's name or else by the first of them. */
async function storedSize(source: Source, side: number | undefined): Promise<ImageSize> {
  if (side !== undefined) return { height: side, width: side };
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

async function fileBytes(files: readonly string[]): Promise<number> {
  let total = 0;
  for (const file of files) total += (await stat(file)).size;
  return total;
}
