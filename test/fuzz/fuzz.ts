import { fork, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TARGETS } from './targets/index.ts';
import type { FuzzMessage, FuzzTask, Target } from './target.ts';

export interface FuzzOptions {
  /** Cases for each target. */
  readonly cases: number;
  readonly seed: number;
  /** First case, to repeat one that failed. */
  readonly from?: number;
  readonly targets?: readonly string[];
  /** Milliseconds of processor time for one case before it counts as a hang; of a busy machine a child may get little. */
  readonly hang?: number;
  /** Bytes that a child may take, Node itself included. */
  readonly memory?: number;
  /** Where the files of failed cases are kept. */
  readonly keep?: string;
  /** Flags of Node for the children. */
  readonly nodeFlags?: readonly string[];
  readonly onProgress?: (target: string, done: number, failures: number) => void;
}

export interface FuzzFailure {
  readonly target: string;
  readonly number: number;
  readonly kind: 'crash' | 'hang' | 'memory' | 'untyped error';
  readonly what: string;
  /** The file, where it was kept. */
  readonly file?: string;
}

export interface FuzzResult {
  readonly target: string;
  readonly cases: number;
  /** Cases that were refused with a typed error; the others were read. */
  readonly refused: number;
  readonly seconds: number;
  /** The most memory that a child had, in bytes; undefined where the system doesn't tell. */
  readonly peak: number | undefined;
  readonly failures: readonly FuzzFailure[];
}

const HANG = 20_000;
/** So many times longer may a case take by the clock: it is a hang too where a child waits for what never comes. */
const BY_THE_CLOCK = 30;
const MEMORY = 1.5 * 2 ** 30;
/** A disk in memory, where there is one: every case is a file. */
const SCRATCH = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
/** Milliseconds between two looks at a child. */
const WATCH = 200;

/** Gives every reader damaged files, in child processes that may crash, hang or grow without harm to this one. */
export async function fuzz(options: FuzzOptions): Promise<FuzzResult[]> {
  const chosen = TARGETS.filter(({ name }) => options.targets?.includes(name) ?? true);
  const results: FuzzResult[] = [];
  for (const target of chosen) results.push(await fuzzTarget(target, options));
  return results;
}

async function fuzzTarget(target: Target, options: FuzzOptions): Promise<FuzzResult> {
  const { cases, seed, from = 0 } = options;
  const folder = await mkdtemp(join(SCRATCH, `sepal-fuzz-${target.name}-`));
  const started = performance.now();
  const failures: FuzzFailure[] = [];
  let refused = 0;
  let peak: number | undefined;
  try {
    const end = from + cases;
    for (let next = from; next < end;) {
      const task = { target: target.name, seed, from: next, to: end, journal: join(folder, 'journal'), folder };
      const run = await watch(task, options, failures.length);
      refused += run.refused;
      peak = run.peak === undefined ? peak : Math.max(peak ?? 0, run.peak);
      failures.push(...run.failures);
      if (run.fatal !== undefined) {
        failures.push({ ...run.fatal, file: await keep(target, run.fatal.number, seed, folder, options.keep) });
      }
      // What dies before its first case would die before the next one as well.
      next = run.fatal === undefined || !run.began ? end : run.fatal.number + 1;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return { target: target.name, cases, refused, seconds: (performance.now() - started) / 1000, peak, failures };
}

interface Run {
  readonly refused: number;
  readonly peak: number | undefined;
  readonly failures: readonly FuzzFailure[];
  /** Whether it came to a case. */
  readonly began: boolean;
  /** What ended the child before it was through. */
  readonly fatal: FuzzFailure | undefined;
}

async function watch(task: FuzzTask, options: FuzzOptions, before: number): Promise<Run> {
  const { hang = HANG, memory = MEMORY, nodeFlags = [], onProgress } = options;
  const failures: FuzzFailure[] = [];
  let refused: number | undefined;
  let said = '';
  await rm(task.journal, { force: true });
  const child = fork(join(import.meta.dirname, 'child.ts'), {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [...nodeFlags],
  });
  child.stderr?.on('data', (text) => (said = `${said}${text}`.slice(-2000)));
  child.on('message', (message: FuzzMessage) => {
    if (message.kind === 'done') refused = message.refused;
    else failures.push({ target: task.target, number: message.number, kind: 'untyped error', what: message.error });
  });
  const ended = new Promise<string>((resolve) => {
    // Also where it has died before it was given its task; how, it says itself.
    child.on('error', (error) => child.pid ?? resolve(error.message));
    child.once('close', (code, signal) => resolve(signal ?? `exit status ${code}`));
  });
  child.send(task);

  let killed: 'hang' | 'memory' | undefined;
  let peak: number | undefined;
  let last = { number: -1, since: performance.now(), processor: 0 };
  const watching = new AbortController();
  const look = async (): Promise<void> => {
    while (!watching.signal.aborted) {
      await delay(WATCH, undefined, { signal: watching.signal }).catch(() => {});
      const number = await currentCase(task);
      const processor = await processorTime(child);
      if (number !== last.number) last = { number, since: performance.now(), processor: processor ?? 0 };
      peak = (await peakMemory(child)) ?? peak;
      onProgress?.(task.target, number, before + failures.length);
      const waited = performance.now() - last.since;
      const worked = processor === undefined ? waited : processor - last.processor;
      if (worked > hang || waited > BY_THE_CLOCK * hang) killed ??= 'hang';
      if (peak !== undefined && peak > memory) killed ??= 'memory';
      if (killed !== undefined) child.kill('SIGKILL');
    }
  };
  const looking = look();
  const how = await ended;
  watching.abort();
  await looking;
  if (refused !== undefined) return { refused, peak, failures, began: true, fatal: undefined };
  const began = existsSync(task.journal);
  const what =
    killed === 'memory'
      ? `${peak} bytes`
      : killed === 'hang'
        ? `${hang} ms`
        : `${began ? '' : 'before its first case: '}${how}: ${said.trim()}`;
  const number = Math.max(task.from, await currentCase(task));
  return { refused: 0, peak, failures, began, fatal: { target: task.target, number, kind: killed ?? 'crash', what } };
}

async function currentCase({ journal, from }: FuzzTask): Promise<number> {
  const bytes = await readFile(journal).catch(() => Buffer.alloc(0));
  return bytes.length === 8 ? bytes.readDoubleLE() : from;
}

/** Milliseconds of processor time that a process has had, where Linux tells. */
async function processorTime({ pid }: ChildProcess): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // Behind the name, which may hold anything: the 12th and 13th are ticks in the program and in the system, 100 a second.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.length < 13 ? undefined : 10 * (Number(fields[11]) + Number(fields[12]));
}

/** The most memory that a process had so far, where Linux tells. */
async function peakMemory({ pid }: ChildProcess): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}

async function keep(
  { name, extension }: Target,
  number: number,
  seed: number,
  folder: string,
  to: string | undefined,
): Promise<string | undefined> {
  if (to === undefined) return undefined;
  await mkdir(to, { recursive: true });
  const file = join(to, `${name}-${seed}-${number}${extension}`);
  return copyFile(join(folder, `case${extension}`), file).then(
    () => file,
    () => undefined,
  );
}
