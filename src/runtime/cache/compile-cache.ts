import { createHash } from 'node:crypto';
import { readFileSync, rmSync, utimesSync } from 'node:fs';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../../assets/index.ts';
import { writeFile } from '../../base/index.ts';

/** Bytes that compiled programs may take on disk by default; the ones that were not used for longest go first. */
const BUDGET = 2 * 2 ** 30;

/** Milliseconds after which what a process began to write, or a label without its program, is nobody's any more. */
const ABANDONED = 60 * 60 * 1000;

/** A file is the SHA-256 of a program, then the program. */
const CHECKSUM_BYTES = 32;
const checksum = (program: Uint8Array): Buffer => createHash('sha256').update(program).digest();

/** Compiled programs on disk, named by the hash of everything that they depend on. */
export class CompileCache {
  /** Where the programs lie. */
  readonly folder: string;
  readonly #budget: number;
  /** Programs on their way to the disk. */
  readonly #pending = new Map<string, Promise<boolean>>();

  constructor(folder = join(cacheFolder(), 'programs'), budget = BUDGET) {
    this.folder = folder;
    this.#budget = budget;
  }

  /** The name of a program in the cache. */
  static key(...parts: readonly string[]): string {
    const hash = createHash('sha256');
    // Lengths keep ["ab", "c"] and ["a", "bc"] apart.
    for (const part of parts) hash.update(`${part.length}:`).update(part);
    return hash.digest('hex');
  }

  /** A serialised program, or undefined where it is not there or damaged; one that is being kept is waited for. */
  async read(key: string): Promise<Uint8Array | undefined> {
    await this.#pending.get(key);
    return this.readAtOnce(key);
  }

  /** As `read`, at once: a program that is still on its way to the disk is not waited for. */
  readAtOnce(key: string): Uint8Array | undefined {
    const path = this.#path(key);
    try {
      const file = readFileSync(path);
      const program = file.subarray(CHECKSUM_BYTES);
      // A plugin may crash on machine code that the disk has changed.
      if (!checksum(program).equals(file.subarray(0, CHECKSUM_BYTES))) {
        rmSync(path, { force: true });
        return undefined;
      }
      this.#touch(path);
      return program;
    } catch {
      return undefined;
    }
  }

  #touch(path: string): void {
    const now = new Date();
    try {
      utimesSync(path, now, now);
    } catch {
      // A read-only cache still serves.
    }
  }

  /** Keeps a program that is still being serialised. Returns whether it was kept. */
  keep(key: string, program: Promise<Uint8Array>): Promise<boolean> {
    const kept = program
      .then(
        (bytes) => this.write(key, bytes),
        () => false,
      )
      .finally(() => this.#pending.delete(key));
    this.#pending.set(key, kept);
    return kept;
  }

  /** Keeps a program; a cache that can't be written is no error, it only saves nothing. Returns whether it was kept. */
  async write(key: string, program: Uint8Array): Promise<boolean> {
    try {
      await writeFile(this.#path(key), Buffer.concat([checksum(program), program]));
      await this.#prune();
      return true;
    } catch {
      return false;
    }
  }

  /** Forgets a program, for one that doesn't load. */
  async remove(key: string): Promise<void> {
    await rm(this.#path(key), { force: true }).catch(() => {});
  }

  /** The key of the program that was last made for a label, where it is known. */
  latest(label: string): string | undefined {
    try {
      return readFileSync(this.#labelPath(label), 'utf8');
    } catch {
      return undefined;
    }
  }

  /** Takes note of the program that is made for a label; as with programs, a cache that can't be written is no error. */
  async setLatest(label: string, key: string): Promise<void> {
    await writeFile(this.#labelPath(label), key).catch(() => {});
  }

  #path(key: string): string {
    return join(this.folder, `${key}.pjrt`);
  }

  #labelPath(label: string): string {
    return join(this.folder, `${label}.latest`);
  }

  async #prune(): Promise<void> {
    const names = await readdir(this.folder);
    await this.#tidy(names);
    const files = await Promise.all(
      names
        .filter((name) => name.endsWith('.pjrt') && !name.startsWith('.'))
        .map(async (name) => {
          const path = join(this.folder, name);
          const info = await stat(path).catch(() => undefined); // Another process may have pruned it.
          return { path, size: info?.size ?? 0, used: info?.mtimeMs ?? 0 };
        }),
    );
    let total = files.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size } of files.toSorted((a, b) => a.used - b.used)) {
      if (total <= this.#budget) return;
      await rm(path, { force: true });
      total -= size;
    }
  }

  /** Removes labels of programs that are gone, and what processes left that were killed while they wrote. */
  async #tidy(names: readonly string[]): Promise<void> {
    const old = Date.now() - ABANDONED;
    for (const name of names.filter((each) => each.startsWith('.') || each.endsWith('.latest'))) {
      const path = join(this.folder, name);
      const isLabel = !name.startsWith('.');
      if (isLabel && names.includes(`${await readFile(path, 'utf8').catch(() => '')}.pjrt`)) continue;
      const info = await stat(path).catch(() => undefined);
      // A label may be written before its program is.
      if (info !== undefined && info.isFile() && info.mtimeMs < old) await rm(path, { force: true });
    }
  }
}
