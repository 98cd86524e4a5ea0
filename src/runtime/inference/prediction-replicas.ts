import { cpuThreads } from '../backend.ts';

/** Rows that are worth a copy of the model: with fewer, starting each op takes longer than the op. */
const LEAST_ROWS = 8;
/** Copies at most; each holds the weights once more. */
const MOST = 4;

/**
 * Into how many parts a batch of predictions is split on this machine's CPU, each with a device of its own.
 *
 * Cores that share every op of one batch wait for each other a hundred times in it; parts of it that don't depend on each other
 * fill these gaps, and their intermediate results fit better into a core's cache.
 */
export function predictionReplicas(rows: number, threads = cpuThreads()): number {
  return Math.max(1, Math.min(threads, MOST, Math.floor(rows / LEAST_ROWS)));
}
