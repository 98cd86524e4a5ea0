import type { StoredFile } from './storage/stored-file.ts';

/** How much is read at a time: large enough to stream, small enough that the event loop breathes in between. */
const PIECE_BYTES = 2 * 2 ** 20;

/** Pieces that are under way while one is worked on: what a bucket takes to answer passes beside each other. */
const AHEAD = 3;

/**
 * The bytes of a file from `start` to its end, piece by piece and some pieces ahead; a file that got shorter ends early.
 *
 * `memory` gives the place of each piece, which is new memory by default.
 */
export async function* readPieces(
  stored: StoredFile,
  start = 0,
  memory: (at: number, length: number) => Buffer = (_, length) => Buffer.allocUnsafeSlow(length),
): AsyncGenerator<Buffer, void, void> {
  const reading: Promise<Buffer>[] = [];
  let next = start;
  try {
    for (;;) {
      while (reading.length <= AHEAD && next < stored.size) {
        const place = memory(next, Math.min(PIECE_BYTES, stored.size - next));
        const piece = readWhole(stored, place, next);
        // A failure belongs to whoever gets to that piece.
        piece.catch(() => {});
        reading.push(piece);
        next += place.length;
      }
      const piece = await reading.shift();
      if (piece === undefined || piece.length === 0) return;
      yield piece;
    }
  } finally {
    // Nothing writes to memory that others may have by then.
    await Promise.allSettled(reading);
  }
}

/** As many bytes as there are, up to the length of `into`. */
export async function readWhole(stored: StoredFile, into: Buffer, position: number): Promise<Buffer> {
  let filled = 0;
  while (filled < into.length) {
    const got = await stored.read(into, filled, into.length - filled, position + filled);
    if (got === 0) break;
    filled += got;
  }
  return into.subarray(0, filled);
}
