import { treeLeaves } from '../base/index.ts';
import { isDeviceArray } from './device-array.ts';

/** What holds memory of a device until it is disposed of: a program, an evaluator, an array. */
export interface Held {
  dispose(): void;
}

/** Programs and arrays that are disposed of together, whatever happens between: `using held = new HeldTogether()`. */
export class HeldTogether implements Disposable {
  readonly #held: Held[] = [];

  /** Takes a program or the like. */
  keep<T extends Held>(held: T): T {
    this.#held.push(held);
    return held;
  }

  /** Takes the arrays of a tree. */
  keepArrays<T>(tree: T): T {
    this.#held.push(...treeLeaves(tree, isDeviceArray));
    return tree;
  }

  [Symbol.dispose](): void {
    for (const held of this.#held.splice(0).toReversed()) held.dispose();
  }
}
