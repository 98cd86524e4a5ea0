import { createHash } from 'node:crypto';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';

/** Layers of equal area under the bell, the lowest with the tail. */
const LAYERS = 256;
/** Where the tail begins, and the area of a layer, of 256 layers. */
const TAIL = 3.6541528853610088;
const AREA = 0.004928673233974655;

/** The bell's height, 1 in the middle. */
const height = (x: number): number => Math.exp(-0.5 * x * x);

/** Half the width of each layer, from the lowest, and 0 above the highest. */
const EDGES = new Float64Array(LAYERS + 1);
EDGES[0] = AREA / height(TAIL);
EDGES[1] = TAIL;
for (let i = 2; i < LAYERS; i++) EDGES[i] = Math.sqrt(-2 * Math.log(AREA / EDGES[i - 1] + height(EDGES[i - 1])));
/** The part of each layer that lies under the bell at all its heights. */
const INSIDE = Float64Array.from({ length: LAYERS }, (_, i) => EDGES[i + 1] / EDGES[i]);

/**
 * A deterministic stream of random numbers on the host.
 *
 * The same seed and the same labels give the same numbers on every machine: `new Random(7, 'shuffle', epoch)` is a
 * stream of its own, whatever was drawn from others.
 */
export class Random {
  readonly #generator: RandomGenerator;

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

  /**
   * A float from the normal distribution with mean 0 and standard deviation 1, to 24 bits.
   *
   * The ziggurat of Marsaglia and Tsang (2000) in the form of Doornik (2005): of 100 numbers 99 take one draw and no logarithm, a
   * third of the time of Box-Muller's.
   */
  normal(): number {
    for (;;) {
      const bits = this.#generator.next();
      const layer = bits & (LAYERS - 1);
      // The middles of 2^24 equal parts of -1 to 1.
      const place = (bits >> 8) * 2 ** -23 + 2 ** -24;
      const value = place * EDGES[layer];
      if (Math.abs(place) < INSIDE[layer]) return value;
      if (layer === 0) return Math.sign(place) * this.#tail();
      const [outer, inner] = [height(EDGES[layer]), height(EDGES[layer + 1])];
      if (outer + this.uniform() * (inner - outer) < height(value)) return value;
    }
  }

  /** A normal number above `TAIL` (Marsaglia 1964). */
  #tail(): number {
    for (;;) {
      // 1 - u keeps the logarithm away from 0.
      const beyond = -Math.log(1 - this.uniform()) / TAIL;
      if (-2 * Math.log(1 - this.uniform()) > beyond * beyond) return TAIL + beyond;
    }
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
