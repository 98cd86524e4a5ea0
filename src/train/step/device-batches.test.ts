import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { openDataset, type Dataset } from '../../data/index.ts';
import type { Backend } from '../../runtime/index.ts';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../../test/backend.ts';
import { writeColouredDataset } from '../../../test/coloured-dataset.ts';
import { evaluationBatches, trainingBatches, type DeviceBatch } from './device-batches.ts';
import { epochOrder } from './order.ts';

const COUNT = 13;
const BATCH = 4;
const SIZE = 8;
const INPUT = { shape: [SIZE, SIZE, 3], dtype: 'uint8' } as const;

const shuffled = (data: Dataset, seed = 1, epoch = 0): Uint32Array =>
  epochOrder(data.labels, { sampling: 'shuffle', seed, epoch });

/** What a batch held, before it was disposed of. */
interface Held {
  readonly indices: number[];
  readonly mask: number[];
  readonly deviceMask: number[];
  readonly labels: number[];
  readonly brightness: number[];
  readonly examples: number;
}

suite('batches on the devices', { skip }, () => {
  let backend: Backend;
  let folder: string;
  let data: Dataset;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-batches-'));
    await writeColouredDataset(folder, { splits: { train: COUNT }, size: SIZE });
    data = await openDataset(join(folder, 'train'), { size: SIZE });
    backend = await cpuBackend({ replicas: 2 });
  });
  after(async () => {
    await data.close();
    await backend.close();
    await rm(folder, { recursive: true });
  });

  const read = async ({ arrays, indices, mask, examples }: DeviceBatch): Promise<Held> => {
    const pixels = (await backend.gather(arrays.images)) as Uint8Array;
    const image = SIZE * SIZE * 3;
    return {
      indices: [...indices],
      mask: [...mask],
      deviceMask: [...(await backend.gather(arrays.mask))].map(Number),
      labels: [...(await backend.gather(arrays.labels))].map(Number),
      brightness: Array.from({ length: BATCH }, (_, i) =>
        pixels.subarray(i * image, (i + 1) * image).reduce((sum, value) => sum + value, 0),
      ),
      examples,
    };
  };
  const collect = async (batches: AsyncGenerator<DeviceBatch, void, void>): Promise<Held[]> => {
    const all: Held[] = [];
    for await (const batch of batches) {
      all.push(await read(batch));
      batch.dispose();
    }
    return all;
  };
  const training = (epoch: number, from = 0, seed = 1) =>
    collect(trainingBatches(backend, data, INPUT, { batchSize: BATCH, epochOrder: shuffled(data, seed, epoch), from }));
  const counted = (all: readonly Held[]) => all.flatMap(({ indices, mask }) => indices.filter((_, i) => mask[i] === 1));

  test('of training hold each example once, and real images in the padding', async () => {
    const all = await training(0);
    assert.deepEqual(
      all.map(({ examples }) => examples),
      [4, 4, 4, 1],
    );
    assert.deepEqual(
      counted(all).toSorted((a, b) => a - b),
      Array.from({ length: COUNT }, (_, i) => i),
    );
    const last = all[3];
    assert.deepEqual(last.mask, [1, 0, 0, 0]);
    assert.deepEqual(last.indices.slice(1), all[0].indices.slice(0, 3));
    for (const { indices, mask, deviceMask, labels, brightness } of all) {
      assert.deepEqual(deviceMask, mask);
      assert.deepEqual(
        labels,
        indices.map((index) => index % 3),
      );
      assert.ok(brightness.every((value) => value > 0));
    }
  });

  test('of training come in an order of the seed and the epoch, from any step on', async () => {
    const all = await training(0);
    assert.deepEqual(await training(0), all);
    assert.deepEqual(await training(0, 2), all.slice(2));
    assert.deepEqual(await training(0, 4), []);
    assert.notDeepEqual(counted(await training(1)), counted(all));
    assert.notDeepEqual(counted(await training(0, 0, 2)), counted(all));
  });

  test('of a data set smaller than a batch repeat it', async () => {
    const size = 2 * COUNT + 2;
    const all: DeviceBatch[] = [];
    for await (const batch of trainingBatches(backend, data, INPUT, {
      batchSize: size,
      epochOrder: shuffled(data),
      from: 0,
    })) {
      all.push(batch);
    }
    assert.equal(all.length, 1);
    const [one] = all;
    assert.equal(one.examples, COUNT);
    assert.deepEqual([...one.indices.subarray(COUNT, 2 * COUNT)], [...one.indices.subarray(0, COUNT)]);
    one.dispose();
  });

  test('of evaluation hold each example once, in order, and empty images in the padding', async () => {
    const all = await collect(evaluationBatches(backend, data, INPUT, BATCH));
    assert.deepEqual(
      counted(all),
      Array.from({ length: COUNT }, (_, i) => i),
    );
    assert.deepEqual(all[3].deviceMask, [1, 0, 0, 0]);
    assert.deepEqual(all[3].brightness.slice(1), [0, 0, 0]);
  });

  test('that nobody takes to the end are freed', async () => {
    const live = backend.client.liveBufferCount;
    for await (const batch of trainingBatches(backend, data, INPUT, {
      batchSize: BATCH,
      epochOrder: shuffled(data),
      from: 0,
    })) {
      batch.dispose();
      break;
    }
    assert.equal(backend.client.liveBufferCount, live);
  });

  test('that fit in part only leave nothing on the devices', async () => {
    const live = backend.client.liveBufferCount;
    // Pictures without room, beside labels and a mask that have it.
    const input = { ...INPUT, shape: [SIZE, SIZE, 4] } as const;
    await assert.rejects(evaluationBatches(backend, data, input, BATCH).next(), { code: 'ARRAY_SIZE' });
    // What is still on its way arrives meanwhile.
    await collect(evaluationBatches(backend, data, INPUT, BATCH));
    assert.equal(backend.client.liveBufferCount, live);
  });
});
