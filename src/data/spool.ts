import { randomBytes } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, freeBytes, makeRoom } from '../assets/index.ts';
import type { StoredFile } from './storage/stored-file.ts';

/** What a copy may take of the room that a disk has. */
const SHARE = 0.5;

/**
 * A copy on this machine's disk of files from a bucket that don't fit in memory: single pictures in shuffled order come from it
 * at a disk's speed, and a bucket would be asked for each of them, epoch after epoch.
 *
 * It is one file without a name, so it is gone when the process is, however that ends.
 */
export class Spool {
  readonly bytes: number;
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #starts: readonly number[];
  #problem: unknown;

  private constructor(file: FileHandle, path: string, sizes: readonly number[]) {
    this.#file = file;
    this.#path = path;
    let bytes = 0;
    this.#starts = sizes.map((size) => (bytes += size) - size);
    this.bytes = bytes;
  }

  /** Undefined where the disk has no room to spare, or can't be written. */
  static async open(sizes: readonly number[]): Promise<Spool | undefined> {
    const folder = cacheFolder('spool');
    const path = join(folder, randomBytes(8).toString('hex'));
    try {
      await makeRoom(folder);
      if (sizes.reduce((sum, size) => sum + size, 0) > SHARE * (await freeBytes(folder))) return undefined;
      const file = await open(path, 'wx+', 0o600);
      // Windows keeps the name as long as the file is open.
      await rm(path, { force: true }).catch(() => {});
      return new Spool(file, path, sizes);
    } catch {
      return undefined;
    }
  }

  /** Whether all that was written is there: a disk may have filled up since. */
  get isWhole(): boolean {
    return this.#problem === undefined;
  }

  /** Keeps bytes of a file; what goes wrong makes the copy useless and ends nothing. */
  async write(file: number, bytes: Uint8Array, position: number): Promise<void> {
    try {
      for (let done = 0; done < bytes.length && this.isWhole;) {
        const at = this.#starts[file] + position + done;
        done += (await this.#file.write(bytes, done, bytes.length - done, at)).bytesWritten;
      }
    } catch (error) {
      this.#problem = error;
    }
  }

  /** A file of the copy, to be read. */
  fileOf(file: number): StoredFile {
    const start = this.#starts[file];
    return {
      size: (this.#starts[file + 1] ?? this.bytes) - start,
      read: async (into, at, length, position) => (await this.#file.read(into, at, length, start + position)).bytesRead,
      close: async () => {},
    };
  }

  async close(): Promise<void> {
    await this.#file.close();
    await rm(this.#path, { force: true }).catch(() => {});
  }
}
