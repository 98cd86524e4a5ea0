import { assert } from '../base/index.ts';
import { ServeError } from './serve-error.ts';

/** Bounds the memory that uploads and fetched images take, over all requests. */
export class ByteBudget {
  readonly #limit: number;
  #held = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get held(): number {
    return this.#held;
  }

  /** An account of one request; closing it gives all that it took back. */
  open(): ByteAccount {
    let taken = 0;
    let closed = false;
    return {
      take: (bytes) => {
        // Nobody would give it back.
        assert(!closed, 'the request that the bytes are for is over');
        if (this.#held + bytes > this.#limit) {
          throw new ServeError('BUSY', 'too many images are on their way at once', { retryAfter: 1 });
        }
        this.#held += bytes;
        taken += bytes;
      },
      [Symbol.dispose]: () => {
        closed = true;
        this.#held -= taken;
        taken = 0;
      },
    };
  }
}

export interface ByteAccount extends Disposable {
  /** @throws ServeError `BUSY` where all requests together hold too much. */
  take(bytes: number): void;
}
