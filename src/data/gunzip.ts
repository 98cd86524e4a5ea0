import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { formatBytes } from '../base/index.ts';
import { DataError } from './data-error.ts';
import { readPieces } from './file-pieces.ts';
import type { StoredFile } from './storage/stored-file.ts';

/** The chunks and the whole are in memory together for a moment. */
const defaultLimit = (): number => Math.min(4 * 2 ** 30, Math.floor(process.availableMemory() / 3));

/** Whether a file starts like gzip with the only compression method there is. */
export function isGzip(head: Buffer): boolean {
  return head.length > 2 && head[0] === 0x1f && head[1] === 0x8b && head[2] === 8;
}

export interface Unpacked {
  readonly bytes: Buffer;
  /** What went wrong behind `bytes`, if anything. */
  readonly error: DataError | undefined;
}

/**
 * Unpacks a gzip file into memory, as far as it goes.
 *
 * @throws DataError `TOO_LARGE` beyond `gzipLimit` bytes (4 GiB by default, less where a third of the free memory is).
 */
export async function gunzipFile(
  file: string,
  stored: StoredFile,
  options: { signal?: AbortSignal; onBytes?: (bytes: number) => void; gzipLimit?: number },
): Promise<Unpacked> {
  const limit = options.gzipLimit ?? defaultLimit();
  const chunks: Buffer[] = [];
  let total = 0;
  let error: DataError | undefined;
  const source = Readable.from(readPieces(stored), { objectMode: false });
  const gunzip = createGunzip({ chunkSize: 2 ** 18 });
  source.on('data', (chunk: Buffer) => options.onBytes?.(chunk.length));
  source.on('error', (cause) => gunzip.destroy(cause));
  try {
    for await (const chunk of source.pipe(gunzip) as AsyncIterable<Buffer>) {
      options.signal?.throwIfAborted();
      total += chunk.length;
      if (total > limit) {
        throw new DataError('TOO_LARGE', `unpacks to more than ${formatBytes(limit)}`, {
          place: { file },
          hint: 'unpack it with gunzip first: plain files are read by offset',
        });
      }
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof DataError || options.signal?.aborted) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    error = new DataError('BAD_GZIP', `the gzip stream of ${stored.size} bytes is damaged: ${reason}`, {
      place: { file, offset: total },
      hint: 'copy or download the file again',
      cause,
    });
  } finally {
    source.destroy();
  }
  return { bytes: Buffer.concat(chunks, total), error };
}
