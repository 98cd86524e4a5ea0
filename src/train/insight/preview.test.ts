import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { Random } from '../../base/index.ts';
import { encodeTiles, openDataset } from '../../data/index.ts';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../../test/backend.ts';
import { writeColouredDataset } from '../../../test/coloured-dataset.ts';
import { augmentSchema } from '../augment/index.ts';
import { previewAugmentation } from './preview.ts';

const SIZE = 16;
const TILE = SIZE * SIZE * 3;

test('a contact sheet shows pictures as they are stored, then as steps of training see them', { skip }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sepal-preview-'));
  await writeColouredDataset(folder, { splits: { train: 9 }, size: SIZE });
  const data = await openDataset(folder, { split: 'train', size: SIZE });
  const backend = await cpuBackend({ replicas: 2 });
  t.after(async () => {
    await backend.close();
    await data.close();
    await rm(folder, { recursive: true });
  });
  const recipe = { seed: 3, augment: augmentSchema.parse({ flip: true, brightness: 0.5, cutmix: 1 }) };
  const sheet = await previewAugmentation(backend, recipe, data, { rows: 4, columns: 3 });
  assert.equal(sheet.pixels.length, 12 * TILE);
  const tile = (row: number, column: number) =>
    sheet.pixels.subarray((row * 3 + column) * TILE, (row * 3 + column + 1) * TILE);
  const order = new Random(3, 'shuffle', 0).permutation(9).subarray(0, 4);
  for await (const { images } of data.batches({ batchSize: 4, order })) {
    for (const row of [0, 1, 2, 3]) {
      assert.deepEqual(tile(row, 0), new Uint8Array(images.subarray(row * TILE, (row + 1) * TILE)));
      assert.notDeepEqual(tile(row, 1), tile(row, 0));
      assert.notDeepEqual(tile(row, 1), tile(row, 2));
    }
  }
  const { width, height, format } = await sharp(await encodeTiles(sheet)).metadata();
  assert.deepEqual([width, height, format], [3 * SIZE + 8, 4 * SIZE + 12, 'png']);
});
