import { decodeImage, type DecodeOptions, type ImageSize } from './decode.ts';
import type { PixelCache } from './pixel-cache.ts';

/**
 * How many pictures it keeps with the decoding threads: enough for the cores that indexing leaves idle. What comes after
 * opening, such as compiling the model, has the other threads of the pool.
 */
const DECODES = 6;

/**
 * Decodes records into the pixel cache from the moment that they are indexed until the first batch is asked for, while
 * the rest of the files is still being read and, in training, while the model compiles.
 */
export class ReadAhead {
  readonly #cache: PixelCache;
  readonly #size: ImageSize;
  readonly #options: DecodeOptions;
  readonly #waiting: { readonly index: number; readonly bytes: Buffer }[] = [];
  readonly #running = new Set<Promise<void>>();
  #next = 0;
  #stopped = false;

  constructor(cache: PixelCache, size: ImageSize, options: DecodeOptions) {
    this.#cache = cache;
    this.#size = size;
    this.#options = options;
  }

  /** Takes a record whose bytes stay in memory. */
  add(index: number, bytes: Buffer): void {
    if (this.#stopped || !this.#cache.holds(index)) return;
    this.#waiting.push({ index, bytes });
    this.#fill();
  }

  /** Starts no more pictures; resolves when none is being decoded. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  #fill(): void {
    while (!this.#stopped && this.#running.size < DECODES && this.#next < this.#waiting.length) {
      const { index, bytes } = this.#waiting[this.#next++];
      const work = this.#decode(index, bytes).finally(() => {
        this.#running.delete(work);
        this.#fill();
      });
      this.#running.add(work);
    }
  }

  async #decode(index: number, bytes: Buffer): Promise<void> {
    const decode = async (place: Buffer) => decodeImage(bytes, this.#size, place, { file: '' }, this.#options);
    // A bad picture is told, or skipped, by the batch that it belongs to.
    await this.#cache.fill(index, decode).catch(() => {});
  }
}
