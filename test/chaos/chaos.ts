import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import { Random } from '../../src/base/index.ts';
import { BEST_FILE, LAST_FILE, readCheckpoint, readHistory, type HistoryRow } from '../../src/train/index.ts';
import type { HostTensor } from '../../src/xla/index.ts';
import { writeColouredDataset } from '../coloured-dataset.ts';

export interface ChaosOptions {
  readonly kills: number;
  readonly seed: number;
  /** Numbers of replicas that each life of a run draws from; the losses of several differ in rounding. */
  readonly replicas?: readonly number[];
  readonly epochs?: number;
  readonly onKill?: (kills: number, moment: Moment) => void;
}

/** What a process is killed in the middle of. */
export type Moment = 'start' | 'training' | 'write' | 'report';

export interface ChaosResult {
  readonly kills: Readonly<Record<Moment, number>>;
  /** Runs that were brought to their end over their killed processes. */
  readonly runs: number;
  /** What differs from the unbroken run; empty where nothing does. */
  readonly differences: readonly string[];
}

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');
const SIZE = 16;

const recipe = (epochs: number) => ({
  model: { name: 'cnn', options: { depth: 2, width: 8 } },
  size: SIZE,
  epochs,
  batchSize: 8,
  seed: 3,
  optimizer: { name: 'adam' },
  schedule: { name: 'cosine', rate: 0.01, warmup: 1 },
  augment: { flip: true },
  // The same statistics over any number of replicas.
  syncBatchNorm: true,
});

/** Starts the same run again and again and kills it at random moments; what it ends with must be what an unbroken one does. */
export async function chaos({ kills, seed, replicas = [1], epochs = 60, onKill }: ChaosOptions): Promise<ChaosResult> {
  const folder = await mkdtemp(join(tmpdir(), 'sepal-chaos-'));
  const random = new Random(seed, 'chaos');
  const counts: Record<Moment, number> = { start: 0, training: 0, write: 0, report: 0 };
  try {
    await writeColouredDataset(join(folder, 'data'), { splits: { train: 82, val: 30 }, size: SIZE, wrong: 0.1 });
    await writeFile(join(folder, 'recipe.yaml'), stringify(recipe(epochs)));
    const setup = { folder, random, replicas };
    const whole = await life({ ...setup, replicas: [replicas[0]] }, 'whole');
    if (whole.status !== 0) throw new Error(`the unbroken run fails: ${whole.output}`);
    const differences: string[] = [];
    let done = 0;
    let runs = 0;
    while (done < kills) {
      if (runs > 10 + 4 * kills) throw new Error(`${runs} runs have ended before they could be killed`);
      const out = `broken-${++runs}`;
      for (let resume = false; ; resume = true) {
        const moment = done < kills ? drawMoment(random) : undefined;
        const { status, output, killed } = await life(setup, out, { resume, moment, like: whole });
        if (killed) {
          counts[moment!]++;
          done++;
          onKill?.(done, moment!);
        } else if (status === 0) break;
        else {
          differences.push(`${out} doesn't go on after ${done} kills: ${output}`);
          return { kills: counts, runs, differences };
        }
      }
      const exact = replicas.length === 1;
      differences.push(...(await compare(join(folder, 'whole'), join(folder, out), exact)).map((what) => `${out}: ${what}`)); // prettier-ignore
    }
    return { kills: counts, runs, differences };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function drawMoment(random: Random): Moment {
  const share = random.uniform();
  if (share < 0.15) return 'start';
  if (share < 0.5) return 'training';
  return share < 0.9 ? 'write' : 'report';
}

interface Setup {
  readonly folder: string;
  readonly random: Random;
  readonly replicas: readonly number[];
}

interface Life {
  readonly status: number | null;
  readonly killed: boolean;
  readonly output: string;
  /** Milliseconds until the first epoch was done. */
  readonly firstEpoch: number;
  /** Milliseconds until training was over. */
  readonly lastEpoch: number;
}

/** One process of a run, to its end or to the moment at which it is killed. */
async function life(
  { folder, random, replicas }: Setup,
  out: string,
  plan: { readonly resume?: boolean; readonly moment?: Moment; readonly like?: Life } = {},
): Promise<Life> {
  const { resume = false, moment, like } = plan;
  const run = join(folder, out);
  const child = spawn(
    process.execPath,
    [MAIN, 'train', join(folder, 'recipe.yaml'), '--data', join(folder, 'data'), '--out', run, '--device', 'cpu']
      .concat('--replicas', String(replicas[random.integer(replicas.length)]))
      // Often enough that many fall into the middle of an epoch.
      .concat('--checkpoint-every', '0.05')
      .concat(resume && existsSync(run) ? ['--resume'] : []),
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const started = performance.now();
  let output = '';
  let [firstEpoch, lastEpoch] = [0, 0];
  let atReport = Promise.withResolvers<void>();
  const hear = (text: Buffer) => {
    output = `${output}${text.toString()}`.slice(-4000);
    if (firstEpoch === 0 && output.includes('epoch ')) firstEpoch = performance.now() - started;
    // The last line of training; the report comes next.
    if (new RegExp(`^epoch (\\d+)/\\1 `, 'm').test(output)) {
      lastEpoch = performance.now() - started;
      atReport.resolve();
    }
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const ended = new Promise<number | null>((resolve) => child.once('close', (status) => resolve(status)));
  let killed = false;
  const kill = () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    killed = child.kill('SIGKILL');
  };
  const waits: Record<Moment, () => Promise<void>> = {
    start: () => delay(random.uniform(0, like!.firstEpoch)),
    training: () => delay(random.uniform(0.8 * like!.firstEpoch, like!.lastEpoch)),
    write: () => draftIn(run, child, random.integer(12)).then(() => delay(random.uniform(0, 3))),
    report: () => atReport.promise.then(() => delay(random.uniform(0, 150))),
  };
  if (moment !== undefined) void waits[moment]().then(kill);
  const status = await ended;
  atReport.resolve();
  atReport = Promise.withResolvers();
  return { status, output, firstEpoch, lastEpoch, killed: killed && child.signalCode === 'SIGKILL' };
}

/** Waits for the beginning of a file that is being written, after `skipped` others. */
async function draftIn(folder: string, child: ChildProcess, skipped: number): Promise<void> {
  const seen = new Set<string>();
  while (child.exitCode === null && child.signalCode === null) {
    const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith('.')) : [];
    for (const name of names) seen.add(name);
    if (seen.size > skipped) return;
    await delay(1);
  }
}

/** What of a run is not as in the unbroken one. */
async function compare(whole: string, broken: string, exact: boolean): Promise<string[]> {
  const differences: string[] = [];
  if (!existsSync(join(broken, 'report.html'))) differences.push('it has no report');
  const left = readdirSync(broken).filter((name) => name.startsWith('.'));
  if (left.length > 0) differences.push(`drafts are left: ${left.join(', ')}`);
  const [rows, wanted] = await Promise.all([broken, whole].map(readHistory));
  if (rows.length !== wanted.length) differences.push(`it has ${rows.length} epochs instead of ${wanted.length}`);
  for (const [i, row] of rows.entries()) {
    if (!sameRow(row, wanted[i], exact)) differences.push(`epoch ${row.epoch} has another row in the history`);
  }
  for (const file of [BEST_FILE, LAST_FILE]) {
    const [got, expected] = await Promise.all([broken, whole].map((run) => readCheckpoint(join(run, file))));
    const { seconds: _, ...info } = got.info;
    const { seconds: __, ...expectedInfo } = expected.info;
    if (exact && !isDeepStrictEqual(info, expectedInfo)) differences.push(`${file} tells of another run`);
    differences.push(...tensorDifferences(got.tensors, expected.tensors, exact).map((name) => `${file}: ${name} differs`)); // prettier-ignore
  }
  return differences;
}

function sameRow(row: HistoryRow, wanted: HistoryRow | undefined, exact: boolean): boolean {
  if (wanted === undefined) return false;
  const told = ({ epoch, step, learningRate, train, validation }: HistoryRow) =>
    exact ? { epoch, step, learningRate, train, validation } : { epoch, step, learningRate };
  // Rounding that differs from the first step on grows in what follows; the first epochs are still near.
  const near = exact || row.epoch > 3 || Math.abs(row.train.loss - wanted.train.loss) < 1e-3;
  return near && isDeepStrictEqual(told(row), told(wanted));
}

function tensorDifferences(
  got: ReadonlyMap<string, HostTensor>,
  expected: ReadonlyMap<string, HostTensor>,
  exact: boolean,
): string[] {
  const names = [...expected.keys()].filter((name) => {
    const tensor = got.get(name);
    return tensor === undefined || (exact && !isDeepStrictEqual(tensor, expected.get(name)));
  });
  return [...names, ...[...got.keys()].filter((name) => !expected.has(name))];
}

/** The status of a run that gets a signal after its first epoch. */
export async function signalled(
  signal: 'SIGTERM' | 'SIGINT',
): Promise<{ status: number | null; output: string; resumed: Life }> {
  // prettier-ignore
  const folder = await mkdtemp(join(tmpdir(), 'sepal-signal-'));
  try {
    await writeColouredDataset(join(folder, 'data'), { splits: { train: 40, val: 9 }, size: SIZE });
    await writeFile(join(folder, 'recipe.yaml'), stringify(recipe(400)));
    const args = [MAIN, 'train', join(folder, 'recipe.yaml'), '--data', join(folder, 'data'), '--out', join(folder, 'run'), '--device', 'cpu']; // prettier-ignore
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let output = '';
    let told = false;
    child.stderr.on('data', (text: Buffer) => {
      output += text.toString();
      // Once: a second one ends the process at once.
      if (!told && output.includes('epoch ')) told = child.kill(signal);
    });
    const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
    if (!existsSync(join(folder, 'run', LAST_FILE))) throw new Error(`no checkpoint after status ${status}: ${output}`);
    const { epoch } = (await readCheckpoint(join(folder, 'run', LAST_FILE))).info;
    await writeFile(join(folder, 'recipe.yaml'), stringify(recipe(epoch + 1)));
    const setup = { folder, random: new Random(0), replicas: [1] };
    return { status, output, resumed: await life(setup, 'run', { resume: true }) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
