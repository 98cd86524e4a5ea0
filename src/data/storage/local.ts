import { glob, open, readdir, stat } from 'node:fs/promises';
import { isSystemError } from '../../base/index.ts';
import { DataError } from '../data-error.ts';
import type { Storage, StoredFile } from './stored-file.ts';

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
    return (await stat(file)).size;
  },

  async list(folder) {
    const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
      throw new DataError('NOT_FOUND', `can't read the folder ${folder}`, { cause });
    });
    return entries.map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }));
  },

  listAll: (folder) => readdir(folder, { recursive: true }),

  async glob(pattern) {
    const files: string[] = [];
    for await (const path of glob(pattern)) if ((await localStorage.kindOf(path)) === 'file') files.push(path);
    return files;
  },

  async open(file): Promise<StoredFile> {
    const handle = await open(file, 'r').catch((cause: unknown) => {
      const reason = isSystemError(cause, 'ENOENT') ? 'no such file' : `can't be opened: ${(cause as Error).message}`;
      throw new DataError('NOT_FOUND', reason, { place: { file }, cause });
    });
    const stats = await handle.stat();
    if (!stats.isFile() && !stats.isDirectory()) {
      await handle.close();
      // It has no size, and can't be read from any place.
      throw new DataError('UNREADABLE', 'is a pipe or a device', { place: { file }, expected: 'a file' });
    }
    return {
      size: stats.size,
      read: async (into, at, length, position) => (await handle.read(into, at, length, position)).bytesRead,
      close: () => handle.close(),
    };
  },
};
