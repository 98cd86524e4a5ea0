import { stat } from 'node:fs/promises';
import { isSystemError } from '../base/index.ts';
import { AssetError, cacheError } from './asset-error.ts';
import type { TransferOptions } from './transfer.ts';

/**
 * Unpacks the plain files of a tar archive, compressed or not, into a folder that is there. Links and what would lie outside
 * of the folder are left out.
 *
 * @throws AssetError `BAD_ARCHIVE` for what is no tar archive or is cut short.
 */
export async function unpackTar(
  archive: string,
  folder: string,
  { signal, onProgress }: TransferOptions = {},
): Promise<void> {
  const { size: total } = await stat(archive);
  let bytes = 0;
  try {
    // Only an archive needs it.
    const { extract } = await import('tar');
    await extract({
      file: archive,
      cwd: folder,
      strict: true,
      filter: (_path, entry) => {
        // What is thrown here ends the process: the rest of the archive is passed over instead.
        if (signal?.aborted === true || !('type' in entry)) return false;
        bytes += entry.size;
        // The archive's own size is known, that of its content is not; pictures hardly shrink.
        onProgress?.({ step: 'extract', bytes: Math.min(bytes, total), total });
        return entry.type === 'File' || entry.type === 'OldFile' || entry.type === 'Directory';
      },
    });
    signal?.throwIfAborted();
  } catch (cause) {
    signal?.throwIfAborted();
    if (isSystemError(cause, 'ENOSPC') || isSystemError(cause, 'EACCES')) throw cacheError(folder, cause);
    throw new AssetError('BAD_ARCHIVE', `can't read ${archive} as a tar archive: ${(cause as Error).message}`, {
      hint: 'the file was cut short or is something else: remove it and bring it again',
      cause,
    });
  }
}
