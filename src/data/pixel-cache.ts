/** How many pictures share one allocation. */
const SLAB_IMAGES = 64;

/**
 * Decoded pictures in memory: a fixed subset of a data set, the records with the lowest numbers.
 *
 * An epoch takes every record once, so any fixed subset is hit equally often; one that changes would be hit less.
 */
export class PixelCache {
  /** How many pictures fit. */
  readonly capacity: number;
  readonly #imageBytes: number;
  readonly #slabs: (Buffer | undefined)[] = [];
  readonly #filled = new Set<number>();

  constructor(imageBytes: number, budgetBytes: number) {
    this.#imageBytes = imageBytes;
    this.capacity = Math.floor(budgetBytes / imageBytes);
  }

  /** Whether a record is among those that are kept. */
  holds(index: number): boolean {
    return index < this.capacity;
  }

  /** How many pictures are in. */
  get count(): number {
    return this.#filled.size;
  }

  get(index: number): Buffer | undefined {
    return this.#filled.has(index) ? this.#slot(index) : undefined;
  }

  /** Lets `write` fill the place of a record that is kept, and counts it as in where that succeeds; returns the place. */
  async fill(index: number, write: (place: Buffer) => Promise<void>): Promise<Buffer> {
    const place = this.#slot(index);
    if (!this.#filled.has(index)) await write(place);
    this.#filled.add(index);
    return place;
  }

  #slot(index: number): Buffer {
    const slab = Math.floor(index / SLAB_IMAGES);
    const images = Math.min(SLAB_IMAGES, this.capacity - slab * SLAB_IMAGES);
    const memory = (this.#slabs[slab] ??= Buffer.allocUnsafeSlow(images * this.#imageBytes));
    const start = (index - slab * SLAB_IMAGES) * this.#imageBytes;
    return memory.subarray(start, start + this.#imageBytes);
  }
}

/** The default budget: a quarter of the memory that is free for this process, 4 GiB at most. */
export function defaultCacheBudget(): number {
  return Math.min(process.availableMemory() / 4, 4 * 2 ** 30);
}
