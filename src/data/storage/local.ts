import type { Dirent } from 'node:fs';
import { glob, open, readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { isSystemError } from '../../base/index.ts';
import { DataError } from '../data-error.ts';
import type { Storage, StoredEntry, StoredFile } from './stored-file.ts';

/** The file system. */
export const localStorage: Storage = {
  async kindOf(path) {
    try {
      return (await stat(path)).isDirectory() ? 'folder' : 'file';
    } catch (error) {
      if (isSystemError(error, 'ENOENT') || isSystemError(error, 'ENOTDIR')) return undefined;
      throw new DataError('NOT_FOUND', `${path} can't be read: ${(error as Error).message}`, { cause: error });
    }
  },

  async sizeOf(file) {
    try {
      return (await stat(file)).size;
    } catch (cause) {
      throw notOpened(file, cause);
    }
  },

  async list(folder) {
    const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
      throw new DataError('NOT_FOUND', `can't read the folder ${folder}`, { cause });
    });
    return Promise.all(entries.map(async (entry) => entryOf(folder, entry)));
  },

  async listAll(folder) {
    return filesBelow(folder, []);
  },

  async glob(pattern) {
    const files: string[] = [];
    for await (const path of glob(pattern)) if ((await localStorage.kindOf(path)) === 'file') files.push(path);
    return files;
  },

  async open(file): Promise<StoredFile> {
    const fail = (cause: unknown): never => {
      throw notOpened(file, cause);
    };
    const stats = await stat(file).catch(fail);
    if (!stats.isFile() && !stats.isDirectory()) {
      // It has no size and can't be read from any place, and opening a pipe waits for whoever writes to it.
      throw new DataError('UNREADABLE', 'is a pipe or a device', { place: { file }, expected: 'a file' });
    }
    const handle = await open(file, 'r').catch(fail);
    return {
      size: stats.size,
      read: async (into, at, length, position) => (await handle.read(into, at, length, position)).bytesRead,
      close: () => handle.close(),
    };
  },
};

function notOpened(file: string, cause: unknown): DataError {
  const reason = isSystemError(cause, 'ENOENT') ? 'no such file' : `can't be opened: ${(cause as Error).message}`;
  return new DataError('NOT_FOUND', reason, { place: { file }, cause });
}

/** A link to a folder is a folder. One that leads nowhere stays a file, which says so when it is opened. */
async function entryOf(folder: string, entry: Dirent): Promise<StoredEntry> {
  const { name } = entry;
  if (!entry.isSymbolicLink()) return { name, isFolder: entry.isDirectory() };
  const leadsTo = await stat(join(folder, name)).catch(() => undefined);
  return { name, isFolder: leadsTo?.isDirectory() ?? false };
}

/** Files in a folder and below, by their paths from it on. A link to a folder that it lies in is left out. */
async function filesBelow(folder: string, above: readonly string[]): Promise<string[]> {
  const entries = await localStorage.list(folder);
  const real = await realpath(folder);
  const begin = real.endsWith(sep) ? real : `${real}${sep}`;
  if (above.some((each) => `${each}${sep}`.startsWith(begin))) return [];
  const files: string[] = [];
  for (const { name, isFolder } of entries) {
    if (!isFolder) files.push(name);
    else for (const file of await filesBelow(join(folder, name), [...above, real])) files.push(join(name, file));
  }
  return files;
}
