import type { Place } from './data-error.ts';
import { correlation, distance, fingerprint, type Fingerprint } from './fingerprint.ts';

/** A picture of a data set, as far as its duplicates are concerned. */
export interface Member {
  readonly split: string;
  readonly id: string;
  /** Name of its class; undefined where it has no label. */
  readonly className: string | undefined;
  readonly place: Place;
}

/** Pictures that are one photo, or so alike that a model which has seen one knows the others. */
export interface DuplicateGroup {
  readonly members: readonly Member[];
  /** Whether they stand in more than one split: then what is measured on one was learnt from the other. */
  readonly acrossSplits: boolean;
  /** Whether they have more than one class: then at least one label is wrong. */
  readonly contradictory: boolean;
  /** The least alike two that hold the group together: 1 for the same pixels. */
  readonly similarity: number;
}

/** Pairs with more different bits aren't looked at. */
const MAX_DISTANCE = 12;

/** Thumbnails less alike are of different photos. Set by eye on tf_flowers and Oxford Flowers 102. */
const MIN_CORRELATION = 0.975;

/** Pictures compared with all others between two looks at the clock. */
const TURN = 256;

/** Collects pictures and finds the near-duplicates among them. */
export class DuplicateFinder {
  readonly #members: Member[] = [];
  readonly #prints: Fingerprint[] = [];

  get count(): number {
    return this.#members.length;
  }

  /** Takes a picture: RGB, rows from the top. */
  add(member: Member, pixels: Uint8Array, height: number, width: number): void {
    this.#members.push(member);
    this.#prints.push(fingerprint(pixels, height, width));
  }

  /** Groups of near-duplicates: contradictory ones first, then those across splits, the most alike first. */
  async find(options: { signal?: AbortSignal; onProgress?: (done: number) => void } = {}): Promise<DuplicateGroup[]> {
    const prints = this.#prints;
    const parent = Int32Array.from(prints.keys());
    const weakest = new Float64Array(prints.length).fill(1);
    for (let i = 0; i < prints.length; i++) {
      if (i % TURN === 0) {
        options.onProgress?.(i);
        await new Promise((resolve) => setImmediate(resolve));
        options.signal?.throwIfAborted();
      }
      for (let j = i + 1; j < prints.length; j++) {
        if (distance(prints[i], prints[j]) > MAX_DISTANCE) continue;
        const alike = correlation(prints[i], prints[j]);
        if (alike >= MIN_CORRELATION) join(parent, weakest, i, j, alike);
      }
    }
    const groups = [...Map.groupBy(prints.keys(), (i) => rootOf(parent, i))].filter(
      ([, members]) => members.length > 1,
    );
    return groups
      .map(([root, members]) => this.#describe(members, weakest[root]))
      .toSorted((a, b) => rank(b) - rank(a) || b.similarity - a.similarity);
  }

  #describe(indices: readonly number[], similarity: number): DuplicateGroup {
    const members = indices.map((index) => this.#members[index]);
    const classes = new Set(members.map(({ className }) => className).filter((name) => name !== undefined));
    const acrossSplits = new Set(members.map(({ split }) => split)).size > 1;
    return { members, acrossSplits, contradictory: classes.size > 1, similarity };
  }
}

const rank = ({ contradictory, acrossSplits }: DuplicateGroup): number =>
  2 * Number(contradictory) + Number(acrossSplits);

function rootOf(parent: Int32Array, index: number): number {
  while (parent[index] !== index) {
    parent[index] = parent[parent[index]];
    index = parent[index];
  }
  return index;
}

function join(parent: Int32Array, weakest: Float64Array, i: number, j: number, alike: number): void {
  const [a, b] = [rootOf(parent, i), rootOf(parent, j)];
  // A link inside a group doesn't hold it together.
  if (a === b) return;
  parent[b] = a;
  weakest[a] = Math.min(weakest[a], weakest[b], alike);
}
