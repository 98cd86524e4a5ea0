import { DataError, type Place } from './data-error.ts';
import { maskedCrc } from './masked-crc.ts';
import { OpenFiles } from './open-files.ts';
import type { RecordIndex } from './record-index.ts';
import type { Source } from './source.ts';
import type { Spool } from './spool.ts';
import { isOfService } from './storage/retry.ts';
import { isRemote } from './storage/storage.ts';
import type { StoredFile } from './storage/stored-file.ts';
import { FOOTER_BYTES } from './tfrecord.ts';

/** Records nearer to each other than this are read in one go. */
const GAP_BYTES = 64 * 2 ** 10;
/** A request to a bucket costs as much as some megabytes more. */
const REMOTE_GAP_BYTES = 2 ** 20;
const RUN_BYTES = 8 * 2 ** 20;

/** Neighbouring records of one file, to be read with one call. */
interface Run {
  readonly file: number;
  readonly start: number;
  end: number;
  /** Which of the wanted records are in it. */
  readonly members: number[];
}

/** The pictures of indexed TFRecord files, from memory where it holds the file and else by offset. */
export class RecordSource implements Source {
  readonly index: RecordIndex;
  readonly #spool: Spool | undefined;
  readonly #files: OpenFiles;

  /** `spool` has the files that are not held in memory; it is closed with the source. */
  constructor(index: RecordIndex, spool?: Spool) {
    this.index = index;
    this.#spool = spool;
    this.#files = new OpenFiles(index.files);
  }

  get count(): number {
    return this.index.labels.length;
  }

  get files(): readonly string[] {
    return this.index.files;
  }

  get labels(): Int32Array {
    return this.index.labels;
  }

  get ids(): readonly string[] {
    return this.index.ids;
  }

  get hasIds(): boolean {
    return this.index.hasIds;
  }

  get copiedBytes(): number {
    return this.#spool?.bytes ?? 0;
  }

  get heldBytes(): number {
    return this.index.contents.reduce((sum, bytes) => sum + (bytes?.length ?? 0), 0);
  }

  place(index: number): Place {
    const { files, file, record, offset } = this.index;
    return { file: files[file[index]], record: record[index], offset: offset[index] };
  }

  async read(indices: Uint32Array): Promise<(Buffer | DataError)[]> {
    const found: (Buffer | DataError)[] = Array.from({ length: indices.length });
    const elsewhere: number[] = [];
    for (let i = 0; i < indices.length; i++) {
      const content = this.index.contents[this.index.file[indices[i]]];
      if (content === undefined) elsewhere.push(i);
      else found[i] = this.#image(content, this.index.offset[indices[i]], indices[i]);
    }
    await Promise.all(this.#runs(indices, elsewhere).map((run) => this.#readRun(run, indices, found)));
    return found;
  }

  async close(): Promise<void> {
    await this.#files.close();
    await this.#spool?.close();
  }

  #image(bytes: Buffer, dataOffset: number, index: number): Buffer {
    const start = dataOffset + this.index.imageOffset[index];
    return bytes.subarray(start, start + this.index.imageLength[index]);
  }

  #runs(indices: Uint32Array, wanted: readonly number[]): Run[] {
    const { files, file, offset, length } = this.index;
    const gapBytes = isRemote(files[0]) && this.#spool === undefined ? REMOTE_GAP_BYTES : GAP_BYTES;
    const order = wanted.toSorted((a, b) => {
      const [x, y] = [indices[a], indices[b]];
      return file[x] - file[y] || offset[x] - offset[y];
    });
    const runs: Run[] = [];
    for (const i of order) {
      const index = indices[i];
      const end = offset[index] + length[index] + FOOTER_BYTES;
      const run = runs.at(-1);
      if (run?.file === file[index] && offset[index] - run.end < gapBytes && end - run.start < RUN_BYTES) {
        run.end = Math.max(run.end, end);
        run.members.push(i);
      } else {
        runs.push({ file: file[index], start: offset[index], end, members: [i] });
      }
    }
    return runs;
  }

  async #readRun(run: Run, indices: Uint32Array, found: (Buffer | DataError)[]): Promise<void> {
    const { offset, length } = this.index;
    const bytes = Buffer.allocUnsafeSlow(run.end - run.start);
    try {
      const bytesRead = await this.#readFile(run.file, bytes, run.start);
      for (const i of run.members) {
        const index = indices[i];
        const at = offset[index] - run.start;
        const data = bytes.subarray(at, at + length[index]);
        // The index vouches for the file as it was; the checksum tells whether it still is.
        const whole = at + length[index] + FOOTER_BYTES <= bytesRead;
        found[i] =
          whole && bytes.readUInt32LE(at + length[index]) === maskedCrc(data)
            ? this.#image(bytes, at, index)
            : new DataError('CHANGED', 'the file changed since it was indexed', { place: this.place(index) });
      }
    } catch (cause) {
      if (isOfService(cause)) throw cause;
      for (const i of run.members) {
        found[i] = new DataError('UNREADABLE', `can't be read: ${(cause as Error).message}`, {
          place: this.place(indices[i]),
          cause,
        });
      }
    }
  }

  async #readFile(file: number, into: Buffer, position: number): Promise<number> {
    const work = async (stored: StoredFile) => stored.read(into, 0, into.length, position);
    return this.#spool === undefined ? this.#files.read(file, work) : work(this.#spool.fileOf(file));
  }
}
