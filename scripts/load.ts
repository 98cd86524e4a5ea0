// `npm run load`: a server with EfficientNet-Lite0, or with the run given, under load on this machine.
//
// It looks for the peak rate, then sends half of it and twice of it at random moments, then many requests, in which what the
// server holds is watched and judged as in `npm run soak`: by trends, after a warm-up.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { formatBytes, formatTable, Random, SepalError } from '../src/base/index.ts';
import { parseCount, parseNatural, parsePositive } from '../src/cli/numbers.ts';
import { drawFlower, encodeJpeg, SPECIES } from '../src/data/index.ts';
import { growthOf } from '../test/soak/growth.ts';
import { FIGURES, type Sample } from '../test/soak/sample.ts';
import { writeUntrainedRun } from '../test/untrained-run.ts';
import { Load, percentile, type Tally } from './load/arrivals.ts';
import { runScript, scriptCommand } from './script-command.ts';

/** Requests between two looks at what the server holds. */
const STRETCH = 100;
/** Of fewer requests a trend says nothing. */
const FEWEST = 5000;
/** Clients without pause: so many, and twice as many, until no more images are answered. */
const CLIENTS = [4, 8, 16, 32, 64, 128];
/** By less than this, more clients are no gain. */
const GAIN = 1.03;

await runScript(
  scriptCommand(
    'npm run load --',
    'Puts a server under load: its peak rate, half and twice of it, and what it holds over many requests.',
    'npm run load -- --run runs/first --requests 5000',
  )
    .option('--run <run>', 'what is served (default: a network with random weights)')
    .option('--model <name>', 'architecture of that network', 'efficientnet-lite0')
    .option('--size <px>', 'height and width of its images', parseCount, 192)
    .option('--seconds <n>', 'of each load', parsePositive, 20)
    .option('--requests <n>', 'in which what the server holds is watched', parseNatural, 20_000)
    .action(load),
);

interface Flags {
  readonly run?: string;
  readonly model: string;
  readonly size: number;
  readonly seconds: number;
  readonly requests: number;
}

async function load(flags: Flags): Promise<void> {
  const { run: given, model, size } = flags;
  const folder = await mkdtemp(join(tmpdir(), 'sepal-load-'));
  let child: ChildProcess | undefined;
  try {
    const classNames = Array.from({ length: 102 }, (_, i) => `class ${i}`);
    const run = given ?? (await writeUntrainedRun(join(folder, 'run'), { name: model, size, classNames }));
    child = fork(join(import.meta.dirname, 'load', 'server-child.ts'), [run], {
      env: { ...process.env, UV_THREADPOOL_SIZE: '8' },
    });
    await measure(child, flags);
    child.send('stop');
    await once(child, 'exit');
  } finally {
    child?.kill('SIGKILL');
    await rm(folder, { recursive: true });
  }
}

async function measure(child: ChildProcess, { run: given, model, size, seconds, requests }: Flags): Promise<void> {
  const photos = await drawPhotos();
  const { url, peak: alone } = await hear<{ url: string; peak: number }>(child);
  console.log(`${given ?? `${model} at ${size} px`}; the model alone does ${alone.toFixed(0)} images/s`);
  console.log(`photos: ${photos.length} JPEG files of 500 × 375, ${formatBytes(photos[0].length)}\n`);

  const visitors = new Load(url, photos);
  await visitors.closed(CLIENTS[0], (_done, elapsed) => elapsed > Math.min(5, seconds));
  const busy = await findPeak(visitors, seconds / 2);
  const half = await visitors.open(busy.peak / 2, seconds);
  const twice = await visitors.open(2 * busy.peak, seconds);
  console.log(
    formatTable(
      [
        ['load', 'sent/s', 'answered/s', 'answered', '429', 'lost', 'p50 ms', 'p95 ms', 'p99 ms'],
        row(`peak: ${busy.clients} clients without pause`, busy.tally),
        row('half of the peak', half),
        row('twice the peak', twice),
      ],
      [1, 2, 3, 4, 5, 6, 7, 8],
    ),
  );
  const { lost, grown } = await watch(visitors, child, { clients: busy.clients, requests });

  const atHalf = percentile(half.latencies, 0.99);
  const checks: (readonly [string, boolean])[] = [
    [`p99 at half of the peak below 250 ms: ${atHalf.toFixed(0)} ms`, atHalf < 250],
    [`none lost at half of the peak and at twice the peak: ${half.lost + twice.lost}`, half.lost + twice.lost === 0],
    [`none lost of the ${requests} requests in a row: ${lost}`, lost === 0],
  ];
  if (requests < FEWEST) console.log(`\nwhat the server holds is not judged: that takes at least ${FEWEST} requests`);
  else checks.push([`nothing that the server holds grew over ${requests} requests${grown.map((name) => `; ${name} did`).join('')}`, grown.length === 0]); // prettier-ignore
  console.log('');
  for (const [text, passed] of checks) console.log(`${passed ? 'ok  ' : 'FAIL'} ${text}`);
  await visitors.close();
  process.exitCode = checks.every(([, passed]) => passed) ? 0 : 1;
}

/** What the server tells next. @throws SepalError where it has ended instead, as with a run that there is not. */
async function hear<T>(server: ChildProcess): Promise<T> {
  const heard = new AbortController();
  const { signal } = heard;
  const ended = once(server, 'exit', { signal }).then(([status]): never => {
    throw new SepalError('LOAD', `the server has ended, with status ${status}`);
  });
  try {
    const [message] = (await Promise.race([once(server, 'message', { signal }), ended])) as [T];
    return message;
  } finally {
    heard.abort();
  }
}

/** The greatest rate at which all are answered, and the clients that it takes. */
async function findPeak(visitors: Load, seconds: number) {
  let best: { clients: number; tally: Tally; peak: number } | undefined;
  for (const clients of CLIENTS) {
    const tally = await visitors.closed(clients, (_done, elapsed) => elapsed > seconds);
    // Where some are refused, there are more clients than the server can serve.
    const peak = tally.busy === 0 ? tally.answered / tally.seconds : 0;
    if (best !== undefined && peak < GAIN * best.peak) break;
    best = { clients, tally, peak };
  }
  return best!;
}

/** Sends many requests and looks at the server between them: how many were lost, and what of it grew. */
async function watch(
  visitors: Load,
  server: ChildProcess,
  { clients, requests }: { readonly clients: number; readonly requests: number },
): Promise<{ lost: number; grown: string[] }> {
  const samples: Sample[] = [];
  const started = performance.now();
  let lost = 0;
  for (let sent = 0; sent < requests; sent += STRETCH) {
    lost += (await visitors.closed(clients, (done) => done >= Math.min(STRETCH, requests - sent))).lost;
    server.send('figures');
    const figures = await hear<Sample['figures']>(server);
    samples.push({ seconds: (performance.now() - started) / 1000, round: 0, epoch: samples.length, figures });
    if (samples.length % 20 === 0) console.log(`after ${sent + STRETCH} requests: ${figures.memory.toFixed(0)} MB, of it ${figures.heap.toFixed(1)} MB JavaScript's heap, ${lost} lost`); // prettier-ignore
  }
  if (samples.length === 0) return { lost, grown: [] };
  const growth = growthOf(samples);
  const rows = growth.map(({ figure, first, last, peak, grown, allowed }) => [
    FIGURES[figure].title,
    ...[first, last, peak, grown, allowed].map((value) => value.toFixed(1)),
  ]);
  console.log(`\n${formatTable([['', 'first', 'last', 'peak', 'growth', 'allowed'], ...rows], [1, 2, 3, 4, 5])}`);
  return {
    lost,
    grown: growth.filter(({ isFlat }) => !isFlat).map(({ figure }) => FIGURES[figure].title.toLowerCase()),
  };
}

function row(name: string, { sent, answered, busy, lost, seconds, latencies }: Tally): string[] {
  return [
    name,
    (sent / seconds).toFixed(1),
    (answered / seconds).toFixed(1),
    ...[answered, busy, lost].map(String),
    ...[0.5, 0.95, 0.99].map((share) => percentile(latencies, share).toFixed(0)),
  ];
}

/** Photos of the size that web pages show, which the server decodes and scales down. */
async function drawPhotos(): Promise<Buffer[]> {
  return Promise.all(
    SPECIES.slice(0, 8).map(async (species, i) => {
      return sharp(encodeJpeg(drawFlower(species, 512, new Random(i, 'load'))))
        .resize(500, 375, { fit: 'cover' })
        .jpeg({ quality: 90 })
        .toBuffer();
    }),
  );
}
