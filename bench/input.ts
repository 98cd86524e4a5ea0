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
 * Each repeat starts a process of each system, one after the other. The first pass counts from after the imports, with
 * all that a system does before its first batch (Sepal's index); later passes are what every further epoch costs.
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
  const processArgs = [values.data, values.size, values.batch, values.passes];
  const sepal: Run[] = [];
  const peer: Run[] = [];
  for (let repeat = 0; repeat < Number(values.repeats); repeat++) {
    console.error(`repeat ${repeat + 1} of ${values.repeats}`);
    sepal.push(await runSepal(processArgs));
    peer.push(Run.parse(await runPeer('tfdata_read.py', processArgs)));
  }
  const records = sepal[0].records;
  if (peer.some((run) => run.records !== records))
    throw new InternalError('the systems read different numbers of records');

  const shape = { model: null, batch: Number(values.batch), size: Number(values.size) };
  const rows = [sepal, peer].flatMap((runs) => {
    const peak_rss_bytes = Math.max(...runs.map((run) => run.peakRssBytes));
    const what = { ...shape, system: runs[0].system, peak_rss_bytes };
    return [
      toRow(
        { ...what, case: 'input, first pass' },
        records,
        runs.map((run) => run.seconds[0]),
      ),
      toRow(
        { ...what, case: 'input, later passes' },
        records,
        runs.flatMap((run) => run.seconds.slice(1)),
      ),
    ];
  });
  console.log(values.json ? JSON.stringify(rows, null, 2) : describe(rows, sepal, peer, records));
}

async function runSepal(args: readonly string[]): Promise<Run> {
  const script = join(import.meta.dirname, 'input-sepal.ts');
  const { stdout } = await execa(process.execPath, [script, ...args]);
  return Run.parse(JSON.parse(stdout));
}

function describe(rows: readonly Row[], sepal: readonly Run[], peer: readonly Run[], records: number): string {
  const head = ['case', 'system', 'images/s (median)', 'images/s (min)', 'seconds (median)', 'peak memory'];
  const cells = rows
    .toSorted((a, b) => a.case.localeCompare(b.case))
    .map((row) => [
      row.case,
      row.system,
      formatCount(Math.round(row.images_per_second_median)),
      formatCount(Math.round(row.images_per_second_min)),
      row.seconds_median.toFixed(2),
      formatBytes(row.peak_rss_bytes),
    ]);
  // A ratio within a repeat compares what ran minutes apart at most; the median of those is steadier than a ratio of medians.
  const ratio = (seconds: (run: Run) => number) =>
    median(sepal.map((run, i) => seconds(peer[i]) / seconds(run))).toFixed(2);
  const later = ({ seconds }: Run) => median(seconds.slice(1));
  return [
    `${formatCount(records)} records of ${rows[0].size} px, batch ${rows[0].batch}:`,
    '',
    toMarkdown([head, ...cells]),
    '',
    `Sepal / tf.data: ${ratio(({ seconds }) => seconds[0])}x in the first pass, ${ratio(later)}x in later ones`,
  ].join('\n');
}
