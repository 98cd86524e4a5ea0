import { createHash } from 'node:crypto';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';

/**
 * A deterministic stream of random numbers on the host.
 *
 * The same seed and the same labels give the same numbers on every machine: `new Random(7, 'shuffle', epoch)` is a
 * stream of its own, whatever was drawn from others.
 */
export class Random {
  readonly #generator: RandomGenerator;
  #spare: number | undefined;

  constructor(seed: number, ...labels: readonly (string | number)[]) {
    const digest = createHash('sha256')
      .update(JSON.stringify([seed, ...labels]))
      .digest();
    this.#generator = xoroshiro128plusFromState([0, 4, 8, 12].map((offset) => digest.readInt32LE(offset)));
  }

  /** An integer in [0, 2^32). */
  uint32(): number {
    return this.#generator.next() >>> 0;
  }

  /** A float in [low, high). */
  uniform(low = 0, high = 1): number {
    const high26 = this.uint32() >>> 6;
    const low27 = this.uint32() >>> 5;
    return low + (high - low) * ((high26 * 2 ** 27 + low27) / 2 ** 53);
  }

  /** An integer in [0, bound). */
  integer(bound: number): number {
    return Math.floor(this.uniform() * bound);
  }

  /** A float from the normal distribution with mean 0 and standard deviation 1. */
  normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare;
      this.#spare = undefined;
      return spare;
    }
    // Box-Muller; 1 - u keeps the logarithm away from 0.
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** The integers 0 to n - 1 in random order. */
  permutation(n: number): Uint32Array {
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const swap = order[i];
      order[i] = order[j];
      order[j] = swap;
    }
    return order;
  }
}
