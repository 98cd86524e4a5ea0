/** How much one image weighs beside the earlier ones. */
const WEIGHT = 0.05;
/** With fewer images at a time a low rate may only mean that few came. */
const ENOUGH = 4;

/**
 * How many images a second all stages together get done, by Little's law: an image that took `s` seconds while `n` were
 * being worked on shows a rate of `n / s`. Decoding, network and model share the processor, so that none of them tells it
 * alone.
 */
export class Throughput {
  readonly #now: () => number;
  #working = 0;
  #rate: number;

  /**
   * @param rate what to go by until there are observations.
   * @param now seconds on a clock that only goes forward.
   */
  constructor(rate: number, now: () => number = () => performance.now() / 1000) {
    this.#rate = rate;
    this.#now = now;
  }

  /** Images a second. */
  get rate(): number {
    return this.#rate;
  }

  /** Images that are followed now. */
  get working(): number {
    return this.#working;
  }

  /** Follows one image through all its stages. */
  async follow<T>(work: () => Promise<T>): Promise<T> {
    const others = ++this.#working;
    const started = this.#now();
    try {
      const result = await work();
      const seconds = Math.max(1e-4, this.#now() - started);
      const shown = others / seconds;
      if (others >= ENOUGH || shown > this.#rate) this.#rate += WEIGHT * (shown - this.#rate);
      return result;
    } finally {
      this.#working--;
    }
  }
}
