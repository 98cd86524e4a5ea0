import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { writeColouredDataset } from '../../test/coloured-dataset.ts';
import { readTFRecords, type ReadOptions } from './read-tfrecords.ts';

const root = await mkdtemp(join(tmpdir(), 'sepal-read-tfrecords-'));
after(() => rm(root, { recursive: true }));

test('reads all records, those of a split, and none of a split that there is not', async () => {
  await writeColouredDataset(root, { splits: { train: 5, val: 2 }, size: 8 });
  const count = async (options?: ReadOptions, location = root) => {
    let records = 0;
    for await (const _ of readTFRecords(location, options)) records++;
    return records;
  };
  assert.equal(await count(), 7);
  assert.equal(await count({ split: 'val' }), 2);
  await assert.rejects(count({ split: 'test' }), { code: 'NO_SPLIT', received: 'the splits train, val' });
  // Files that no folder tells apart belong to each split, as for a data set.
  assert.equal(await count({ split: 'val' }, join(root, 'train', '*')), 5);
});
