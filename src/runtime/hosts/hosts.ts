import { allReduce, type Tensor } from '../../xla/index.ts';
import type { Backend } from '../backend.ts';
import { RuntimeError } from '../errors.ts';
import { jit } from '../jit.ts';

/** Numbers that one program exchanges: a few words, or a piece of an array. */
const PIECES = [1024, 2 ** 20] as const;
type Piece = (typeof PIECES)[number];

/** The bits of an array of which each host fills its own part; the rest is zero. */
type Shared = Float32Array | Uint8Array;

type Sum = (words: Uint32Array) => Promise<Uint32Array>;

/**
 * What hosts that train together tell each other, over the one network that all of them have: sums over their devices. All
 * hosts must ask for the same things in the same order. On one host nothing is compiled, run or waited for.
 */
export class Hosts {
  static readonly #known = new WeakMap<Backend, Hosts>();
  readonly #backend: Backend;
  readonly #sums = new Map<Piece, Promise<Sum>>();

  private constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** The hosts whose devices a backend joins. */
  static of(backend: Backend): Hosts {
    const hosts = Hosts.#known.get(backend) ?? new Hosts(backend);
    Hosts.#known.set(backend, hosts);
    return hosts;
  }

  /** The first reason that any host has, with the first host that has it; undefined where none has any. */
  async first<T extends string>(
    reasons: Readonly<Record<T, boolean>>,
  ): Promise<{ reason: T; host: number } | undefined> {
    const { index, count } = this.#backend.host;
    const names = Object.keys(reasons) as T[];
    const words = new Uint32Array(names.length * count);
    for (const [i, name] of names.entries()) if (reasons[name]) words[i * count + index] = 1;
    const found = (await this.#add(words)).indexOf(1);
    return found === -1 ? undefined : { reason: names[Math.floor(found / count)], host: found % count };
  }

  /**
   * Does what may fail on one host and not on others, such as a write, and waits until it is done on all.
   *
   * @throws what it failed with here, or RuntimeError `OTHER_HOST` where it failed elsewhere.
   */
  async all<T>(work: () => T | Promise<T>): Promise<T> {
    if (this.#backend.host.count === 1) return work();
    const [result] = await Promise.allSettled([(async () => work())()]);
    const failed = await this.first({ failed: result.status === 'rejected' });
    if (result.status === 'rejected') throw result.reason;
    if (failed !== undefined) throw otherHost(failed.host);
    return result.value;
  }

  /** Does on the first host what one does for all, such as a write; the others wait for it, as `all` says, and get undefined. */
  async byFirst<T>(work: () => T | Promise<T>): Promise<T | undefined> {
    const isFirst = this.#backend.host.index === 0;
    return this.all(async () => (isFirst ? work() : undefined));
  }

  /** Fills in what other hosts know of an array; each number is 0 on all hosts but one. */
  async share(array: Shared): Promise<void> {
    if (this.#backend.host.count === 1) return;
    // Bits are added up, not numbers: they arrive as they were, NaN and −0 too.
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    const step = 4 * PIECES[1];
    for (let start = 0; start < bytes.length; start += step) {
      const part = bytes.subarray(start, start + step);
      const words = new Uint32Array(Math.ceil(part.length / 4));
      new Uint8Array(words.buffer).set(part);
      const sum = await this.#add(words);
      part.set(new Uint8Array(sum.buffer, sum.byteOffset, part.length));
    }
  }

  /** @throws RuntimeError `HOSTS_DIFFER` on all hosts where a number is not the same on all; their names are told. */
  async requireSame(numbers: Readonly<Record<string, number>>, hint: string): Promise<void> {
    const { index, count } = this.#backend.host;
    if (count === 1) return;
    for (const [name, number] of Object.entries(numbers)) {
      const words = new Uint32Array(count);
      words[index] = number;
      const found = await this.#add(words);
      const other = found.findIndex((value) => value !== found[0]);
      if (other === -1) continue;
      throw new RuntimeError('HOSTS_DIFFER', `the hosts of this run don't have the same ${name}`, {
        received: `${found[0]} on host 0, ${found[other]} on host ${other}`,
        hint,
      });
    }
  }

  /** The sums over all hosts. */
  async #add(words: Uint32Array): Promise<Uint32Array> {
    if (this.#backend.host.count === 1) return words;
    const piece = words.length <= PIECES[0] ? PIECES[0] : PIECES[1];
    let sum = this.#sums.get(piece);
    if (sum === undefined) {
      sum = compileSum(this.#backend, piece);
      this.#sums.set(piece, sum);
    }
    return (await (await sum)(words)).subarray(0, words.length);
  }
}

async function compileSum(backend: Backend, length: number): Promise<Sum> {
  const type = { shape: [length], dtype: 'uint32' } as const;
  const sum = await jit(backend, (words: Tensor) => allReduce([words])[0], [type], { name: 'sum_over_hosts' });
  return async (words) => {
    // What a host says stands on its first device, and the others say nothing.
    const padded = new Uint32Array(length * backend.devices.length);
    padded.set(words);
    const given = await backend.shard(padded, { ...type, shape: [padded.length] });
    const result = await sum(given).finally(() => given.dispose());
    const total = (await result.toHost()) as Uint32Array;
    result.dispose();
    return total;
  };
}

/** The error of a host that can't go on because another one can't. */
export const otherHost = (host: number): RuntimeError =>
  new RuntimeError('OTHER_HOST', `host ${host} of this run has failed, and says why itself`, {
    hint: 'look at what that host has printed, then start all of them again',
  });
