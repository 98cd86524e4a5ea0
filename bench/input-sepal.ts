// One process of Sepal's input pipeline: `input-sepal.ts FOLDER SIZE BATCH PASSES FORM`; its peer is
// peers/tfdata_read.py. With FORM `cache` decoded pixels are cached in memory; else every pass decodes, from files whose
// bytes stay in memory after the first pass, or with `offset` from files that are read again, as those that don't fit are.
import { sepalVersion } from '../src/cli/version.ts';
import { openDataset } from '../src/data/index.ts';

const [folder, ...rest] = process.argv.slice(2);
const [size, batchSize, passes] = rest.map(Number);
const form = rest[3];

let started = performance.now();
let cpuStarted = process.cpuUsage();
const seconds: number[] = [];
const cpuSeconds: number[] = [];
let records = 0;
const cacheBudgetBytes = form === 'cache' ? undefined : 0;
const recordBudgetBytes = form === 'offset' ? 0 : undefined;
const dataset = await openDataset(folder, { size, labelsRequired: true, cacheBudgetBytes, recordBudgetBytes });
for (let epoch = 0; epoch < passes; epoch++) {
  records = 0;
  for await (const batch of dataset.batches({ batchSize, order: { shuffle: { seed: 0, epoch } } })) {
    records += batch.count;
    batch.release();
  }
  const now = performance.now();
  seconds.push((now - started) / 1000);
  started = now;
  const { user, system } = process.cpuUsage(cpuStarted);
  cpuSeconds.push((user + system) / 1e6);
  cpuStarted = process.cpuUsage();
}
const peakRssBytes = process.resourceUsage().maxRSS * 1024;
console.log(JSON.stringify({ system: `Sepal ${sepalVersion()}`, records, seconds, cpuSeconds, peakRssBytes }));
