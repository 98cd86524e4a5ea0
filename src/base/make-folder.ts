import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isSystemError } from './errors.ts';

/**
 * Makes a folder with all that it lies in, unless it is there. Node's own `recursive` goes round and round, and can't be stopped, on a
 * file system that has no room for folders of ours (automounted ones, `/proc`): it says of the inner folder that the outer one is
 * missing, which is there.
 *
 * @throws the system's error.
 */
export async function makeFolder(path: string): Promise<void> {
  const folder = resolve(path);
  try {
    await mkdir(folder);
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) return requireFolder(folder, error);
    if (!isSystemError(error, 'ENOENT') || dirname(folder) === folder) throw error;
    await makeFolder(dirname(folder));
    await mkdir(folder).catch((again: unknown) => {
      // Another process may have been faster.
      if (!isSystemError(again, 'EEXIST')) throw again;
      return requireFolder(folder, again);
    });
  }
}

/** What is there already must be a folder, or a link to one. */
async function requireFolder(path: string, error: Error): Promise<void> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) throw error;
}
