import envPaths from 'env-paths';
import { statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { formatBytes, makeFolder } from '../base/index.ts';
import { AssetError, cacheError } from './asset-error.ts';

/**
 * The folder for everything that Sepal brings or computes and can bring or compute again, or a path inside it.
 *
 * `SEPAL_CACHE` overrides the platform's usual place. The folder may not exist yet.
 */
export function cacheFolder(...parts: readonly string[]): string {
  const chosen = process.env.SEPAL_CACHE;
  const root = chosen === undefined || chosen === '' ? envPaths('sepal', { suffix: '' }).cache : resolve(chosen);
  return join(root, ...parts);
}

/**
 * Makes a folder, with its parents, that has room for this many bytes.
 *
 * @throws AssetError `DISK_FULL` or `WRITE_FAILED`.
 */
export async function makeRoom(folder: string, bytes = 0): Promise<void> {
  try {
    await makeFolder(folder);
  } catch (cause) {
    throw cacheError(folder, cause);
  }
  const free = await freeBytes(folder);
  if (free >= bytes) return;
  throw new AssetError('DISK_FULL', `not enough room on the disk of ${folder}`, {
    expected: `${formatBytes(bytes)} free`,
    received: formatBytes(free),
    hint: 'free some space, or set SEPAL_CACHE to a folder on another disk',
  });
}

/** Bytes that this user may still write on the disk of an existing folder. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
