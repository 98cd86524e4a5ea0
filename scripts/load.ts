// `npm run load`: a server with EfficientNet-Lite0, or with the run given, under load on this machine.
//
//   npm run load -- [--run RUN] [--model NAME] [--size 192] [--seconds 20] [--requests 20000]
//
// It looks for the peak rate, then sends half of it and twice of it at random moments, then many requests for the memory.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { formatBytes, formatTable, Random } from '../src/base/index.ts';
import { drawFlower, encodeJpeg, SPECIES } from '../src/data/index.ts';
import { writeUntrainedRun } from '../test/untrained-run.ts';
import { Load, percentile, type Tally } from './load/arrivals.ts';

const { values } = parseArgs({
  options: {
    run: { type: 'string' },
    model: { type: 'string', default: 'efficientnet-lite0' },
    size: { type: 'string', default: '192' },
    seconds: { type: 'string', default: '20' },
    requests: { type: 'string', default: '20000' },
  },
});
const seconds = Number(values.seconds);
const requests = Number(values.requests);
/** Requests between two looks at the memory. */
const STRETCH = Math.max(1, Math.round(requests / 10));
/** Clients that keep the server as busy as it can be without refusing anybody. */
const CLIENTS = 8;

const folder = await mkdtemp(join(tmpdir(), 'sepal-load-'));
const run =
  values.run ??
  (await writeUntrainedRun(join(folder, 'run'), {
    name: values.model,
    size: Number(values.size),
    classNames: Array.from({ length: 102 }, (_, i) => `class ${i}`),
  }));
const photos = await drawPhotos();
const child = fork(join(import.meta.dirname, 'load', 'server-child.ts'), [run], {
  env: { ...process.env, UV_THREADPOOL_SIZE: '8' },
});
const [{ url, peak: model }] = (await once(child, 'message')) as [{ url: string; peak: number }];
const load = new Load(url, photos);
const memory = async () => {
  child.send('memory');
  const [answer] = (await once(child, 'message')) as [{ rss: number; buffers: number }];
  return answer;
};

console.log(`${values.run ?? values.model} at ${values.size} px; the model alone does ${model.toFixed(0)} images/s`);
console.log(`photos: ${photos.length} JPEG files of 500 × 375, ${formatBytes(photos[0].length)}\n`);

await load.closed(CLIENTS, (_done, elapsed) => elapsed > Math.min(5, seconds));
const busy = await load.closed(CLIENTS, (_done, elapsed) => elapsed > seconds);
const peak = busy.answered / busy.seconds;
const half = await load.open(peak / 2, seconds);
const twice = await load.open(2 * peak, seconds);
const row = (name: string, { sent, answered, busy: refused, lost, seconds: took, latencies }: Tally) => [
  name,
  (sent / took).toFixed(1),
  (answered / took).toFixed(1),
  String(answered),
  String(refused),
  String(lost),
  ...[0.5, 0.95, 0.99].map((share) => percentile(latencies, share).toFixed(0)),
];
console.log(
  formatTable(
    [
      ['load', 'sent/s', 'answered/s', 'answered', '429', 'lost', 'p50 ms', 'p95 ms', 'p99 ms'],
      row(`peak: ${CLIENTS} clients without pause`, busy),
      row('half of the peak', half),
      row('twice the peak', twice),
    ],
    [1, 2, 3, 4, 5, 6, 7, 8],
  ),
);

console.log('');
const sizes: number[] = [];
let lost = 0;
if (requests > 0) console.log(`before: ${formatBytes((await memory()).rss)} resident`);
for (let done = 0; done < requests; done += STRETCH) {
  const tally = await load.closed(CLIENTS, (count) => count >= STRETCH);
  lost += tally.lost;
  const { rss, buffers } = await memory();
  sizes.push(rss);
  console.log(
    `after ${done + STRETCH} requests: ${formatBytes(rss)} resident, ${buffers} buffers on the device, ${lost} lost`,
  );
}
// The allocator needs a few thousand requests to find its size.
const settled = sizes.slice(Math.floor(sizes.length * 0.3));
const growth = settled.length < 2 ? 0 : settled.at(-1)! / settled[0] - 1;
const checks: readonly (readonly [string, boolean])[] = [
  [
    `p99 at half of the peak below 250 ms: ${percentile(half.latencies, 0.99).toFixed(0)} ms`,
    percentile(half.latencies, 0.99) < 250,
  ],
  [`none lost at half of the peak and at twice the peak: ${half.lost + twice.lost}`, half.lost + twice.lost === 0],
  [`none lost of the ${requests} requests for the memory: ${lost}`, lost === 0],
  [
    `memory flat within 5 % over the last ${settled.length * STRETCH} requests: ${(100 * growth).toFixed(1)} %`,
    growth < 0.05,
  ],
];
console.log('');
for (const [text, passed] of checks) console.log(`${passed ? 'ok  ' : 'FAIL'} ${text}`);
await load.close();
child.send('stop');
await once(child, 'exit');
await rm(folder, { recursive: true });
process.exitCode = checks.every(([, passed]) => passed) ? 0 : 1;

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
