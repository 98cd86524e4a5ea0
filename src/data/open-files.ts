import { Gate } from './gate.ts';
import { storageOf } from './storage/storage.ts';
import type { StoredFile } from './storage/stored-file.ts';

/** Files that stay open for the next read. A process may have some hundred open on some systems, and a data set has thousands. */
const KEPT_OPEN = 128;

/** Reads under way at a time: more than any disk or bucket works on. */
const READS = 64;

interface OpenFile {
  readonly opening: Promise<StoredFile>;
  readers: number;
}

/** Files that are opened when they are first read, of which those last read stay open. */
export class OpenFiles {
  readonly #paths: readonly string[];
  /** By number, those last read at the end. */
  readonly #open = new Map<number, OpenFile>();
  readonly #gate = new Gate(READS);

  constructor(paths: readonly string[]) {
    this.#paths = paths;
  }

  /** Reads from the file of that number, which stays open meanwhile. */
  async read<T>(number: number, work: (file: StoredFile) => Promise<T>): Promise<T> {
    await this.#gate.enter();
    try {
      const file = this.#fileOf(number);
      file.readers++;
      try {
        return await work(await file.opening);
      } finally {
        file.readers--;
        await this.#closeOldest();
      }
    } finally {
      this.#gate.leave();
    }
  }

  async close(): Promise<void> {
    const files = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(files.map(closeFile));
  }

  #fileOf(number: number): OpenFile {
    const there = this.#open.get(number);
    this.#open.delete(number);
    const file = there ?? { opening: this.#openFile(this.#paths[number]), readers: 0 };
    this.#open.set(number, file);
    // What is wrong may pass, as with a bucket that can't be reached: the next one tries again.
    if (there === undefined) file.opening.catch(() => this.#open.delete(number));
    return file;
  }

  async #openFile(path: string): Promise<StoredFile> {
    return (await storageOf(path)).open(path);
  }

  async #closeOldest(): Promise<void> {
    for (const [number, file] of this.#open) {
      if (this.#open.size <= KEPT_OPEN) return;
      if (file.readers > 0) continue;
      this.#open.delete(number);
      await closeFile(file);
    }
  }
}

/** What couldn't be opened is closed. */
async function closeFile({ opening }: OpenFile): Promise<void> {
  await opening.then(
    async (file) => file.close(),
    () => {},
  );
}
