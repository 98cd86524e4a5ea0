import { setTimeout as sleep } from 'node:timers/promises';
import { heapMeter, libraryFunction } from './ffi.ts';
import { gatherLargePages } from './large-pages.ts';

/**
 * The C library's heap. XLA's CPU client takes the memory of a run's intermediate results from it anew for every run, gigabytes
 * in one piece, and gives it back. glibc maps such a piece from the kernel, which clears it, and unmaps it: a tenth to a fifth of
 * a training step's time.
 */

/** Parameters of glibc's mallopt(3). */
const MXFAST = 1;
const TRIM_THRESHOLD = -1;
const MMAP_THRESHOLD = -3;
const MMAP_MAX = -4;

type Mode = readonly (readonly [parameter: number, value: number])[];

/**
 * What is freed stays: nothing is mapped by itself, the heap doesn't shrink, and the crumbs by which a piece is aligned rejoin it
 * when they are freed. Were they set aside for later, the piece would no longer fit where it was before, and the heap would grow
 * by it.
 */
const KEEPING: Mode = [
  [MXFAST, 0],
  [MMAP_MAX, 0],
  [TRIM_THRESHOLD, -1],
];
/** As glibc is by itself once large pieces have been freed. */
const RETURNING: Mode = [
  [MXFAST, 128],
  [MMAP_MAX, 65536],
  [MMAP_THRESHOLD, 32 * 2 ** 20],
  [TRIM_THRESHOLD, 64 * 2 ** 20],
];

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

/** Milliseconds of running, after which larger pages are worth what it takes to make them. */
const GATHER_AFTER = 60_000;

const trim = libraryFunction('int malloc_trim(size_t pad)');
const take = libraryFunction('size_t malloc(size_t size)');
const resize = libraryFunction('size_t realloc(size_t piece, size_t size)');
const align = libraryFunction('size_t aligned_alloc(size_t alignment, size_t size)');
const fill = libraryFunction('size_t memset(size_t place, int value, size_t size)');
const free = libraryFunction('void free(size_t piece)');
const bytesInUse = heapMeter();
const set = libraryFunction('int mallopt(int parameter, int value)');
/** How much work goes on that needs memory once. */
let working = 0;
let isKeeping = false;
/** Bytes of the largest run for which there is a nursery. */
let nurseryFor = 0;
let gathering: AbortController | undefined;

/**
 * Gives memory that was freed back to the system. glibc keeps it where something in use lies behind it: half a gigabyte after a
 * large program was compiled, for as long as the process lives. Where there is no glibc, nothing happens.
 */
export async function returnFreedMemory(): Promise<void> {
  await new Promise<void>((resolve) => {
    if (trim === undefined) resolve();
    else trim.async(0, () => resolve());
  });
}

/**
 * Does work that needs much memory once: compiles, loads or serialises a program. What it needed goes back to the system, as it
 * would otherwise lie beside all runs. What runs need stays with the process from then on, if it has one heap for all threads.
 *
 * Pieces of such work between those of runs would break the heap up, so memory isn't kept meanwhile.
 */
export async function returningMemory<T>(work: () => Promise<T>): Promise<T> {
  if (working++ === 0 && isKeeping) choose(RETURNING);
  try {
    return await work();
  } finally {
    working--;
    await returnFreedMemory();
    if (working === 0 && isOneHeap()) choose(KEEPING);
  }
}

function choose(mode: Mode): void {
  for (const [parameter, value] of mode) set?.(parameter, value);
  isKeeping = mode === KEEPING;
  gathering?.abort();
  if (!isKeeping) return;
  gathering = new AbortController();
  void gatherLater(gathering.signal);
}

async function gatherLater(signal: AbortSignal): Promise<void> {
  try {
    await sleep(GATHER_AFTER, undefined, { ref: false, signal });
    await gatherLargePages({ ref: false, signal });
  } catch {
    // It was called off.
  }
}

/** Bytes for what is smaller than a run's memory, which itself must not fit there. */
const nurserySize = (bytes: number): number => Math.min(Math.floor(bytes * 0.875), LARGEST_NURSERY);

/** The run that was launched last: what its intermediate results take, and what was in use before it. */
let last: { readonly bytes: number; readonly inUse: number; isOver: () => boolean } | undefined;

/**
 * Gets the heap ready for a run whose intermediate results take so many bytes.
 *
 * Before the first one, when all that it is given has its place, a nursery is made, unless its memory was reserved. Before later ones the memory of the run before is waited for. A run is over some microseconds before the
 * thread that did it gives its memory back, milliseconds where that thread loses its processor, and a run that starts
 * meanwhile would take as much once more.
 *
 * @returns takes what tells whether the run is over.
 */
export async function prepareRun(bytes: number): Promise<(isOver: () => boolean) => void> {
  if (!isKeeping || bytes < LARGE_RUN) return () => {};
  await releaseReserved();
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
 */
export function reserveRun({ bytes, given }: { bytes: number; given: number }): void {
  if (!isOneHeap() || working > 0 || bytes < LARGE_RUN || reserved !== undefined || nurseryFor > 0) return;
  if (align === undefined || fill === undefined) return;
  choose(KEEPING);
  nurseryFor = bytes;
  // All that it is given settles there too. The piece is taken before, or it would.
  const openNursery = takeNursery(nurserySize(bytes) + given);
  const piece = align(ALIGNMENT, Math.ceil((bytes + SLACK) / ALIGNMENT) * ALIGNMENT);
  openNursery();
  if (piece === 0) return;
  reserved = { piece, isClear: new Promise((resolve) => fill.async(piece, 0, bytes, () => resolve())) };
}

/** Frees what was reserved, for a run or for good. */
export async function releaseReserved(): Promise<void> {
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

/** Whether the process was started so that all threads share one heap; the command line does that (`cli/memory-settings.ts`). */
export function isOneHeap(): boolean {
  const tunables = process.env['GLIBC_TUNABLES'] ?? '';
  return tunables.includes('malloc.arena_max=1') && tunables.includes('malloc.tcache_count=0');
}

/** This process's environment for a child whose threads have a heap each, as glibc does by itself. */
export function environmentOfManyHeaps(): NodeJS.ProcessEnv {
  const tunables = (process.env['GLIBC_TUNABLES'] ?? '').split(':').filter((one) => !one.startsWith('glibc.malloc.'));
  return { ...process.env, GLIBC_TUNABLES: tunables.join(':') };
}
