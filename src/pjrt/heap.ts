import { setTimeout as sleep } from 'node:timers/promises';
import { libraryFunction } from './ffi.ts';
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

/** Milliseconds of running, after which larger pages are worth what it takes to make them. */
const GATHER_AFTER = 60_000;

const trim = libraryFunction('int malloc_trim(size_t pad)');
const set = libraryFunction('int mallopt(int parameter, int value)');
/** How much work goes on that needs memory once. */
let working = 0;
let isKeeping = false;
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
    keepMemory();
  }
}

/** Whether what is freed stays with the process. */
export function keepsMemory(): boolean {
  return isKeeping;
}

/** Lets what is freed stay from now on, if the process has one heap and nothing goes on that needs memory once. Returns whether it does. */
export function keepMemory(): boolean {
  if (working > 0 || !isOneHeap()) return false;
  if (!isKeeping) choose(KEEPING);
  return true;
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
