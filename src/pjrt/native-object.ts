import { PjrtError } from './error.ts';
import type { Pointer } from './ffi.ts';

/**
 * An object of a plugin that we have to free, while calls on other threads may be using it.
 *
 * After `destroy()` it can't be used, and it is freed as soon as nothing uses it any more.
 */
export abstract class NativeObject implements Disposable {
  readonly #handle: Pointer;
  #uses = 0;
  #isDestroyed = false;

  constructor(handle: Pointer) {
    this.#handle = handle;
  }

  /** How errors name it. */
  abstract toString(): string;

  /** Tells the plugin that we are through with it. */
  protected abstract free(handle: Pointer): void;

  get isDestroyed(): boolean {
    return this.#isDestroyed;
  }

  /** The plugin's address of it, for a call on this thread. */
  protected get handle(): Pointer {
    if (this.#isDestroyed) throw new PjrtError('INVALID_ARGUMENT', `${this.toString()} is used after destroy()`);
    return this.#handle;
  }

  /** The plugin's address of it, for a call on another thread; `release` must follow at the call's end. */
  acquire(): Pointer {
    const { handle } = this;
    this.#uses++;
    return handle;
  }

  /** Ends a use that `acquire` began. */
  release(): void {
    this.#uses--;
    if (this.#isDestroyed && this.#uses === 0) this.free(this.#handle);
  }

  /** Runs work that uses it on another thread. */
  protected async use<T>(work: (handle: Pointer) => Promise<T>): Promise<T> {
    const handle = this.acquire();
    try {
      return await work(handle);
    } finally {
      this.release();
    }
  }

  /** Frees it. A second call does nothing. */
  destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    if (this.#uses === 0) this.free(this.#handle);
  }

  /** As `destroy`. */
  [Symbol.dispose](): void {
    this.destroy();
  }
}
