// `npm run soak -- --minutes N`: trains and evaluates again and again in one process and watches memory, handles and live
// buffers; exits 1 where one of them grows. The folder gets a page with charts.
import { join } from 'node:path';
import { formatSeconds, formatTable, plural, startProgress } from '../src/base/index.ts';
import { Option } from 'commander';
import { parseCount, parsePositive } from '../src/cli/numbers.ts';
import { DEVICE_NAMES, openBackend, type DeviceName } from '../src/runtime/index.ts';
import { FIGURES } from '../test/soak/sample.ts';
import { soak } from '../test/soak/soak.ts';
import { runScript, scriptCommand } from './script-command.ts';

/** So many short runs that each of libuv's eight threads has very likely compiled something in one. */
const WARM_UPS = 24;

await runScript(
  scriptCommand(
    'npm run soak --',
    'Trains and evaluates again and again in one process, and watches memory, handles and live buffers.',
    'npm run soak -- --minutes 60 --threads 1',
  )
    .option('--minutes <n>', `how long in all, after ${WARM_UPS} short runs`, parsePositive, 60)
    .option('--round-minutes <n>', 'how long each run of training is', parsePositive, 10)
    .option('--out <dir>', 'gets soak.html, samples.jsonl and the runs', 'soak')
    .addOption(new Option('--device <name>', 'where to run').choices(DEVICE_NAMES).default('cpu'))
    .option('--replicas <n>', 'devices that share a batch', parseCount, 1)
    .option('--threads <n>', 'of the CPU plugin', parseCount)
    .action(watch),
);

interface Flags {
  readonly minutes: number;
  readonly roundMinutes: number;
  readonly out: string;
  readonly device: DeviceName;
  readonly replicas: number;
  readonly threads?: number;
}

async function watch({ minutes, roundMinutes, out, ...devices }: Flags): Promise<void> {
  const backend = await openBackend(devices);
  const progress = startProgress({ label: 'soak', total: Math.round(60 * minutes), unit: 's/s' });
  const { growth, epochs, rounds, left, samples } = await soak({
    backend,
    minutes,
    roundMinutes,
    warmUps: WARM_UPS,
    out,
    onSample: ({ seconds, figures }) => progress.update(Math.round(seconds), `${figures.memory.toFixed(0)} MB`),
  });
  progress.stop();
  await backend.close();

  const rows = growth.map(({ figure, isFlat, ...row }) => [
    FIGURES[figure].title,
    ...[row.first, row.last, row.peak, row.grown, row.grownWithin, row.allowed].map((value) => value.toFixed(1)),
    isFlat ? 'yes' : 'NO',
  ]);
  console.log(formatTable([['', 'first', 'last', 'peak', 'growth', 'within runs', 'allowed', 'flat'], ...rows], [1, 2, 3, 4, 5, 6])); // prettier-ignore
  for (const line of left) console.log(line);
  const seconds = samples[samples.length - 1].seconds;
  console.log(`${formatSeconds(seconds)}, ${plural(rounds, 'run')}, ${plural(epochs, 'epoch')}; ${join(out, 'soak.html')}`); // prettier-ignore
  process.exitCode = left.length === 0 && growth.every(({ isFlat }) => isFlat) ? 0 : 1;
}
