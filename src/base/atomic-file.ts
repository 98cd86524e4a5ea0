import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { isSystemError, SepalError } from './errors.ts';

/**
 * Writes a whole file so that readers see the old content or the new one, never a part; makes the folder if need be.
 *
 * @throws SepalError `WRITE_FAILED`, with what is wrong with the disk or the folder.
 */
export async function writeFile(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    const data =
      typeof content === 'string' ? content : Buffer.from(content.buffer, content.byteOffset, content.byteLength);
    await writeFileAtomic(path, data);
  } catch (cause) {
    throw writeError(path, cause);
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
