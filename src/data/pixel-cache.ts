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
  readonly #filled: Uint8Array;
  #count = 0;

  constructor(imageBytes: number, records: number, budgetBytes: number) {
    this.#imageBytes = imageBytes;
    this.capacity = Math.min(records, Math.floor(budgetBytes / imageBytes));
    this.#filled = new Uint8Array(this.capacity);
  }

  /** How many pictures are in. */
  get count(): number {
    return this.#count;
  }

  get(index: number): Buffer | undefined {
    if (index >= this.capacity || this.#filled[index] === 0) return undefined;
    return this.#slot(index);
  }

  put(index: number, pixels: Uint8Array): void {
    if (index >= this.capacity || this.#filled[index] === 1) return;
    this.#slot(index).set(pixels);
    this.#filled[index] = 1;
    this.#count++;
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
