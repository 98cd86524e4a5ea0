// Draws flowers, trains a small network on them, and names a photo: node examples/train-and-predict.ts [FOLDER]
// In a clone, build the package once before: npm run build
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadModel, readTFRecords, train } from 'sepal';
import { drawDataset } from 'sepal/data';

const folder = process.argv[2] ?? (await mkdtemp(join(tmpdir(), 'sepal-example-')));
const data = join(folder, 'flowers');
const out = join(folder, 'run');
await drawDataset({ out: data, classes: 3, train: 96, val: 24, test: 6, difficulty: 'easy' });

const { evaluation } = await train({
  recipe: {
    model: { name: 'cnn', options: { depth: 3, width: 8, dropout: 0 } },
    size: 48,
    epochs: 8,
    batchSize: 16,
    optimizer: { name: 'adamw', weightDecay: 0.01 },
    schedule: { name: 'cosine', rate: 0.01, warmup: 0.5 },
  },
  data,
  out,
  device: 'cpu',
  onEvent: (event) => {
    if (event.kind === 'epoch')
      console.log(`epoch ${event.row.epoch}: macro F1 ${event.row.validation.macroF1.toFixed(2)}`);
  },
});
console.log(`accuracy ${evaluation.confusion.accuracy.toFixed(2)}`);

// Node 24 has `await using` for this.
const model = await loadModel(out, { device: 'cpu' });
try {
  for await (const { image } of readTFRecords(data, { split: 'test' })) {
    const photo = image?.[0];
    if (!(photo instanceof Uint8Array)) continue;
    const [{ classes }] = await model.predict([photo]);
    console.log(`${classes[0].name} ${(100 * classes[0].probability).toFixed(0)} %`);
  }
} finally {
  await model.close();
}
