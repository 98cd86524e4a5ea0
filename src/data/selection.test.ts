import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { writeColouredDataset } from '../../test/coloured-dataset.ts';
import { openDataset } from './dataset.ts';
import type { Dataset } from './picture-set.ts';
import { Selection } from './selection.ts';

const SIZE = 8;

suite('a selection of pictures', () => {
  let folder: string;
  let whole: Dataset;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-selection-'));
    await writeColouredDataset(folder, { splits: { train: 11, val: 6 }, size: SIZE });
    whole = await openDataset(folder, { size: SIZE, split: ['train', 'val'] });
  });
  after(async () => {
    await whole.close();
    await rm(folder, { recursive: true });
  });

  test('splits opened together follow each other', async () => {
    assert.equal(whole.count, 17);
    await using validation = await openDataset(folder, { size: SIZE, split: 'val' });
    assert.deepEqual([...whole.labels.subarray(11)], [...validation.labels]);
    assert.equal(whole.files.length, 2);
  });

  test('has its own numbers, and the pictures that they stand for', async () => {
    const records = Uint32Array.of(16, 3, 7, 0);
    const some = new Selection(whole, records, 'some');
    assert.equal(some.count, 4);
    assert.deepEqual(
      [...some.labels],
      [...records].map((record) => whole.labels[record]),
    );
    assert.deepEqual(await some.encoded(1), await whole.encoded(3));
    const pixels = new Map<number, string>();
    for await (const { images, indices, count, labels } of whole.batches({ batchSize: 17 })) {
      const image = SIZE * SIZE * 3;
      for (let row = 0; row < count; row++) {
        pixels.set(indices[row], Buffer.from(images.subarray(row * image, (row + 1) * image)).toString('hex'));
        assert.equal(labels[row], whole.labels[indices[row]]);
      }
    }
    for (const order of ['sequential', Uint32Array.of(2, 0, 3, 3, 1)] as const) {
      const seen: number[] = [];
      for await (const { images, indices, count } of some.batches({ batchSize: 3, order })) {
        for (let row = 0; row < count; row++) {
          const bytes = Buffer.from(images.subarray(row * SIZE * SIZE * 3, (row + 1) * SIZE * SIZE * 3));
          assert.equal(bytes.toString('hex'), pixels.get(records[indices[row]]));
          seen.push(indices[row]);
        }
      }
      assert.deepEqual(seen, order === 'sequential' ? [0, 1, 2, 3] : [...order]);
    }
    await assert.rejects(some.batches({ batchSize: 2, order: Uint32Array.of(4) }).next(), { code: 'BAD_ORDER' });
  });
});
