import { Option } from 'commander';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCount } from '../src/cli/numbers.ts';
import { scriptCommand } from '../scripts/script-command.ts';
import { findPython } from './python.ts';
import { record, toResultsTable } from './results.ts';
import { toRow, type Row } from './row.ts';
import { listOf, STEP_MODELS, type StepFlags } from './step.ts';
import { SEPAL, STEP_CASES, SYSTEMS, Worker, type StepCase, type StepShape } from './worker.ts';

/**
 * `npm run bench -- startup`: seconds from the start of a process until a training step, or a batch of predictions, is done, compiling included.
 *
 * A cold start has no compiled program in the cache, a warm one has. The peers keep no compiled programs between
 * processes as they come, so both of their starts are the same.
 */
export const startupBench = scriptCommand(
  'startup',
  'from the start of a process until a training step, or a batch of predictions, is done, cold and warm',
  'npm run bench -- startup --models densenet121',
)
  .addOption(new Option('--case <name>', 'what is done').choices(STEP_CASES).default('train'))
  .option('--models <names>', 'some of them, with commas', 'densenet121')
  .option('--systems <names>', 'some of them, with commas', 'sepal,keras-tensorflow,torch')
  .option('--batch <n>', 'pictures of a batch', parseCount, 16)
  .option('--size <px>', 'side of the pictures', parseCount, 192)
  .option('--repeats <n>', 'starts of each', parseCount, 2)
  .option('--json', 'print the rows as JSON')
  .option('--record', 'keep the rows in bench/RESULTS.md')
  .action(benchStartup);

interface StartupFlags extends StepFlags {
  readonly case: StepCase;
}

async function benchStartup(flags: StartupFlags): Promise<void> {
  findPython();
  const rows: Row[] = [];
  const systems = listOf('systems', flags.systems, SYSTEMS.map((system) => system.name)); // prettier-ignore
  for (const model of listOf('models', flags.models, STEP_MODELS)) {
    const { size, batch } = flags;
    const shape: StepShape = { case: flags.case, model, size, batch, device: 'cpu', precision: 'float32' };
    const able = SYSTEMS.filter(
      ({ name, devices, cases, lacks }) =>
        systems.includes(name) &&
        devices.includes('cpu') &&
        cases.includes(flags.case) &&
        lacks?.includes(model) !== true,
    );
    const starts = new Map<string, Start[]>();
    for (let repeat = 0; repeat < flags.repeats; repeat++) {
      for (const { name } of able) {
        console.error(`startup ${model}: ${name}`);
        const pair = name === SEPAL ? await startTwice(shape) : { cold: await start(name, shape) };
        for (const [temperature, one] of Object.entries(pair)) {
          const what = flags.case === 'train' ? 'startup' : 'startup of predictions';
          const key = `${what}, ${temperature}|${one.system}`;
          starts.set(key, [...(starts.get(key) ?? []), one]);
        }
      }
    }
    for (const [key, runs] of starts) {
      const what = {
        case: key.split('|')[0],
        model,
        size,
        batch,
        system: runs[0].system,
        peak_rss_bytes: Math.max(...runs.map(({ peak }) => peak)),
      };
      rows.push(
        toRow(
          what,
          shape.batch,
          runs.map(({ seconds }) => seconds),
        ),
      );
    }
  }
  if (flags.record === true) await record(rows);
  console.log(flags.json === true ? JSON.stringify(rows, null, 2) : toResultsTable(rows));
}

interface Start {
  readonly system: string;
  readonly seconds: number;
  readonly peak: number;
}

async function start(system: string, shape: StepShape, cache?: string): Promise<Start> {
  const worker = await Worker.start(system, shape, cache);
  const { peakRssBytes } = await worker.finish();
  return { system: worker.system, seconds: worker.startSeconds, peak: peakRssBytes };
}

/** With an empty cache, then with what that has left there. */
async function startTwice(shape: StepShape): Promise<{ cold: Start; warm: Start }> {
  const cache = await mkdtemp(join(tmpdir(), 'sepal-bench-'));
  try {
    return { cold: await start(SEPAL, shape, cache), warm: await start(SEPAL, shape, cache) };
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
}
