import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../test/backend.ts';
import { writeUntrainedRun } from '../../test/untrained-run.ts';
import { Random } from '../base/index.ts';
import { encodeJpeg } from '../data/index.ts';
import { loadModel, type ClassProbability, type Prediction } from './load-model.ts';

const SIZE = 32;

function photo(seed: number): Uint8Array {
  const random = new Random(seed, 'photo');
  const rgb = Uint8Array.from({ length: SIZE * SIZE * 3 }, () => random.integer(256));
  return encodeJpeg({ rgb, size: SIZE, quality: 90 });
}

suite('a loaded model', { skip }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sepal-load-model-'));
  const backend = await cpuBackend();
  after(async () => {
    await backend.close();
    await rm(folder, { recursive: true });
  });

  test('says the same of images one by one, several at a time, and by several callers at once', async () => {
    await using model = await loadModel(await writeUntrainedRun(join(folder, 'run')), { backend, batchSize: 4 });
    const photos = [1, 2, 3, 4, 5].map(photo);
    const [together, again, singles] = await Promise.all([
      model.predict(photos),
      model.predict(photos),
      Promise.all(photos.map(async (one) => (await model.predict([one]))[0])),
    ]);
    assert.deepEqual(again, together);
    for (const [i, { classes }] of together.entries()) {
      assert.equal(classes.length, 3);
      for (const [k, { name, probability }] of classes.entries()) {
        assert.equal(singles[i].classes[k].name, name);
        assert.ok(Math.abs(singles[i].classes[k].probability - probability) < 1e-5);
      }
    }
  });

  test('gives as many predictions as it is given images, each with a likeliest class, by type too', async () => {
    await using model = await loadModel(await writeUntrainedRun(join(folder, 'typed')), { backend });
    const [first, second] = (await model.predict([photo(1), photo(2)])) satisfies readonly [Prediction, Prediction];
    const best: readonly [ClassProbability, ...unknown[]] = first.classes;
    assert.ok(best[0].probability >= 1 / 3);
    assert.equal(second.classes.length, 3);
  });

  test('runs that can’t be loaded together leave nothing on the device', async () => {
    const run = await writeUntrainedRun(join(folder, 'flowers'));
    const other = await writeUntrainedRun(join(folder, 'pets'), { classNames: ['cat', 'dog'] });
    const before = backend.client.liveBufferCount;
    await assert.rejects(loadModel([run, other], { backend }), { code: 'CLASSES' });
    await assert.rejects(loadModel([run, join(folder, 'nothing')], { backend }), { code: 'NO_RUN' });
    assert.equal(backend.client.liveBufferCount, before);
  });

  test('closes when the predictions under way are there, once, and has none afterwards', async () => {
    const model = await loadModel(await writeUntrainedRun(join(folder, 'closed')), { backend, batchSize: 4 });
    const predicting = [model.predict([1, 2, 3].map(photo)), model.predict([photo(4)])];
    await Promise.all([model.close(), model.close()]);
    assert.deepEqual(
      (await Promise.all(predicting)).map(({ length }) => length),
      [3, 1],
    );
    await assert.rejects(model.predict([photo(1)]), {
      code: 'DISPOSED',
      message: 'the model is used after it was closed',
    });
    await model.close();
  });

  test('refuses what is no list of images, and batches that there can’t be', async () => {
    const run = await writeUntrainedRun(join(folder, 'refused'));
    await using model = await loadModel(run, { backend });
    for (const images of [photo(1), 'rose.jpg', undefined] as never[]) {
      await assert.rejects(model.predict(images), { code: 'IMAGE', message: 'predict takes several images' });
    }
    for (const batchSize of [0, -4, 2.5, NaN]) {
      await assert.rejects(loadModel(run, { backend, batchSize }), { code: 'BATCH_SIZE' });
    }
  });
});
