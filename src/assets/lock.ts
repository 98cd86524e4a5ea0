import { setTimeout as delay } from 'node:timers/promises';
import { lock } from 'proper-lockfile';
import { isSystemError } from '../base/index.ts';
import { cacheError } from './asset-error.ts';
import type { TransferOptions } from './transfer.ts';

/** Milliseconds without a sign of life after which a lock is taken to be left by a process that died. */
const STALE = 15_000;
const POLL = 250;

/**
 * Runs `work` while no other process holds the lock of the same path, waiting for its turn.
 *
 * The lock is the folder `<path>.lock`; that of a process that died is taken over.
 */
export async function withLock<T>(path: string, options: TransferOptions, work: () => Promise<T>): Promise<T> {
  const release = await acquire(path, options);
  try {
    return await work();
  } finally {
    // It fails only if the lock was lost meanwhile: nothing is left to release.
    await release().catch(() => {});
  }
}

async function acquire(path: string, { signal, onNotice }: TransferOptions): Promise<() => Promise<void>> {
  for (let told = false; ;) {
    signal?.throwIfAborted();
    try {
      // A process that slept for long may lose its lock. Both then bring the same verified bytes and the last rename
      // wins, so it goes on; the library's default would end the process.
      return await lock(path, { realpath: false, stale: STALE, onCompromised: () => {} });
    } catch (error) {
      if (!isLocked(error)) throw cacheError(path, error);
      if (!told) onNotice?.(`another process is working on ${path}; waiting for it`);
      told = true;
    }
    await delay(POLL, undefined, { signal }).catch(() => {});
  }
}

function isLocked(error: unknown): boolean {
  return error instanceof Error && !isSystemError(error) && 'code' in error && error.code === 'ELOCKED';
}
