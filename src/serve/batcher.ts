import type { BatchPlan } from './batch-plan.ts';
import { ServeError } from './serve-error.ts';

export interface BatcherOptions<Item, Result> {
  readonly plan: BatchPlan;
  /** Classifies up to `size` items; results in their order. */
  readonly run: (items: readonly Item[], size: number) => Promise<readonly Result[]>;
  readonly onBatch?: (batch: { readonly items: number; readonly size: number; readonly seconds: number }) => void;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly since: number;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (result: Batched<Result>) => void;
  readonly reject: (error: unknown) => void;
}

/** A result with the seconds that it waited and that its batch took. */
export interface Batched<Result> {
  readonly result: Result;
  readonly waitSeconds: number;
  readonly batchSeconds: number;
}

/**
 * Puts images of many requests into batches.
 *
 * While one batch runs, the images that come gather to the next one. An idle device never waits for company that may
 * not come, so that a lone image is as fast as it can be, and batches grow with the load by themselves.
 */
export class Batcher<Item, Result> {
  readonly #options: BatcherOptions<Item, Result>;
  #queue: Waiting<Item, Result>[] = [];
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(options: BatcherOptions<Item, Result>) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** Classifies one image with others; an aborted one is left out if its batch hasn't started. */
  async submit(item: Item, signal?: AbortSignal): Promise<Batched<Result>> {
    if (this.#stopped) throw new ServeError('STOPPING', 'the server is about to stop', { retryAfter: 5 });
    return new Promise((resolve, reject) => {
      this.#queue.push({ item, since: performance.now(), signal, resolve, reject });
      this.#running ??= this.#drain();
    });
  }

  /** Takes no more, and resolves when all that was taken is done. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #drain(): Promise<void> {
    const { plan, run, onBatch } = this.#options;
    for (;;) {
      // What arrives in the same turn of the event loop starts together.
      await new Promise(setImmediate);
      this.#dropAborted();
      if (this.#queue.length === 0) {
        this.#running = undefined;
        return;
      }
      const started = performance.now();
      const size = plan.choose(this.#queue.length, (started - this.#queue[0].since) / 1000);
      const batch = this.#queue.splice(0, size);
      try {
        const results = await run(
          batch.map(({ item }) => item),
          size,
        );
        const seconds = (performance.now() - started) / 1000;
        plan.record(size, seconds);
        onBatch?.({ items: batch.length, size, seconds });
        for (const [i, { since, resolve }] of batch.entries()) {
          resolve({ result: results[i], waitSeconds: (started - since) / 1000, batchSeconds: seconds });
        }
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
  }

  #dropAborted(): void {
    const gone = this.#queue.filter(({ signal }) => signal?.aborted === true);
    if (gone.length === 0) return;
    this.#queue = this.#queue.filter(({ signal }) => signal?.aborted !== true);
    for (const { signal, reject } of gone) reject(signal?.reason);
  }
}
