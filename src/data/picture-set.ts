import { formatBytes, formatCount, plural } from '../base/index.ts';
import { makeBatches, type Batch, type BatchOptions } from './batches.ts';
import { labelOutOfRange } from './classes.ts';
import type { DataError, Place } from './data-error.ts';
import type { DecodeOptions, ImageSize } from './decode.ts';
import type { Layout } from './layout.ts';
import type { PixelCache } from './pixel-cache.ts';
import type { ReadAhead } from './read-ahead.ts';
import type { BadRecords, Skipped, Source } from './source.ts';

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
  /** Whether the names are the pictures' own; else some say where a picture is stored, which is another place in another copy. */
  readonly hasIds: boolean;
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
  /** Closes files and gives back what it holds. */
  close(): Promise<void>;
}

export interface PictureSetOptions {
  readonly name: string;
  readonly source: Source;
  readonly layout: Layout | undefined;
  readonly classNames: readonly string[];
  readonly size: ImageSize;
  readonly skipped: Skipped[];
  readonly badRecords: BadRecords;
  readonly cache: PixelCache;
  readonly decode: DecodeOptions;
  /** What fills the cache until the first batch is asked for. */
  readonly readAhead?: ReadAhead;
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
  readonly #readAhead: ReadAhead | undefined;
  readonly #badRecords: BadRecords;
  readonly #pool: Buffer[] = [];
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
    this.#cache = options.cache;
    this.#readAhead = options.readAhead;
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

  get hasIds(): boolean {
    return this.#source.hasIds;
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
    // From now on the batches' order says what is decoded next. What is under way still comes into the cache.
    void this.#readAhead?.stop();
    const pictures = {
      source: this.#source,
      size: this.size,
      cache: this.#cache,
      decode: this.#decode,
      pool: this.#pool,
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
    const cached = Math.min(this.#cache.capacity, this.count);
    const share = Math.round((100 * cached) / Math.max(1, this.count));
    const pixels = cached * height * width * 3;
    const parts = [
      `${plural(this.count, 'image')} of ${width}x${height} px`,
      this.labelled ? plural(this.classNames.length, 'class', 'classes') : 'no labels',
      `decoded pixels of ${share}% cached in memory (${formatBytes(pixels)})`,
    ];
    if (this.#source.heldBytes > 0) parts.push(`files in memory (${formatBytes(this.#source.heldBytes)})`);
    const { copiedBytes = 0 } = this.#source;
    if (copiedBytes > 0) parts.push(`a copy of the files on this disk (${formatBytes(copiedBytes)})`);
    if (this.skipped.length > 0) parts.push(`${formatCount(this.skipped.length)} skipped`);
    return `${this.name}: ${parts.join(', ')}`;
  }

  /** Closes files and gives back what it holds. */
  async close(): Promise<void> {
    this.#pool.length = 0;
    await this.#readAhead?.stop();
    await this.#source.close();
  }

  /** As `close`. */
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
