import { formatCount } from '../base/index.ts';
import { resolveOrder, type Batch, type BatchOptions } from './batches.ts';
import type { Place } from './data-error.ts';
import type { Dataset } from './picture-set.ts';

/**
 * Some of the pictures of a data set, as a data set of their own that shares its memory, such as one fold of a
 * cross-validation. Closing it closes nothing: whoever opened the whole closes that.
 */
export class Selection implements Dataset {
  readonly name: string;
  readonly labels: Int32Array;
  readonly ids: readonly string[];
  /** Which picture of the whole each one is. */
  readonly records: Uint32Array;
  readonly #whole: Dataset;

  constructor(whole: Dataset, records: Uint32Array, name: string) {
    this.name = name;
    this.#whole = whole;
    this.records = records;
    this.labels = Int32Array.from(records, (record) => whole.labels[record]);
    this.ids = Array.from(records, (record) => whole.ids[record]);
  }

  get count(): number {
    return this.records.length;
  }
  get hasIds(): boolean {
    return this.#whole.hasIds;
  }
  get size(): Dataset['size'] {
    return this.#whole.size;
  }
  get classNames(): readonly string[] {
    return this.#whole.classNames;
  }
  get labelled(): boolean {
    return this.labels.some((label) => label >= 0);
  }
  get files(): readonly string[] {
    return this.#whole.files;
  }
  get layout(): Dataset['layout'] {
    return this.#whole.layout;
  }
  get skipped(): Dataset['skipped'] {
    return this.#whole.skipped;
  }

  async *batches({ order = 'sequential', ...options }: BatchOptions): AsyncGenerator<Batch, void, void> {
    const own = resolveOrder(order, this.count);
    const records = Uint32Array.from(own, (index) => this.records[index]);
    let row = 0;
    for await (const batch of this.#whole.batches({ ...options, order: records })) {
      const indices = new Uint32Array(batch.indices.length);
      indices.set(own.subarray(row, row + batch.count));
      row += batch.count;
      yield { ...batch, indices };
    }
  }

  async encoded(index: number): Promise<Buffer> {
    return this.#whole.encoded(this.records[index]);
  }

  place(index: number): Place {
    return this.#whole.place(this.records[index]);
  }

  describe(): string {
    return `${this.name}: ${formatCount(this.count)} of ${this.#whole.describe()}`;
  }

  /** Nothing: the data set that it is of stays open. */
  async close(): Promise<void> {}

  /** As `close`. */
  async [Symbol.asyncDispose](): Promise<void> {}
}
