// `npm run soak -- --minutes N`: trains and evaluates again and again in one process and watches memory, handles and live
// buffers; exits 1 where one of them grows. The folder gets a page with charts.
import { parseArgs } from 'node:util';
import { join } from 'node:path';
import { formatSeconds, formatTable, plural, startProgress } from '../src/base/index.ts';
import { openBackend, type DeviceName } from '../src/runtime/index.ts';
import { FIGURES } from '../test/soak/sample.ts';
import { soak } from '../test/soak/soak.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    'round-minutes': { type: 'string', default: '10' },
    out: { type: 'string', default: 'soak' },
    device: { type: 'string', default: 'cpu' },
    replicas: { type: 'string', default: '1' },
    threads: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log(`usage: npm run soak -- [--minutes N] [--round-minutes N] [--out DIR] [--device cpu] [--replicas N] [--threads N]

  --minutes N        how long in all (60)
  --round-minutes N  how long each run of training is (10)
  --out DIR          gets soak.html, samples.jsonl and the runs (soak)

example: npm run soak -- --minutes 60 --threads 1`);
  process.exit(0);
}

const minutes = Number(values.minutes);
const backend = await openBackend({
  device: values.device as DeviceName,
  replicas: Number(values.replicas),
  threads: values.threads === undefined ? undefined : Number(values.threads),
});
const progress = startProgress({ label: 'soak', total: Math.round(60 * minutes), unit: 's/s' });
const { growth, epochs, rounds, left, samples } = await soak({
  backend,
  minutes,
  roundMinutes: Number(values['round-minutes']),
  out: values.out,
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
console.log(`${formatSeconds(seconds)}, ${plural(rounds, 'run')}, ${plural(epochs, 'epoch')}; ${join(values.out, 'soak.html')}`); // prettier-ignore
process.exitCode = left.length === 0 && growth.every(({ isFlat }) => isFlat) ? 0 : 1;
