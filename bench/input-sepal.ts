// One process of Sepal's input pipeline: `input-sepal.ts FOLDER SIZE BATCH PASSES CACHE`; its peer is
// peers/tfdata_read.py. With CACHE 1 decoded pixels are cached in memory; with 0 every pass decodes, from files whose
// bytes stay in memory after the first pass.
import { openDataset } from '../src/data/index.ts';

const [folder, ...numbers] = process.argv.slice(2);
const [size, batchSize, passes, cache] = numbers.map(Number);

let started = performance.now();
let cpuStarted = process.cpuUsage();
const seconds: number[] = [];
const cpuSeconds: number[] = [];
let records = 0;
const cacheBudgetBytes = cache === 1 ? undefined : 0;
const dataset = await openDataset(folder, { size, labelsRequired: true, cacheBudgetBytes });
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
console.log(JSON.stringify({ system: 'Sepal', records, seconds, cpuSeconds, peakRssBytes }));
