import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { isSystemError } from './errors.ts';

const host = (): string => hostname().replaceAll(/[^\w-]/g, '-');

/**
 * A place beside `path` for what only this process fills: `.NAME.HOST-PID-RANDOM.partial`. By its name others tell whether whoever
 * made it is still there.
 */
export const workPlace = (path: string): string =>
  join(dirname(path), `.${basename(path)}.${host()}-${process.pid}-${randomBytes(4).toString('hex')}.partial`);

/**
 * What processes of this machine that are gone have left beside `path` under the names of `workPlace`. What other machines have
 * is left alone: nobody here knows whether they are at work.
 */
export async function abandonedPlaces(path: string): Promise<string[]> {
  const begin = `.${basename(path)}.${host()}-`;
  const names = await readdir(dirname(path)).catch(() => []);
  return names
    .filter((name) => {
      const pid = name.startsWith(begin) ? /^(\d+)-[\da-f]{8}\.partial/.exec(name.slice(begin.length))?.[1] : undefined;
      return pid !== undefined && !isRunning(Number(pid));
    })
    .map((name) => join(dirname(path), name));
}

/** Removes what processes that were killed have left beside `path`. */
export async function removeAbandoned(path: string): Promise<void> {
  for (const place of await abandonedPlaces(path)) await rm(place, { recursive: true, force: true }).catch(() => {});
}

/** Whether this machine has a process of that number. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process may not be signalled, but it is there.
    return isSystemError(error, 'EPERM');
  }
}
