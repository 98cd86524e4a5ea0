import { setTimeout as sleep } from 'node:timers/promises';
import { heapMeter, libraryFunction } from './ffi.ts';
import { isOneHeap, keepMemory, keepsMemory } from './heap.ts';

/**
 * Where the intermediate results of runs lie in a heap that keeps what is freed (`heap.ts`): each run's where those of the one before
 * were. What is smaller must not settle there meanwhile, and nothing may lie behind it.
 */

/** Bytes of a run's intermediate results from which on it matters where they lie. */
const LARGE_RUN = 32 * 2 ** 20;
/**
 * Bytes at most for all that is smaller than a run's piece, below it. Behind the piece the heap can then grow: it always fits where it
 * was, even where something small has settled in a crumb of it. Only address space until it is used.
 */
const LARGEST_NURSERY = 2 ** 30;

/** Milliseconds between looks at whether a run's memory has come back, and how often to look at most. */
const LOOK_AGAIN = 1;
const LOOKS = 30;

/** How XLA aligns a run's memory, and what the allocator may need besides. */
const ALIGNMENT = 64;
const SLACK = 4096;

const take = libraryFunction('size_t malloc(size_t size)');
const resize = libraryFunction('size_t realloc(size_t piece, size_t size)');
const align = libraryFunction('size_t aligned_alloc(size_t alignment, size_t size)');
const fill = libraryFunction('size_t memset(size_t place, int value, size_t size)');
const free = libraryFunction('void free(size_t piece)');
const bytesInUse = heapMeter();

/** Bytes of the largest run for which there is a nursery. */
let nurseryFor = 0;

/** Bytes for what is smaller than a run's memory, which itself must not fit there. */
const nurserySize = (bytes: number): number => Math.min(Math.floor(bytes * 0.875), LARGEST_NURSERY);

/** The run that was launched last: what its intermediate results take, and what was in use before it. */
let last: { readonly bytes: number; readonly inUse: number; isOver: () => boolean } | undefined;

/**
 * Gets the heap ready for a run whose intermediate results take `tempBytes()`, which is only asked where it matters.
 *
 * Before the first one, when all that it is given has its place, a nursery is made, unless its memory was reserved. Before later ones
 * the memory of the run before is waited for. A run is over some microseconds before the thread that did it gives its memory back,
 * milliseconds where that thread loses its processor, and a run that starts meanwhile would take as much once more.
 *
 * @returns takes what tells whether the run is over.
 */
export async function prepareRun(tempBytes: () => number): Promise<(isOver: () => boolean) => void> {
  const bytes = isOneHeap() ? tempBytes() : 0;
  if (bytes < LARGE_RUN) return () => {};
  await releaseReserved();
  if (!keepsMemory()) return () => {};
  const inUse = await bytesInUseBetweenRuns();
  if (bytes > nurseryFor * 1.25) {
    nurseryFor = bytes;
    takeNursery(nurserySize(bytes))();
  }
  const run = { bytes, inUse, isOver: () => false };
  last = run;
  return (isOver) => {
    run.isOver = isOver;
  };
}

/** Memory that waits for a program's first run. */
let reserved: { readonly piece: number; readonly isClear: Promise<void> } | undefined;

/**
 * Takes the memory of a program's runs before the first one, and has it cleared on another thread: the system clears each page when it
 * is touched first, a third of a second a gigabyte, of which the first run would have to wait for half.
 *
 * @param run.bytes of its intermediate results.
 * @param run.given of what it is given, which is still to come and settles in the nursery.
 * @returns gives the memory back, unless a run has come meanwhile.
 */
export function reserveRun({ bytes, given }: { bytes: number; given: number }): () => void {
  const nothing = (): void => {};
  if (bytes < LARGE_RUN || nurseryFor > 0 || align === undefined || fill === undefined || !keepMemory()) return nothing;
  nurseryFor = bytes;
  // All that it is given settles there too. The piece is taken before, or it would.
  const openNursery = takeNursery(nurserySize(bytes) + given);
  const piece = align(ALIGNMENT, Math.ceil((bytes + SLACK) / ALIGNMENT) * ALIGNMENT);
  openNursery();
  if (piece === 0) return nothing;
  const own = { piece, isClear: new Promise<void>((resolve) => fill.async(piece, 0, bytes, () => resolve())) };
  reserved = own;
  return () => {
    if (reserved === own) void releaseReserved();
  };
}

async function releaseReserved(): Promise<void> {
  const taken = reserved;
  reserved = undefined;
  if (taken === undefined) return;
  await taken.isClear;
  free?.(taken.piece);
}

async function bytesInUseBetweenRuns(): Promise<number> {
  if (bytesInUse === undefined) return 0;
  const isHeld = (bytes: number): boolean => last !== undefined && bytes > last.inUse + last.bytes / 2 && last.isOver();
  let bytes = bytesInUse();
  // What is still there after that is something else.
  for (let look = 1; look < LOOKS && isHeld(bytes); look++) {
    await sleep(LOOK_AGAIN);
    bytes = bytesInUse();
  }
  return bytes;
}

/**
 * Takes a large piece, and behind it a small one that stays, so that it can't join what is free behind that.
 *
 * @returns frees it, for small things to settle there.
 */
function takeNursery(bytes: number): () => void {
  if (take === undefined || resize === undefined || free === undefined) return () => {};
  const nursery = take(bytes);
  // Taken as large, it comes from the end of the heap too.
  const behind = take(bytes);
  if (behind !== 0) resize(behind, 64);
  return () => free(nursery);
}
