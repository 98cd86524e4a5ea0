import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { UsageError } from '../src/base/index.ts';
import { parseCount, parseNatural } from '../src/cli/numbers.ts';
import { scriptCommand } from '../scripts/script-command.ts';
import { fakeGcs, gcsEnvironment } from '../test/storage/fake-gcs.ts';
import { startFaultProxy } from '../test/storage/fault-proxy.ts';
import { install, start } from '../test/storage/go-server.ts';
import { median, toMarkdown } from './row.ts';

const ROOT = join(import.meta.dirname, '..');
const DATA = join(ROOT, '..', 'shared', 'data');

/** The pure input pipeline: what is kept in memory, and how many passes are made. */
const FORMS = [
  { form: 'cache', name: 'pixels kept' },
  { form: 'records', name: 'files kept, pictures decoded again' },
  { form: 'offset', name: 'nothing kept: every pass reads again' },
] as const;
const PASSES = 3;

/** Seconds of the same work from both places. */
interface Measured {
  readonly name: string;
  readonly disk: number;
  readonly bucket: number;
}

/**
 * `npm run bench -- bucket`: a data set in a `gs://` bucket beside the same one on a disk, by the input pipeline alone and by
 * whole runs of training. The service is an emulator on this machine behind a proxy that takes its time, each way; what
 * the two need of the processors is in the bucket's times.
 */
export const bucketBench = scriptCommand(
  'bucket',
  'a data set in a bucket, beside the same one on a disk',
  'npm run bench -- bucket --latency 5',
)
  .option('--data <dir>', 'a data set that is read', join(DATA, 'flowers102'))
  .option('--train <dir>', 'a data set that is trained on', join(DATA, 'tf_flowers'))
  .option('--recipe <name>', 'by which it is trained on', 'tf-flowers-frozen')
  .option('--epochs <n>', 'of the recipe', parseCount, 10)
  .option('--latency <ms>', 'that the network takes, each way', parseNatural, 5)
  .option('--repeats <n>', 'of everything', parseCount, 3)
  .option('--json', 'print the rows as JSON')
  .action(benchBucket);

interface Flags {
  readonly data: string;
  readonly train: string;
  readonly recipe: string;
  readonly epochs: number;
  readonly latency: number;
  readonly repeats: number;
  readonly json?: boolean;
}

async function benchBucket({ data, train, recipe, epochs, latency, repeats, json }: Flags): Promise<void> {
  const buckets = dirname(data);
  const server = fakeGcs(buckets);
  const problem = install(server);
  if (problem !== undefined) throw new UsageError('NO_EMULATOR', problem);
  const emulator = await start(server);
  const proxy = await startFaultProxy(emulator.port, { latencyMs: latency });
  const env = gcsEnvironment(proxy.port);
  const places = (folder: string) => [folder, `gs://${relative(buckets, folder)}`] as const;
  const measured: Measured[] = [];
  try {
    for (const { form, name } of FORMS) {
      const runs: number[][][] = [];
      for (let repeat = 0; repeat < repeats; repeat++) {
        console.error(`input, ${name}: repeat ${repeat + 1} of ${repeats}`);
        const pair = [];
        for (const place of places(data)) pair.push(await readPasses(place, form, env));
        runs.push(pair);
      }
      measured.push(
        ...compare(`input, ${name}: first pass`, runs, (passes) => passes[0]),
        ...compare(`input, ${name}: later passes`, runs, (passes) => median(passes.slice(1))),
      );
    }
    const runs: number[][][] = [];
    for (let repeat = 0; repeat < repeats; repeat++) {
      console.error(`${recipe}: repeat ${repeat + 1} of ${repeats}`);
      const pair = [];
      for (const place of places(train)) pair.push(await trainOnce(recipe, epochs, place, env));
      runs.push(pair);
    }
    measured.push(
      ...compare(`${recipe}: process start to end`, runs, (times) => times[0]),
      ...compare(`${recipe}: first epoch`, runs, (times) => times[1]),
      ...(epochs > 1 ? compare(`${recipe}: later epochs`, runs, (times) => median(times.slice(2))) : []),
    );
  } finally {
    await proxy.close();
    await emulator.close();
  }
  console.log(json === true ? JSON.stringify(measured, null, 2) : describe(measured, latency));
}

/** Seconds of each pass. */
async function readPasses(place: string, form: string, env: NodeJS.ProcessEnv): Promise<number[]> {
  const script = join(import.meta.dirname, 'input-sepal.ts');
  const location = place.startsWith('gs://') ? `${place}/tfrecords-jpeg-192x192/train` : join(place, 'tfrecords-jpeg-192x192', 'train'); // prettier-ignore
  const { stdout } = await execa(process.execPath, [script, location, '192', '64', String(PASSES), form], { env });
  return z.object({ seconds: z.array(z.number()) }).parse(JSON.parse(stdout)).seconds;
}

/** Seconds of the whole process, then of each epoch. */
async function trainOnce(recipe: string, epochs: number, place: string, env: NodeJS.ProcessEnv): Promise<number[]> {
  const out = await mkdtemp(join(tmpdir(), 'sepal-bench-'));
  try {
    const flags = ['--data', place, '--out', out, '--epochs', String(epochs), '--device', 'cpu', '--no-report'];
    const started = performance.now();
    await execa(process.execPath, [join(ROOT, 'src', 'cli', 'main.ts'), 'train', recipe, ...flags], { env });
    const seconds = (performance.now() - started) / 1000;
    const rows = (await readFile(join(out, 'history.jsonl'), 'utf8')).trim().split('\n');
    return [seconds, ...rows.map((line) => z.object({ seconds: z.number() }).parse(JSON.parse(line)).seconds)];
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

/** Of each place the fastest repeat: what else the machine does only adds. */
function compare(name: string, runs: readonly number[][][], take: (times: readonly number[]) => number): Measured[] {
  const [disk, bucket] = [0, 1].map((side) => Math.min(...runs.map((pair) => take(pair[side]))));
  return [{ name, disk, bucket }];
}

function describe(measured: readonly Measured[], latency: number): string {
  const rows = measured.map(({ name, disk, bucket }) => [
    name,
    disk.toFixed(3),
    bucket.toFixed(3),
    `${(bucket / disk).toFixed(2)}x`,
  ]);
  const head = ['what', 'disk (s)', `bucket, ${latency} ms each way (s)`, 'ratio'];
  return `Fastest of the repeats.\n\n${toMarkdown([head, ...rows])}`;
}
