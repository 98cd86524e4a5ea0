import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { Tinypool } from 'tinypool';
import type { ImageKey } from './image.ts';

/** Pictures a thread draws between two messages. */
const CHUNK = 8;

/** `worker.ts` in a checkout, `worker.js` in the built package. */
const WORKER = new URL(`./worker${extname(import.meta.filename)}`, import.meta.url).href;

/**
 * Draws pictures on all cores and yields their JPEG files in the order of `keys`.
 *
 * Only a few chunks are under way at a time: memory stays flat however many pictures are asked for.
 *
 * @throws The reason of `signal` when it is aborted.
 */
export async function* drawJpegs(keys: readonly ImageKey[], signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const chunks = Math.ceil(keys.length / CHUNK);
  if (chunks === 0) return;
  const threads = Math.min(availableParallelism(), chunks);
  const pool = new Tinypool({ filename: WORKER, minThreads: threads, maxThreads: threads });
  const underWay: Promise<Uint8Array[]>[] = [];
  try {
    for (let next = 0; next < chunks || underWay.length > 0;) {
      signal?.throwIfAborted();
      while (next < chunks && underWay.length < 2 * threads) {
        const chunk: Promise<Uint8Array[]> = pool.run(keys.slice(next * CHUNK, (next + 1) * CHUNK));
        // A chunk that fails while an earlier one is awaited is met in its turn.
        chunk.catch(() => {});
        underWay.push(chunk);
        next++;
      }
      yield* await underWay.shift()!;
    }
  } finally {
    // A thread that is ended inside the encoder takes the whole process with it.
    await Promise.allSettled(underWay);
    await pool.destroy();
  }
}
