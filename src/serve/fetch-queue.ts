import type { Limits } from './limits.ts';
import { ServeError } from './serve-error.ts';

/** URLs that wait for their turn, for each that is fetched at a time. */
const WAITING_PER_PLACE = 32;

interface Waiting {
  readonly client: string;
  readonly start: () => void;
}

/**
 * Who may fetch a URL now. A URL that doesn't answer holds its place for seconds, so no client has more than a share of
 * the places; of those that wait, one of the client that has fewest comes next, and none waits longer than a fetch may take.
 */
export class FetchQueue {
  readonly #limits: Pick<Limits, 'fetches' | 'clientFetches' | 'fetchSeconds' | 'images'>;
  /** Places taken by each client that has any. */
  readonly #places = new Map<string, number>();
  #taken = 0;
  #waiting: Waiting[] = [];

  constructor(limits: Pick<Limits, 'fetches' | 'clientFetches' | 'fetchSeconds' | 'images'>) {
    this.#limits = limits;
  }

  /**
   * Does a client's piece of work in its turn.
   *
   * @throws ServeError `BUSY` where the queue is full or the turn doesn't come in time; the signal's reason.
   */
  async run<T>(client: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.#hasPlaceFor(client)) this.#take(client);
    else await this.#wait(client, signal);
    try {
      return await work();
    } finally {
      this.#leave(client);
    }
  }

  async #wait(client: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { fetches, fetchSeconds, images } = this.#limits;
    const own = this.#waiting.reduce((count, each) => count + Number(each.client === client), 0);
    // Any single request has room.
    if (own >= images || this.#waiting.length >= fetches * WAITING_PER_PLACE) throw this.#busy();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting: Waiting = { client, start: resolve };
    const giveUp = (reason: unknown): void => {
      this.#waiting = this.#waiting.filter((each) => each !== waiting);
      reject(reason);
    };
    const abort = (): void => giveUp(signal.reason);
    const patience = setTimeout(() => giveUp(this.#busy()), fetchSeconds * 1000);
    signal.addEventListener('abort', abort, { once: true });
    this.#waiting.push(waiting);
    try {
      await promise;
    } finally {
      clearTimeout(patience);
      signal.removeEventListener('abort', abort);
    }
  }

  #hasPlaceFor(client: string): boolean {
    return this.#taken < this.#limits.fetches && this.#placesOf(client) < this.#limits.clientFetches;
  }

  #placesOf(client: string): number {
    return this.#places.get(client) ?? 0;
  }

  #take(client: string): void {
    this.#taken++;
    this.#places.set(client, this.#placesOf(client) + 1);
  }

  #leave(client: string): void {
    this.#taken--;
    const left = this.#placesOf(client) - 1;
    if (left === 0) this.#places.delete(client);
    else this.#places.set(client, left);
    const next = this.#waiting
      .filter((each) => this.#hasPlaceFor(each.client))
      .reduce<Waiting | undefined>((best, each) => {
        return best === undefined || this.#placesOf(each.client) < this.#placesOf(best.client) ? each : best;
      }, undefined);
    if (next === undefined) return;
    this.#waiting = this.#waiting.filter((each) => each !== next);
    this.#take(next.client);
    next.start();
  }

  #busy(): ServeError {
    // By then those that are fetched now are done.
    const retryAfter = Math.ceil(this.#limits.fetchSeconds);
    return new ServeError('BUSY', 'too many URLs wait to be fetched', { retryAfter });
  }
}
