import { execa } from 'execa';
import { join } from 'node:path';
import { z } from 'zod';
import { formatBytes, formatCount, InternalError } from '../src/base/index.ts';
import { parseCount } from '../src/cli/numbers.ts';
import { scriptCommand } from '../scripts/script-command.ts';
import { findPython, runPeer } from './python.ts';
import { record } from './results.ts';
import { median, toMarkdown, toRow, type Row } from './row.ts';
import { COMPILED_CODE } from './worker.ts';

const DATA = join(import.meta.dirname, '..', '..', 'shared', 'data');

/** The data sets that are read where none is given. The one of 512 px is small, so it is read more often. */
const SETS: readonly InputSet[] = [
  { folder: join(DATA, 'flowers102', 'tfrecords-jpeg-192x192', 'train'), size: 192, passes: 3 },
  { folder: join(DATA, 'tf_flowers', 'tfrecords-jpeg-512x512', 'train'), size: 512, passes: 15 },
];

interface InputSet {
  readonly folder: string;
  readonly size: number;
  readonly passes: number;
}

/** What one process of either system prints. */
const Run = z.object({
  system: z.string(),
  records: z.number(),
  seconds: z.array(z.number()),
  cpuSeconds: z.array(z.number()),
  peakRssBytes: z.number(),
});
type Run = z.infer<typeof Run>;

/**
 * `npm run bench -- input`: images a second of Sepal's input pipeline and of tf.data: read, check, parse, decode, shuffle
 * and batch every record of a folder.
 *
 * Both decode with libjpeg-turbo. By itself that takes 131 µs of processor time for a photo of 192 px; Sepal takes 150 in later passes,
 * tf.data 259. So where every picture is decoded, a pipeline with that library needs half of tf.data's time at least.
 *
 * Tried for a first pass that fills the cache, without gain: batches that become the cache as they are, its pages asked for ahead, places
 * in order of arrival. One piece of memory for the whole cache spares four collections of garbage, 6 % of the pass, but would lie where a
 * training step's memory belongs. Bytes behind a picture's own, by which libjpeg-turbo keeps to its fast way of reading until the end: 3 to 5 %.
 *
 * Each repeat starts a process of each system, one after the other, with decoded pixels cached in memory (Sepal's default,
 * tf.data's `cache()`) and without; without, tf.data runs in its fastest form (records shuffled, then decoded) and in that
 * of the usual notebooks (decoded, then shuffled; `shared/peers` has it too). A pass counts from after the imports, with all that a system does before its first
 * batch: the first pass of Sepal contains the indexing.
 */
export const inputBench = scriptCommand(
  'input',
  'reading TFRecord photos, beside tf.data',
  'npm run bench -- input --repeats 3',
)
  .option('--data <dir>', 'TFRecords to read; else those of flowers102 at 192 px and tf_flowers at 512 px')
  .option('--size <px>', 'side of the pictures of --data', parseCount, 192)
  .option('--batch <n>', 'pictures of a batch', parseCount, 64)
  .option('--repeats <n>', 'processes of each system and form', parseCount, 5)
  .option('--passes <n>', 'passes over --data in a process', parseCount, 3)
  .option('--json', 'print the rows as JSON')
  .option('--record', 'keep the rows in bench/RESULTS.md')
  .action(benchInput);

interface Flags {
  readonly data?: string;
  readonly size: number;
  readonly batch: number;
  readonly repeats: number;
  readonly passes: number;
  readonly json?: boolean;
  readonly record?: boolean;
}

async function benchInput({ data, size, batch, repeats, passes, json, record: isKept }: Flags): Promise<void> {
  findPython();
  const rows: Row[] = [];
  for (const set of data === undefined ? SETS : [{ folder: data, size, passes }]) {
    rows.push(...(await benchSet(set, batch, repeats)));
  }
  if (isKept === true) await record(rows);
  console.log(json === true ? JSON.stringify(rows, null, 2) : describe(rows));
}

/** One process of each system, run one after the other. */
interface Pair {
  readonly sepal: Run;
  readonly peer: Run;
}

interface Case {
  readonly name: string;
  readonly pairs: readonly Pair[];
  /** What the case takes of the numbers of the passes. */
  readonly take: (passes: readonly number[]) => readonly number[];
}

async function benchSet({ folder, size, passes }: InputSet, batch: number, repeats: number): Promise<Row[]> {
  const decoded: Pair[] = [];
  const notebook: Pair[] = [];
  const cached: Pair[] = [];
  for (let repeat = 1; repeat <= repeats; repeat++) {
    console.error(`${size} px, repeat ${repeat} of ${repeats}`);
    for (const [pairs, form] of [
      [decoded, 'records'] as const,
      [notebook, 'images'] as const,
      [cached, 'cache'] as const,
    ]) {
      pairs.push(await runBoth([folder, size, batch, passes, form].map(String)));
    }
  }
  const besideFastest = cached.map(({ sepal }, i) => ({ sepal, peer: decoded[i].peer }));
  const besideNotebook = cached.map(({ sepal }, i) => ({ sepal, peer: notebook[i].peer }));
  const mean = (all: readonly number[]) => [all.reduce((sum, value) => sum + value, 0) / all.length];
  const cases: Case[] = [
    { name: 'a fresh process, one pass, every picture decoded', pairs: decoded, take: (all) => all.slice(0, 1) },
    {
      name: 'the same, tf.data as in notebooks',
      pairs: notebook,
      take: (all) => all.slice(0, 1),
    },
    { name: 'later passes, every picture decoded again', pairs: decoded, take: (all) => all.slice(1) },
    { name: `${passes} passes, mean, each as it comes (Sepal caches)`, pairs: besideFastest, take: mean },
    { name: `${passes} passes, mean, each as it comes, tf.data as in notebooks`, pairs: besideNotebook, take: mean },
    { name: 'the first pass, both filling a cache of pixels', pairs: cached, take: (all) => all.slice(0, 1) },
    { name: 'later passes, pixels of both cached', pairs: cached, take: (all) => all.slice(1) },
  ];
  return cases.flatMap(({ name, pairs, take }) => {
    const { sepal, peer } = toSides(pairs);
    // The two runs of a pair saw the same machine, so the median of their ratios is steadier than a ratio of medians.
    const ratio = median(pairs.map((pair) => median(take(pair.peer.seconds)) / median(take(pair.sepal.seconds))));
    return [sepal, peer].map((runs, side) => ({
      ...toRow(
        {
          case: `input: ${name}`,
          model: null,
          system: runs[0].system,
          batch,
          size,
          peak_rss_bytes: Math.max(...runs.map((run) => run.peakRssBytes)),
        },
        runs[0].records,
        runs.flatMap((run) => take(run.seconds)),
      ),
      cpu_seconds_min: Math.min(...runs.flatMap((run) => take(run.cpuSeconds))),
      ratio: side === 0 ? ratio : 1,
    }));
  });
}

function toSides(pairs: readonly Pair[]): { sepal: Run[]; peer: Run[] } {
  return { sepal: pairs.map((pair) => pair.sepal), peer: pairs.map((pair) => pair.peer) };
}

async function runBoth(args: readonly string[]): Promise<Pair> {
  const script = join(import.meta.dirname, 'input-sepal.ts');
  const { stdout } = await execa(process.execPath, [script, ...args], { env: COMPILED_CODE });
  const sepal = Run.parse(JSON.parse(stdout));
  const peer = Run.parse(await runPeer('tfdata_read.py', args));
  if (peer.records !== sepal.records) throw new InternalError('the systems read different numbers of records');
  return { sepal, peer };
}

function describe(rows: readonly Row[]): string {
  const head = [
    'px',
    'case',
    'system',
    'rate to tf.data',
    'images/s',
    'seconds (min)',
    'seconds',
    'CPU s (min)',
    'memory',
  ];
  const cells = rows.map((row) => [
    String(row.size),
    row.case,
    row.system,
    `${row.ratio?.toFixed(2)}x`,
    formatCount(Math.round(row.images_per_second_median)),
    row.seconds_min.toFixed(2),
    row.seconds_median.toFixed(2),
    row.cpu_seconds_min?.toFixed(2) ?? '',
    formatBytes(row.peak_rss_bytes),
  ]);
  return `Medians over the repeats; batch ${rows[0].batch}.\n\n${toMarkdown([head, ...cells])}`;
}
