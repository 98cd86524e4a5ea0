import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../test/backend.ts';
import { writeColouredDataset } from '../../test/coloured-dataset.ts';
import { drawDataset } from '../data/index.ts';
import { train } from './train-model.ts';

suite('a training from code', { skip }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sepal-train-model-'));
  const data = join(folder, 'data');
  await writeColouredDataset(data, { splits: { train: 16, val: 6 }, size: 24 });
  const backend = await cpuBackend();
  after(async () => {
    await backend.close();
    await rm(folder, { recursive: true });
  });

  const model = { name: 'cnn', options: { depth: 2, width: 4 } };
  const recipe = {
    model,
    size: 16,
    epochs: 1,
    batchSize: 8,
    seed: 5,
    optimizer: { name: 'adam' },
    schedule: { name: 'constant', rate: 0.01 },
  };
  const files = async (out: string) =>
    Promise.all(['best.safetensors', 'last.safetensors', 'recipe.yaml'].map((file) => readFile(join(out, file))));

  test('keeps its recipe, and takes no other run’s place', async () => {
    const out = join(folder, 'run');
    await train({ recipe, data, out, backend });
    const before = await files(out);
    assert.match(before[2].toString(), /^seed: 5$/m);
    await assert.rejects(train({ recipe: { ...recipe, seed: 6 }, data, out, backend }), { code: 'RUN_EXISTS' });
    assert.deepEqual(await files(out), before);
    const { history } = await train({ recipe: { ...recipe, epochs: 2 }, data, out, backend, resume: true });
    assert.equal(history.length, 2);
    assert.match((await files(out))[2].toString(), /^epochs: 2$/m);
    // One that may not go on leaves the recipe that the run was trained by.
    const other = { ...recipe, epochs: 3, batchSize: 16 };
    await assert.rejects(train({ recipe: other, data, out, backend, resume: true }), { code: 'RESUME' });
    assert.match((await files(out))[2].toString(), /^epochs: 2$/m);
  });

  test('goes to no bucket, nor to a folder of that name', async () => {
    for (const out of ['gs://bucket/run', 'S3://bucket/run']) {
      const message = `${out} is no path of this machine`;
      await assert.rejects(train({ recipe, data, out, backend }), { code: 'OUT', message });
      await assert.rejects(drawDataset({ out, classes: 3, train: 3 }), { code: 'OUT', message });
    }
  });

  test('opens the data at the size of each phase', async () => {
    const phases = [{ epochs: 1 }, { epochs: 1, size: 24, batchSize: 4 }, { epochs: 1 }];
    const { history } = await train({
      recipe: { ...recipe, epochs: 3, phases },
      data,
      out: join(folder, 'sizes'),
      backend,
    });
    assert.deepEqual(
      history.map(({ epoch }) => epoch),
      [1, 2, 3],
    );
  });

  test('refuses a later phase before the first one has begun', async () => {
    const events: string[] = [];
    const refused = async (phase: object, given: object = {}) =>
      train({
        recipe: { ...recipe, ...given, epochs: 2, phases: [{ epochs: 1 }, { epochs: 1, ...phase }] },
        data,
        out: join(folder, 'refused'),
        backend,
        onEvent: ({ kind }) => events.push(kind),
      });
    // One replica takes any batch, so only the size can be wrong here: this network's head has a weight for each position.
    const flat = { model: { name: 'cnn', options: { depth: 2, width: 4, head: 'flatten' } } };
    await assert.rejects(refused({ size: 24 }, flat), { code: 'SIZE', message: /can't go on at 24 px/ });
    assert.deepEqual(events, []);
  });
});
