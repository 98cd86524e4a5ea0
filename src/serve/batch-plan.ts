/** How much a new measurement of a batch's time weighs beside the earlier ones. */
const WEIGHT = 0.2;

/** Chooses the size of the next batch by how long batches of each size take. */
export class BatchPlan {
  /** Sizes that are compiled, the smallest first. */
  readonly sizes: readonly number[];
  /** Seconds that an image may spend waiting and being classified, if batches can be chosen so. */
  readonly budget: number;
  readonly #seconds = new Map<number, number>();

  constructor(sizes: readonly number[], budget: number) {
    this.sizes = sizes.toSorted((a, b) => a - b);
    this.budget = budget;
  }

  /** Notes how long a batch took. */
  record(size: number, seconds: number): void {
    const before = this.#seconds.get(size);
    this.#seconds.set(size, before === undefined ? seconds : before + WEIGHT * (seconds - before));
  }

  secondsOf(size: number): number {
    return this.#seconds.get(size) ?? 0;
  }

  /**
   * The size for `waiting` images of which the first has waited for so long: the one that gets most images done in a
   * second, of those that keep the budget. Padding counts as time, not as images. Where none keeps it, any may be.
   */
  choose(waiting: number, waitedSeconds: number): number {
    const timely = this.sizes.filter((size) => waitedSeconds + this.secondsOf(size) <= this.budget);
    const rate = (size: number) => Math.min(size, waiting) / Math.max(this.secondsOf(size), 1e-6);
    const candidates = timely.length > 0 ? timely : this.sizes;
    return candidates.reduce((best, size) => (rate(size) > rate(best) ? size : best));
  }

  /** Images a second when there are always enough waiting. */
  get peak(): number {
    return Math.max(...this.sizes.map((size) => size / Math.max(this.secondsOf(size), 1e-6)));
  }
}
