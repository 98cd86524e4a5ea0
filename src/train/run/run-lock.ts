import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { link, open, readdir, readFile, rename, rm, rmdir, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { isRunning, isSystemError, makeFolder, writeError } from '../../base/index.ts';
import { TrainingError } from '../errors.ts';
import { LOCK_FILE, RECIPE_FILE } from './run-files.ts';

/** Milliseconds between two signs of life. */
const BEAT = 10_000;
/** Milliseconds without a sign of life after which a process on another machine is taken to be gone. */
const STALE = 90_000;
/** Beats that a lock is watched for a sign of life before it is taken from another machine: their clocks may differ. */
const WATCHED = 2.5;

const ownerSchema = z.object({
  host: z.string(),
  pid: z.int(),
  /** When the process began, as its system tells it: numbers of processes are used again. */
  born: z.string().optional(),
  since: z.string(),
  /** Tells this lock from any other. */
  id: z.string().optional(),
});
type Owner = z.output<typeof ownerSchema>;

/**
 * The right to write into a run folder, which one process has at a time.
 *
 * It is a file that is made if there is none, which every file system can do, those over a network without locks too. One
 * that a killed process has left is taken over: at once on the same machine, after a minute and a half of silence else,
 * when it has been seen not to beat.
 * (The library that guards downloads goes by silence alone, so that whoever starts a killed run again would have to wait.)
 */
export class RunLock {
  readonly #out: string;
  readonly #text: string;
  readonly #beat: NodeJS.Timeout;

  /** The outermost folder that was made for this run; undefined where the run folder was there. */
  readonly #made: string | undefined;

  private constructor(out: string, text: string, beat: number, made: string | undefined) {
    this.#made = made;
    this.#out = out;
    this.#text = text;
    // A run that can't tell that it is alive goes on: the folder is its own until someone finds it silent.
    this.#beat = setInterval(() => void this.#tell().catch(() => {}), beat).unref();
  }

  get #path(): string {
    return join(this.#out, LOCK_FILE);
  }

  /** Takes the folder, which is made if need be. @throws TrainingError `RUN_BUSY` where another process has it; SepalError. */
  static async take(out: string, { beat = BEAT }: { readonly beat?: number } = {}): Promise<RunLock> {
    const path = join(out, LOCK_FILE);
    const made = outermostMissing(out);
    await makeFolder(out).catch((cause: unknown) => {
      throw writeError(out, cause);
    });
    for (;;) {
      try {
        const text = JSON.stringify(ourselves());
        await create(path, text);
        return new RunLock(out, text, beat, made);
      } catch (cause) {
        if (!isSystemError(cause, 'EEXIST')) throw writeError(path, cause);
      }
      await takeAway(path, out, beat);
    }
  }

  /**
   * Makes sure that the folder is still ours: a machine that was suspended has been silent, and another may have taken over.
   *
   * @throws TrainingError `RUN_LOST` where another one has.
   */
  async requireOwn(): Promise<void> {
    const found = await readLock(this.#path).catch(() => 'unknown' as const);
    // A disk that doesn't answer now says nothing of who has the folder.
    if (found === 'unknown' || found?.text === this.#text) return;
    if (found === undefined && (await this.#makeAgain())) return;
    const owner = (found ?? (await readLock(this.#path)))?.owner;
    throw new TrainingError(
      'RUN_LOST',
      `${this.#out} has been taken over by ${owner === undefined ? 'another process' : nameOf(owner)}`,
      {
        hint: 'this one was silent for too long, as on a machine that was suspended; the other one goes on from what it had saved',
      },
    );
  }

  /** After it was removed by hand, or the whole folder; false where another process has been faster. */
  async #makeAgain(): Promise<boolean> {
    try {
      await makeFolder(this.#out);
      await create(this.#path, this.#text);
      return true;
    } catch (cause) {
      if (isSystemError(cause, 'EEXIST')) return false;
      throw writeError(this.#path, cause);
    }
  }

  /** Lets another process have the folder, unless one has it already. */
  async release(): Promise<void> {
    clearInterval(this.#beat);
    if (await this.#isOwn().catch(() => false)) await rm(this.#path, { force: true }).catch(() => {});
  }

  /** Releases a folder whose training has failed, and removes it where this process has made it and nothing came of it. */
  async releaseAfterFailure(): Promise<void> {
    const isOwn = await this.#isOwn().catch(() => false);
    await this.release();
    if (!isOwn || this.#made === undefined) return;
    const names = await readdir(this.#out).catch(() => undefined);
    if (names === undefined || names.some((name) => name !== RECIPE_FILE)) return;
    await rm(join(this.#out, RECIPE_FILE), { force: true }).catch(() => {});
    // Folders around it too, as long as nothing else has come into them.
    for (let folder = resolve(this.#out); ; folder = dirname(folder)) {
      const isRemoved = await rmdir(folder).then(
        () => true,
        () => false,
      );
      if (!isRemoved || folder === this.#made) return;
    }
  }

  async #isOwn(): Promise<boolean> {
    return (await readFile(this.#path, 'utf8')) === this.#text;
  }

  /** Gives a sign of life, and none for another's lock. */
  async #tell(): Promise<void> {
    if (await this.#isOwn()) await utimes(this.#path, new Date(), new Date());
  }
}

/** The outermost folder of a path that has to be made. */
function outermostMissing(path: string): string | undefined {
  let missing: string | undefined;
  for (let folder = resolve(path); !existsSync(folder); folder = dirname(folder)) missing = folder;
  return missing;
}

const nameOf = ({ pid, host, since }: Owner): string => `process ${pid} on ${host}, since ${since}`;

/** What file systems say that make no links, and one whose draft another process has taken for a stray one. */
const NO_LINK = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'ENOENT'];

/** Makes a file that was not there, whole at once: a process that is killed meanwhile leaves no lock without its name. */
async function create(path: string, text: string): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
  try {
    await fill(draft, text);
    await link(draft, path);
  } catch (cause) {
    if (!NO_LINK.some((code) => isSystemError(cause, code))) throw cause;
    await fill(path, text);
  } finally {
    await rm(draft, { force: true });
  }
}

/** Writes a file that was not there; nothing stays of it where it can't be filled. */
async function fill(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(text);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

/** Removes a lock whose owner is gone. @throws TrainingError where it isn't. */
async function takeAway(path: string, out: string, beat: number): Promise<void> {
  const found = await readLock(path);
  if (found === undefined) return;
  const { text, owner, age } = found;
  const isGone = owner === undefined ? age >= STALE : await isOwnerGone(path, owner, found, beat);
  if (!isGone) {
    const who = owner === undefined ? 'another process' : nameOf(owner);
    throw new TrainingError('RUN_BUSY', `${out} is being trained into by ${who}`, {
      hint: `wait for its end, or choose another --out; if there is no such process, remove ${path}`,
    });
  }
  // One of several that find the same lock gets to rename it; one that comes late gives back what isn't what it has read.
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await rename(path, aside);
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT')) return;
    throw writeError(path, cause);
  }
  if ((await readFile(aside, 'utf8')) !== text) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
}

interface FoundLock {
  readonly text: string;
  readonly owner: Owner | undefined;
  /** When it last gave a sign of life, by the clock of its owner or of the disk. */
  readonly beatAt: number;
  readonly age: number;
}

async function readLock(path: string): Promise<FoundLock | undefined> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    return { text, owner: parseOwner(text), beatAt: mtimeMs, age: Date.now() - mtimeMs };
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT')) return undefined;
    throw writeError(path, cause);
  }
}

/** Undefined for a lock that is being written, or was cut off. */
function parseOwner(text: string): Owner | undefined {
  try {
    return ownerSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

const ourselves = (): Owner => ({
  host: hostname(),
  pid: process.pid,
  born: birthOf(process.pid),
  since: new Date().toISOString().slice(0, 16).replace('T', ' '),
  id: randomBytes(8).toString('hex'),
});

async function isOwnerGone(path: string, { host, pid, born }: Owner, { age, beatAt }: FoundLock, beat: number) {
  if (host !== hostname()) {
    // A beat in the future is as strange as one long ago.
    if (Math.abs(age) < STALE) return false;
    await delay(WATCHED * beat);
    return (await readLock(path))?.beatAt === beatAt;
  }
  if (!isRunning(pid)) return true;
  // Containers may share a name and not their processes: then the one of that number here is another one.
  const now = birthOf(pid);
  return born !== undefined && now !== undefined && born !== now && age >= BEAT * 3;
}

/** Ticks from the machine's start to the process's, where Linux tells. */
function birthOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
