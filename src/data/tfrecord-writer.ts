import { randomBytes } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, writeError } from '../base/index.ts';
import { maskedCrc } from './masked-crc.ts';
import { FOOTER_BYTES, HEADER_BYTES } from './tfrecord.ts';

/** Name of a TFRecord file as in Kaggle's flower sets: shard, size of the pictures, number of records. */
export function shardName(shard: number, side: number, count: number): string {
  return `${String(shard).padStart(2, '0')}-${side}x${side}-${count}.tfrec`;
}

/** A record as it stands in a file: with its length and both checksums. */
export function frameRecord(record: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(HEADER_BYTES + record.length + FOOTER_BYTES);
  framed.writeBigUInt64LE(BigInt(record.length));
  framed.writeUInt32LE(maskedCrc(framed.subarray(0, 8)), 8);
  framed.set(record, HEADER_BYTES);
  framed.writeUInt32LE(maskedCrc(record), HEADER_BYTES + record.length);
  return framed;
}

/**
 * Writes one TFRecord file, which gets its name when it is whole; until then it is a hidden file of another name.
 *
 * @example
 * const writer = await TfrecordWriter.create('out/train');
 * await writer.write(encodeExample({ image, class: 3, id: 'a' }));
 * await writer.finish(shardName(0, 192, writer.count));
 */
export class TfrecordWriter implements AsyncDisposable {
  readonly #folder: string;
  readonly #draft: string;
  readonly #handle: FileHandle;
  #count = 0;
  /** Whether there is a draft, which has no name yet. */
  #isDraft = true;

  private constructor(folder: string, draft: string, handle: FileHandle) {
    this.#folder = folder;
    this.#draft = draft;
    this.#handle = handle;
  }

  /** Begins a file whose name gets the number of records when it is closed. */
  static async create(folder: string): Promise<TfrecordWriter> {
    const draft = join(folder, `.${randomBytes(6).toString('hex')}.partial`);
    try {
      await makeFolder(folder);
      return new TfrecordWriter(folder, draft, await open(draft, 'wx'));
    } catch (cause) {
      throw writeError(folder, cause);
    }
  }

  /** How many records were written. */
  get count(): number {
    return this.#count;
  }

  /** Adds a record. */
  async write(record: Uint8Array): Promise<void> {
    await this.#try(() => writeAll(this.#handle, frameRecord(record)));
    this.#count++;
  }

  /** Brings the file to the disk and gives it its name; resolves with its path. */
  async finish(name: string): Promise<string> {
    const path = join(this.#folder, name);
    await this.#try(async () => {
      await this.#handle.sync();
      await this.#handle.close();
      await rename(this.#draft, path);
      this.#isDraft = false;
    });
    return path;
  }

  /** Removes a file that wasn't finished; does nothing to one that was. */
  async discard(): Promise<void> {
    if (!this.#isDraft) return;
    this.#isDraft = false;
    await this.#handle.close().catch(() => {});
    await rm(this.#draft, { force: true });
  }

  /** As `discard`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.discard();
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      throw writeError(this.#folder, cause);
    }
  }
}

/** A write call may take a part only, such as the last that fits on the disk; the next call then says why. */
async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += (await handle.write(bytes, written)).bytesWritten;
  }
}
