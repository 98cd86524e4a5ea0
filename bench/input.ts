import { execa } from 'execa';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { formatBytes, formatCount, InternalError } from '../src/base/index.ts';
import { findPython, runPeer } from './python.ts';
import { median, toMarkdown, toRow, type Row } from './row.ts';

const FLOWERS = join('..', 'shared', 'data', 'flowers102', 'tfrecords-jpeg-192x192', 'train');

/** What one process of either system prints. */
const Run = z.object({
  system: z.string(),
  records: z.number(),
  seconds: z.array(z.number()),
  peakRssBytes: z.number(),
});
type Run = z.infer<typeof Run>;

/**
 * `npm run bench -- input`: images a second of Sepal's input pipeline and of tf.data: read, check, parse, decode, shuffle
 * and batch every record of a folder.
 *
 * Each repeat starts a process of each system, one after the other, with decoded pixels cached in memory (Sepal's default,
 * tf.data's `cache()`) and without. An epoch counts from after the imports, with all that a system does before its first
 * batch. Where a case doesn't say otherwise, both systems are as they come: Sepal caches, tf.data doesn't.
 */
export async function benchInput(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      data: { type: 'string', default: join(import.meta.dirname, '..', FLOWERS) },
      size: { type: 'string', default: '192' },
      batch: { type: 'string', default: '64' },
      repeats: { type: 'string', default: '5' },
      passes: { type: 'string', default: '3' },
      json: { type: 'boolean', default: false },
    },
  });
  findPython();
  const shape = [values.data, values.size, values.batch, values.passes];
  const decoded: Pair[] = [];
  const cached: Pair[] = [];
  for (let repeat = 1; repeat <= Number(values.repeats); repeat++) {
    console.error(`repeat ${repeat} of ${values.repeats}`);
    decoded.push(await runBoth([...shape, '0']));
    cached.push(await runBoth([...shape, '1']));
  }
  const firstEpoch = cached.map(({ sepal }, i) => ({ sepal, peer: decoded[i].peer }));
  const all = (run: Run) => [run.seconds.reduce((sum, seconds) => sum + seconds, 0) / run.seconds.length];
  const cases: Case[] = [
    { name: `input, ${values.passes} epochs, mean`, pairs: firstEpoch, seconds: all },
    { name: 'input, one pass, no cache', pairs: decoded, seconds: (run) => run.seconds.slice(0, 1) },
    { name: 'input, first epoch', pairs: firstEpoch, seconds: (run) => run.seconds.slice(0, 1) },
    { name: 'input, later epochs, pixels cached', pairs: cached, seconds: (run) => run.seconds.slice(1) },
    { name: 'input, later epochs, decoded again', pairs: decoded, seconds: (run) => run.seconds.slice(1) },
  ];
  const sizes = { batch: Number(values.batch), size: Number(values.size) };
  const rows = cases.flatMap(({ name, pairs, seconds }) =>
    (['sepal', 'peer'] as const).map((side) => {
      const runs = pairs.map((pair) => pair[side]);
      const peak_rss_bytes = Math.max(...runs.map((run) => run.peakRssBytes));
      const what = { case: name, model: null, system: runs[0].system, ...sizes, peak_rss_bytes };
      return toRow(what, runs[0].records, runs.flatMap(seconds));
    }),
  );
  console.log(values.json ? JSON.stringify(rows, null, 2) : describe(rows, cases, decoded[0].sepal.records));
}

/** One process of each system, run one after the other. */
interface Pair {
  readonly sepal: Run;
  readonly peer: Run;
}

interface Case {
  readonly name: string;
  readonly pairs: readonly Pair[];
  /** The passes of a run that belong to the case. */
  readonly seconds: (run: Run) => number[];
}

async function runBoth(args: readonly string[]): Promise<Pair> {
  const script = join(import.meta.dirname, 'input-sepal.ts');
  const { stdout } = await execa(process.execPath, [script, ...args]);
  const sepal = Run.parse(JSON.parse(stdout));
  const peer = Run.parse(await runPeer('tfdata_read.py', args));
  if (peer.records !== sepal.records) throw new InternalError('the systems read different numbers of records');
  return { sepal, peer };
}

function describe(rows: readonly Row[], cases: readonly Case[], records: number): string {
  const head = ['case', 'system', 'images/s (median)', 'images/s (min)', 'seconds (median)', 'peak memory'];
  const cells = rows.map((row) => [
    row.case,
    row.system,
    formatCount(Math.round(row.images_per_second_median)),
    formatCount(Math.round(row.images_per_second_min)),
    row.seconds_median.toFixed(2),
    formatBytes(row.peak_rss_bytes),
  ]);
  // The two runs of a pair saw the same machine, so the median of their ratios is steadier than a ratio of medians.
  const ratios = cases.map(({ name, pairs, seconds }) => {
    const ratio = median(pairs.map(({ sepal, peer }) => median(seconds(peer)) / median(seconds(sepal))));
    return `${name}: Sepal is ${ratio.toFixed(2)}x as fast`;
  });
  const title = `${formatCount(records)} records of ${rows[0].size} px, batch ${rows[0].batch}:`;
  return [title, '', toMarkdown([head, ...cells]), '', ...ratios].join('\n');
}
