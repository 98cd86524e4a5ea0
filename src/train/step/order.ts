import { Random } from '../../base/index.ts';

/** How an epoch is drawn. */
export const SAMPLINGS = ['shuffle', 'balanced'] as const;
export type Sampling = (typeof SAMPLINGS)[number];

/** What an epoch's order follows from. */
export interface OrderSettings {
  readonly sampling: Sampling;
  readonly seed: number;
  readonly epoch: number;
  /** How many classes there are: labels above are of records that are skipped. */
  readonly classes?: number;
}

/** Which example stands at each place of an epoch; depends on seed and epoch only. */
export function epochOrder(
  labels: Int32Array,
  { sampling, seed, epoch, classes: count = Infinity }: OrderSettings,
): Uint32Array {
  if (sampling === 'shuffle') return new Random(seed, 'shuffle', epoch).permutation(labels.length);
  const random = new Random(seed, 'balanced', epoch);
  const classes = Map.groupBy(labels.keys(), (index) => labels[index]);
  const known = [...classes.keys()].filter((label) => label < count).toSorted((a, b) => a - b);
  const decks = known.map((label) => new Deck(classes.get(label)!, random));
  const turns = new Deck(decks, random);
  return Uint32Array.from(labels, () => turns.next().next());
}

/** Cards in random order, shuffled anew when all have been drawn. */
class Deck<T> {
  readonly #cards: readonly T[];
  readonly #random: Random;
  #order = new Uint32Array(0);
  #drawn = 0;

  constructor(cards: readonly T[], random: Random) {
    this.#cards = cards;
    this.#random = random;
  }

  next(): T {
    if (this.#drawn === this.#order.length) {
      this.#order = this.#random.permutation(this.#cards.length) as Uint32Array<ArrayBuffer>;
      this.#drawn = 0;
    }
    return this.#cards[this.#order[this.#drawn++]];
  }
}
