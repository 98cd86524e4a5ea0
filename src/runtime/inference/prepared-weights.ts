import type { Backend } from '../backend.ts';
import type { DeviceArray } from '../device-array.ts';
import type { Program } from '../program.ts';

/** What was computed of one set of weights. */
interface PreparedSet {
  readonly weights: readonly DeviceArray[];
  readonly arrays: Promise<readonly DeviceArray[]>;
  /** Runs that read it. */
  readers: number;
  /** Whether it goes with its last reader. */
  outdated: boolean;
  readonly forget: readonly (() => void)[];
}

/**
 * What programs need that depends on their weights alone, computed once for each set of weights.
 *
 * The arrays of a set never change, so that they tell whether what was made of them still holds. It goes when other
 * weights come, or when one of these is disposed of or donated to a training step: in between training steps nothing is held twice.
 */
export class PreparedWeights {
  readonly #program: Promise<Program>;
  readonly #release: () => void;
  #current: PreparedSet | undefined;

  private constructor(program: Promise<Program>, release: () => void) {
    this.#program = program;
    this.#release = release;
  }

  /** The one that all programs of a backend with the same preparation share, such as those for batches of several sizes. Each user disposes of it once. */
  static shared(backend: Backend, key: string, compile: () => Promise<Program>): PreparedWeights {
    const known = registry.get(backend) ?? new Map<string, Shared>();
    registry.set(backend, known);
    const found = known.get(key);
    if (found !== undefined) {
      found.users++;
      return found.prepared;
    }
    const release = (): void => {
      entry.users--;
      if (entry.users > 0) return;
      known.delete(key);
      prepared.#end();
    };
    const prepared = new PreparedWeights(compile(), release);
    const entry: Shared = { prepared, users: 1 };
    known.set(key, entry);
    return prepared;
  }

  /** Resolves when it is compiled, to the program. */
  get compiled(): Promise<Program> {
    return this.#program;
  }

  /** Calls `run` with what was made of these weights, which stays there until it ends. */
  async use<T>(weights: readonly DeviceArray[], run: (prepared: readonly DeviceArray[]) => Promise<T>): Promise<T> {
    const set = this.#setFor(weights);
    set.readers++;
    try {
      return await run(await set.arrays);
    } catch (error) {
      // What failed is tried anew by the next run.
      this.#drop(set);
      throw error;
    } finally {
      set.readers--;
      if (set.outdated) freeUnread(set);
    }
  }

  dispose(): void {
    this.#release();
  }

  #setFor(weights: readonly DeviceArray[]): PreparedSet {
    const current = this.#current;
    if (current !== undefined && current.weights.every((array, i) => array === weights[i])) return current;
    if (current !== undefined) this.#drop(current);
    const arrays = this.#program.then(async (program) => program.run(weights));
    const drop = (): void => this.#drop(set);
    const forget = weights.map((array) => array.onDispose(drop));
    const set: PreparedSet = { weights, arrays, readers: 0, outdated: false, forget };
    this.#current = set;
    return set;
  }

  #drop(set: PreparedSet): void {
    if (this.#current === set) this.#current = undefined;
    set.outdated = true;
    for (const forget of set.forget) forget();
    freeUnread(set);
  }

  #end(): void {
    const last = this.#current?.arrays;
    if (this.#current !== undefined) this.#drop(this.#current);
    // A program that runs is not taken away under its run.
    Promise.allSettled([last]).then(async () => (await this.#program).dispose()).catch(() => {}); // prettier-ignore
  }
}

interface Shared {
  readonly prepared: PreparedWeights;
  users: number;
}

const registry = new WeakMap<Backend, Map<string, Shared>>();

function freeUnread(set: PreparedSet): void {
  if (set.readers > 0) return;
  // Arrays that could not be made are nobody's to free.
  set.arrays.then((arrays) => arrays.forEach((array) => array.dispose())).catch(() => {});
}
