import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { silent } from '../../base/index.ts';
import { encodeExample, encodeJpeg, TfrecordWriter } from '../../data/index.ts';
import { TrainingSource } from './training-source.ts';

/** Writes a split of a data set at a size, with the pictures in that order. */
async function writeSplit(folder: string, split: string, size: number, order: readonly number[]): Promise<void> {
  await using writer = await TfrecordWriter.create(join(folder, `tfrecords-jpeg-${size}x${size}`, split));
  for (const n of order) {
    const image = encodeJpeg({ rgb: new Uint8Array(size * size * 3).fill(n), size, quality: 90 });
    await writer.write(encodeExample({ image, class: n % 2, id: `${split}-${n}` }));
  }
  await writer.finish(`00-${size}x${size}-${order.length}.tfrec`);
}

test('a fold has the same pictures at every size, whatever order the files have them in', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sepal-sizes-'));
  const source = new TrainingSource(
    { data: folder, badRecords: 'fail', report: false, device: 'cpu' },
    { log: silent, signal: new AbortController().signal },
  );
  try {
    const order = Array.from({ length: 12 }, (_, n) => n);
    for (const split of ['train', 'val']) {
      await writeSplit(folder, split, 16, order);
      await writeSplit(folder, split, 24, order.toReversed());
    }
    const [small, large] = [
      await source.fold(16, { fold: 1, folds: 3, seed: 5 }),
      await source.fold(24, { fold: 1, folds: 3, seed: 5 }),
    ];
    assert.equal(large.validation.size.height, 24);
    assert.deepEqual(large.validation.ids, small.validation.ids);
    assert.deepEqual(large.train.ids, small.train.ids);
    assert.deepEqual(large.train.labels, small.train.labels);
  } finally {
    await source.close();
    await rm(folder, { recursive: true });
  }
});
