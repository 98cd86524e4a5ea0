import { libraryFunction } from './ffi.ts';

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

const trim = libraryFunction('int malloc_trim(size_t pad)');
const set = libraryFunction('int mallopt(int parameter, int value)');
/** How much work goes on that needs memory once. */
let working = 0;
let isKeeping = false;

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
    if (working === 0 && hasOneHeap()) choose(KEEPING);
  }
}

function choose(mode: Mode): void {
  for (const [parameter, value] of mode) set?.(parameter, value);
  isKeeping = mode === KEEPING;
}

/** Whether the process was started so; the command line does that (`cli/memory-settings.ts`). */
function hasOneHeap(): boolean {
  const tunables = process.env['GLIBC_TUNABLES'] ?? '';
  return tunables.includes('malloc.arena_max=1') && tunables.includes('malloc.tcache_count=0');
}
