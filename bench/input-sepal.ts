// One process of Sepal's input pipeline: `input-sepal.ts FOLDER SIZE BATCH PASSES`; the peer of peers/tfdata_read.py.
// Decoded pixels are not cached, so that every pass decodes. The files' bytes stay in memory after the first pass.
import { openDataset } from '../src/data/index.ts';

const [folder, ...numbers] = process.argv.slice(2);
const [size, batchSize, passes] = numbers.map(Number);

let started = performance.now();
const seconds: number[] = [];
let records = 0;
const dataset = await openDataset(folder, { size, labelsRequired: true, cacheBudgetBytes: 0 });
for (let epoch = 0; epoch < passes; epoch++) {
  records = 0;
  for await (const batch of dataset.batches({ batchSize, order: { shuffle: { seed: 0, epoch } } })) {
    records += batch.count;
    batch.release();
  }
  const now = performance.now();
  seconds.push((now - started) / 1000);
  started = now;
}
const peakRssBytes = process.resourceUsage().maxRSS * 1024;
console.log(JSON.stringify({ system: 'Sepal', records, seconds, peakRssBytes }));
