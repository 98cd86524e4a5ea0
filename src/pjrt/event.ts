import type { Api } from './api.ts';
import type { Pointer } from './ffi.ts';

/** Work that is under way. It is waited for once, which frees it. */
export class PendingEvent {
  readonly #api: Api;
  #event: Pointer;

  constructor(api: Api, event: Pointer) {
    this.#api = api;
    this.#event = event;
  }

  /** Whether the work is over. */
  get isReady(): boolean {
    return this.#event === 0n || this.#api.call('Event_IsReady', { event: this.#event }).is_ready;
  }

  /**
   * Waits until the work is over, off this thread. `alive` is held until then.
   *
   * @throws PjrtError what the work ended with, if it failed.
   */
  async wait(alive: readonly unknown[] = []): Promise<void> {
    const event = this.#event;
    if (event === 0n) return;
    try {
      // Short work is often over by now, and asking is 50 times cheaper than a worker thread.
      if (this.isReady) this.#api.call('Event_Error', { event });
      else await this.#api.callAsync('Event_Await', { event }, alive);
    } finally {
      this.#event = 0n;
      this.#api.call('Event_Destroy', { event });
    }
  }
}

/** Waits for an event that nobody asks about, and frees it; as `PendingEvent.wait`. */
export async function awaitEvent(api: Api, event: Pointer, alive: readonly unknown[] = []): Promise<void> {
  await new PendingEvent(api, event).wait(alive);
}
