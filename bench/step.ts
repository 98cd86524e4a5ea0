import { availableParallelism } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { Option, type Command } from 'commander';
import { didYouMean, UsageError } from '../src/base/index.ts';
import { parseCount } from '../src/cli/numbers.ts';
import { scriptCommand } from '../scripts/script-command.ts';
import { findPython } from './python.ts';
import { record, toResultsTable } from './results.ts';
import { toRow, type Row } from './row.ts';
import {
  STEP_DEVICES,
  STEP_PRECISIONS,
  SYSTEMS,
  Worker,
  type StepCase,
  type StepDevice,
  type StepPrecision,
  type StepShape,
  type StepTime,
} from './worker.ts';

/** What the systems are compared on. */
export const STEP_MODELS = [
  'efficientnet-lite0',
  'cnn',
  'resnet50',
  'densenet121',
  'efficientnet-b0',
  'mobilenet-v2',
  'xception',
] as const;

/** Milliseconds between turns: threads of some systems look out for more work for 50 ms after a step, on cores that the next one needs. */
const REST = 200;
/** Steps of a turn: the first ones, which aren't counted, and those that are. Predictions are timed from rest. */
const TURN: Record<StepCase, { readonly first: number; readonly counted: number }> = {
  train: { first: 1, counted: 4 },
  inference: { first: 0, counted: 1 },
};

export interface StepFlags {
  readonly models: string;
  readonly systems: string;
  readonly batch: number;
  readonly size: number;
  readonly repeats: number;
  readonly threads?: number;
  readonly device: StepDevice;
  readonly precision: StepPrecision;
  readonly json?: boolean;
  readonly record?: boolean;
}

export const trainBench = stepBench('train', 'a training step of whole networks', 16);
export const inferenceBench = stepBench('inference', 'a batch of predictions', 32);

function stepBench(name: StepCase, description: string, batch: number): Command {
  return scriptCommand(name, description, `npm run bench -- ${name} --models resnet50 --systems sepal,torch`)
    .option('--models <names>', 'some of them, with commas', STEP_MODELS.join(','))
    .option('--systems <names>', 'some of them, with commas', SYSTEMS.map((system) => system.name).join(','))
    .option('--batch <n>', 'pictures of a batch', parseCount, batch)
    .option('--size <px>', 'side of the pictures', parseCount, 192)
    .option('--repeats <n>', 'turns of each', parseCount, 6)
    .option('--threads <n>', 'processors for each system (default: all; needs taskset)', parseCount)
    .addOption(new Option('--device <name>', 'where the steps run').choices(STEP_DEVICES).default('cpu'))
    .addOption(new Option('--precision <policy>', 'what layers compute in').choices(STEP_PRECISIONS).default('float32'))
    .option('--json', 'print the rows as JSON')
    .option('--record', 'keep the rows in bench/RESULTS.md')
    .action(async (flags: StepFlags) => benchSteps(name, flags));
}

/**
 * `npm run bench -- train|inference`: seconds of a training step (full fine-tuning with Adam) or of a batch of
 * predictions, of Sepal and its peers.
 *
 * All systems' processes stay alive, each with its model, and take turns: so they see the same machine. A turn begins when all
 * threads have come to rest, and a step counts from pixels on the host to loss or probabilities on the host. Training steps follow
 * each other, as in use: the first one of a turn pays for memory that the machine has taken back while the others had
 * theirs, which on virtual machines may take seconds for a gigabyte, and isn't counted.
 */
async function benchSteps(name: StepCase, flags: StepFlags): Promise<void> {
  findPython();
  requireProcessors(flags.threads);
  const models = listOf('models', flags.models, STEP_MODELS);
  const systems = listOf('systems', flags.systems, SYSTEMS.map((system) => system.name)); // prettier-ignore
  const { size, batch, threads, device, precision } = flags;
  const rows: Row[] = [];
  for (const model of models) {
    const able = SYSTEMS.filter(
      (system) =>
        systems.includes(system.name) &&
        system.devices.includes(device) &&
        system.cases.includes(name) &&
        system.lacks?.includes(model) !== true,
    );
    const shape: StepShape = { case: name, model, size, batch, threads, device, precision };
    const added = await compare(
      shape,
      able.map((system) => system.name),
      flags.repeats,
    );
    rows.push(...added);
    if (flags.record === true) await record(added);
  }
  console.log(flags.json === true ? JSON.stringify(rows, null, 2) : toResultsTable(rows));
}

/** Every system's counted steps, turn after turn. */
async function compare(shape: StepShape, systems: readonly string[], repeats: number): Promise<Row[]> {
  const workers: Worker[] = [];
  for (const system of systems) {
    console.error(`${shape.case} ${shape.model}: starting ${system}`);
    workers.push(await Worker.start(system, shape));
  }
  const steps = workers.map((): StepTime[] => []);
  const { first, counted } = TURN[shape.case];
  for (let repeat = 1; repeat <= repeats; repeat++) {
    console.error(`${shape.case} ${shape.model}: turn ${repeat} of ${repeats}`);
    for (const [i, worker] of workers.entries()) {
      await setTimeout(REST);
      for (let step = 0; step < first; step++) await worker.step();
      for (let step = 0; step < counted; step++) steps[i].push(await worker.step());
    }
  }
  const rows: Row[] = [];
  for (const [i, worker] of workers.entries()) {
    const { peakRssBytes, peakDeviceBytes } = await worker.finish();
    // Rows of a CPU and of float32 have no such fields, as those that were kept before there were others.
    const precision = shape.precision === 'float32' ? undefined : shape.precision;
    const { system, accelerator: device } = worker;
    const what = { ...shape, device, precision, system, peak_rss_bytes: peakRssBytes };
    const row = toRow(what, shape.batch, steps[i].map(({ seconds }) => seconds)); // prettier-ignore
    rows.push({
      ...row,
      peak_device_bytes: peakDeviceBytes,
      cpu_seconds_min: Math.min(...steps[i].map(({ cpuSeconds }) => cpuSeconds)),
    });
  }
  return rows;
}

function requireProcessors(threads = 1): void {
  if (threads <= availableParallelism()) return;
  throw new UsageError('THREADS', `--threads ${threads}: this machine has fewer processors`, {
    expected: `at most ${availableParallelism()}`,
  });
}

/** Names separated by commas. @throws UsageError for one that there is not. */
export function listOf(option: string, text: string, known: readonly string[]): string[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return names;
  throw new UsageError('UNKNOWN_BENCH', `--${option}: there is no "${unknown}"`, {
    expected: known.join(', '),
    hint: didYouMean(unknown, known),
  });
}
