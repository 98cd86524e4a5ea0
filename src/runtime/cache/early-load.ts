import type { CompileOptions, LoadedExecutable } from '../../pjrt/index.ts';
import type { Backend } from '../backend.ts';
import { CompileCache } from './compile-cache.ts';
import { compilerFingerprint } from './compiler-fingerprint.ts';

/** Characters of a program that takes longer to trace and write than its label takes to look up. */
const LEAST_TEXT = 50_000;

/**
 * A program that is loaded from the cache while its text is still being made: the one that was made last time for the same
 * arguments. It is a guess. Once the text is known, so is the program's key, and only if that is the guessed one is the program
 * taken.
 */
export class EarlyLoad {
  readonly #cache: CompileCache;
  readonly #label: string;
  readonly #key: string | undefined;
  /** Undefined where there is none, or it didn't load. */
  #executable: Promise<LoadedExecutable | undefined> | undefined;

  private constructor(cache: CompileCache, label: string, key?: string, executable?: Promise<LoadedExecutable>) {
    this.#cache = cache;
    this.#label = label;
    this.#key = key;
    this.#executable = executable?.catch(() => undefined);
  }

  /**
   * Hands the program to another thread, if there is one. All of it is done when this returns: tracing, which follows, keeps this thread.
   *
   * @param known all that is known of the program before it is traced.
   * @returns undefined for a backend without a cache.
   */
  static begin(backend: Backend, known: readonly string[], options: CompileOptions): EarlyLoad | undefined {
    const cache = backend.compileCache;
    if (cache === undefined) return undefined;
    const label = CompileCache.key(...known, JSON.stringify(options), ...compilerFingerprint(backend));
    const key = cache.latest(label);
    const serialized = key === undefined ? undefined : cache.readAtOnce(key);
    if (key === undefined || serialized === undefined) return new EarlyLoad(cache, label);
    return new EarlyLoad(cache, label, key, backend.load(serialized, options));
  }

  /** The program, if it is the one with this key and loads. It is the caller's from then on. */
  async take(key: string): Promise<LoadedExecutable | undefined> {
    if (key !== this.#key) return undefined;
    const executable = this.#executable;
    this.#executable = undefined;
    return executable;
  }

  /** Says which program it is, for next time. */
  async remember(key: string, text: string): Promise<void> {
    if (key !== this.#key && text.length >= LEAST_TEXT) await this.#cache.setLatest(this.#label, key);
  }

  /** Frees the program unless it was taken. */
  dispose(): void {
    void this.#executable?.then((executable) => executable?.destroy());
    this.#executable = undefined;
  }
}
