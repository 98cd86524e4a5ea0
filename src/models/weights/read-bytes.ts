import { open, type FileHandle } from 'node:fs/promises';
import { isSystemError } from '../../base/index.ts';
import { WeightsError } from './weights-error.ts';

/** Bytes that one call reads: the system's own limit is just below 2 GiB, as is that of `readFile`. */
const MOST_AT_ONCE = 2 ** 30;

/**
 * Opens a file of weights to read.
 *
 * @throws WeightsError `WEIGHTS_FILE` if it is not there or can't be opened.
 */
export async function openToRead(path: string): Promise<FileHandle> {
  return open(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
}

/**
 * Reads from `position` on until `target` is full.
 *
 * @returns How many bytes came: fewer than `target` has only at the end of the file.
 * @throws WeightsError `WEIGHTS_FILE` if the system can't read it.
 */
export async function readBytes(path: string, file: FileHandle, target: Uint8Array, position: number): Promise<number> {
  let read = 0;
  while (read < target.byteLength) {
    const length = Math.min(MOST_AT_ONCE, target.byteLength - read);
    const { bytesRead } = await file.read(target, read, length, position + read).catch((cause: unknown) => {
      throw unreadable(path, cause);
    });
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return read;
}

/** A whole file, of any size. @throws WeightsError `WEIGHTS_FILE` as above. */
export async function readWhole(path: string): Promise<Buffer> {
  await using file = await openToRead(path);
  const { size } = await file.stat();
  const bytes = Buffer.allocUnsafeSlow(size);
  return bytes.subarray(0, await readBytes(path, file, bytes, 0));
}

const unreadable = (path: string, cause: unknown): WeightsError =>
  new WeightsError('WEIGHTS_FILE', isSystemError(cause, 'ENOENT') ? `there is no file ${path}` : `can't read ${path}`, {
    cause,
  });
