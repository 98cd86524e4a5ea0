import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { open, readdir, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isSystemError, SepalError } from './errors.ts';
import { makeFolder } from './make-folder.ts';

/** A file's content; several pieces are written one after the other, so that a large one needs no memory of its own. */
export type FileContent = string | Uint8Array | Iterable<Uint8Array>;

/**
 * Writes a whole file so that readers see the old content or the new one, never a part; makes the folder if need be.
 *
 * @throws SepalError `WRITE_FAILED` or `DISK_FULL`, with what is wrong with the disk or the folder.
 */
export async function writeFile(path: string, content: FileContent): Promise<void> {
  await fillFile(path, async (draft) => {
    const file = await open(draft, 'wx');
    try {
      // Goes on after a write that takes a part only, as the last one does that fits on a disk.
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
  });
}

/**
 * The same for a library that writes files by itself: it fills a hidden file beside the one that is meant, which takes
 * that one's place when it is whole.
 */
export async function fillFile(path: string, fill: (draft: string) => Promise<void> | void): Promise<void> {
  try {
    await makeFolder(dirname(path));
    const target = await realpath(path).catch(() => path);
    const draft = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}`);
    drafts.add(draft);
    try {
      await fill(draft);
      await rename(draft, target);
      await syncFolder(dirname(target));
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    } finally {
      drafts.delete(draft);
    }
  } catch (cause) {
    throw cause instanceof SepalError ? cause : writeError(path, cause);
  }
}

/** Drafts that this process is filling. */
const drafts = new Set<string>();

/** Removes what is being written, for a process that ends in the middle of it. */
export function dropDrafts(): void {
  for (const draft of drafts) {
    try {
      rmSync(draft, { force: true });
    } catch {
      // It ends in any case.
    }
  }
}

/** Brings a file's new name to the disk too, where the system can; a power cut then finds one of the two files. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // Windows opens no folders, and some network file systems sync none.
  }
}

/** How the hidden drafts of `fillFile` are called. */
const DRAFT = /^\..+\.[\da-f]{12}$/;

/** Removes what processes that were killed while they wrote have left in a folder that nobody else writes to now. */
export async function removeDrafts(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) if (DRAFT.test(name)) await rm(join(folder, name), { force: true }).catch(() => {});
}

/** A write's system error as a line for the user. */
export function writeError(path: string, cause: unknown): SepalError {
  if (isSystemError(cause, 'ENOSPC') || isSystemError(cause, 'EDQUOT')) {
    return new SepalError('DISK_FULL', `no room left on the disk while writing ${path}`, {
      hint: 'free some space or choose another folder; files written before are whole',
      cause,
    });
  }
  if (isSystemError(cause, 'EACCES') || isSystemError(cause, 'EROFS') || isSystemError(cause, 'EPERM')) {
    return new SepalError('WRITE_FAILED', `no permission to write ${path}`, {
      hint: 'choose a folder you may write to',
      cause,
    });
  }
  if (isSystemError(cause, 'EEXIST') || isSystemError(cause, 'ENOTDIR')) {
    return new SepalError('WRITE_FAILED', `can't write ${path}: there is a file where a folder is to be`, {
      hint: 'choose another name',
      cause,
    });
  }
  if (isSystemError(cause, 'EISDIR')) {
    return new SepalError('WRITE_FAILED', `can't write ${path}: there is a folder of that name`, {
      hint: 'choose another name, or remove the folder',
      cause,
    });
  }
  // Without the call and its path, which may be that of a hidden draft.
  const reason = cause instanceof Error ? cause.message.replace(/, \w+ '[^']*'(?: -> '[^']*')?$/, '') : String(cause);
  return new SepalError('WRITE_FAILED', `can't write ${path}: ${reason}`, { cause });
}
