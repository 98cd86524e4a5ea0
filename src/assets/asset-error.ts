import { isSystemError, SepalError, writeError } from '../base/index.ts';

/** A file that couldn't be brought, checked, stored or found. */
export class AssetError extends SepalError {}

/** A failed write into the cache as a line for the user; other errors come back as they are. */
export function cacheError(path: string, cause: unknown): unknown {
  if (!isSystemError(cause)) return cause;
  const { code, message } = writeError(path, cause);
  const hint =
    code === 'DISK_FULL'
      ? 'free some space, or set SEPAL_CACHE to a folder on another disk; nothing half-written is left'
      : 'set SEPAL_CACHE to a folder you may write to';
  return new AssetError(code, message, { hint, cause });
}
