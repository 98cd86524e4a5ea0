import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isSystemError } from './errors.ts';

/**
 * Creates a folder and its parents, unless they exist. Node's own `recursive` loops for ever, and can't be stopped, on a
 * file system that has no room for folders of ours (automounted ones, `/proc`): it says of the inner folder that the outer one is
 * missing, which is there.
 *
 * @throws the system's error.
 */
export async function makeFolder(path: string): Promise<void> {
  const folder = resolve(path);
  try {
    await makeInner(folder);
  } catch (error) {
    if (!isSystemError(error, 'ENOENT') || dirname(folder) === folder) throw error;
    await makeFolder(dirname(folder));
    await makeInner(folder);
  }
}

/** Makes a folder in one that is there. Another process may be faster. */
async function makeInner(folder: string): Promise<void> {
  await mkdir(folder).catch(async (error: unknown) => {
    if (!isSystemError(error, 'EEXIST')) throw error;
    await requireFolder(folder, error);
  });
}

/** What is there already must be a folder, or a link to one. */
async function requireFolder(path: string, error: Error): Promise<void> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) throw error;
}
