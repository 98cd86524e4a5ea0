import { randomBytes } from 'node:crypto';
import { mkdir, open, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isSystemError, SepalError } from './errors.ts';

/**
 * Writes a whole file so that readers see the old content or the new one, never a part; makes the folder if need be.
 *
 * @throws SepalError `WRITE_FAILED` or `DISK_FULL`, with what is wrong with the disk or the folder.
 */
export async function writeFile(path: string, content: string | Uint8Array): Promise<void> {
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
    await mkdir(dirname(path), { recursive: true });
    const target = await realpath(path).catch(() => path);
    const draft = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}`);
    try {
      await fill(draft);
      await rename(draft, target);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  } catch (cause) {
    throw cause instanceof SepalError ? cause : writeError(path, cause);
  }
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
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SepalError('WRITE_FAILED', `can't write ${path}: ${reason}`, { cause });
}
