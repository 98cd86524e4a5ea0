import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../test/backend.ts';
import { writeColouredDataset } from '../../test/coloured-dataset.ts';
import { openDataset } from '../data/index.ts';
import { Backend } from '../runtime/index.ts';
import { evaluationBatches, trainingBatches, type DeviceBatch } from './step/device-batches.ts';

const SIZE = 8;
const COUNT = 21;
const BATCH = 8;
const INPUT = { shape: [SIZE, SIZE, 3], dtype: 'uint8' } as const;

/** Rows of every batch: images, labels and mask as they lie on the devices. */
async function rowsOf(backend: Backend, batches: AsyncGenerator<DeviceBatch>): Promise<number[][][]> {
  const all: number[][][] = [];
  for await (const batch of batches) {
    const { arrays } = batch;
    const [images, labels, mask] = await Promise.all(
      [arrays.images, arrays.labels, arrays.mask].map(async (array) => backend.gather(array)),
    );
    const length = images.length / labels.length;
    all.push(
      Array.from(labels, Number).map((label, i) => {
        const pixels = Array.from(images.subarray(i * length, (i + 1) * length), Number);
        return [Number(mask[i]), label, ...pixels];
      }),
    );
    batch.dispose();
  }
  return all;
}

suite('hosts that train together', { skip }, () => {
  test('each read their own rows, which make up the batches of one host', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'sepal-hosts-'));
    t.after(() => rm(folder, { recursive: true }));
    await writeColouredDataset(folder, { splits: { train: COUNT }, size: SIZE });
    const data = await openDataset(folder, { split: 'train', size: SIZE });
    t.after(() => data.close());
    const whole = await cpuBackend({ replicas: 4 });
    t.after(() => whole.close());
    const hosts = [0, 1].map((index) => {
      const devices = whole.devices.slice(2 * index, 2 * index + 2);
      const all = { host: { index, count: 2 }, allDevices: whole.devices };
      return new Backend('cpu', whole.plugin, whole.client, devices, { compileCache: false }, all);
    });
    assert.ok(hosts.every(({ replicas, devices }) => replicas === 4 && devices.length === 2));

    const epochOrder = Uint32Array.from({ length: COUNT }, (_, i) => (5 * i + 3) % COUNT);
    const training = (backend: Backend) =>
      rowsOf(backend, trainingBatches(backend, data, INPUT, { batchSize: BATCH, epochOrder, from: 1 }));
    const [expected, ...parts] = [await training(whole), await training(hosts[0]), await training(hosts[1])];
    assert.equal(expected.length, 2);
    for (const [step, rows] of expected.entries()) assert.deepEqual([...parts[0][step], ...parts[1][step]], rows);

    // In evaluation the rows behind the last example hold something else on several hosts, and are masked on any.
    const evaluation = (backend: Backend) => rowsOf(backend, evaluationBatches(backend, data, INPUT, BATCH));
    const [once, ...shares] = [await evaluation(whole), await evaluation(hosts[0]), await evaluation(hosts[1])];
    assert.equal(once.length, 3);
    const valid = (batches: number[][][]) => batches.flat().filter(([mask]) => mask === 1);
    for (const [step, rows] of once.entries()) {
      assert.deepEqual(valid([shares[0][step], shares[1][step]]), valid([rows]));
    }
  });
});
