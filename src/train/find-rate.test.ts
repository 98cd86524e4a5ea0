import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../test/backend.ts';
import { openSplits, writeColouredDataset } from '../../test/coloured-dataset.ts';
import { writeUntrainedRun } from '../../test/untrained-run.ts';
import { readSafetensors, writeSafetensors } from '../models/index.ts';
import { findLearningRate, suggestRate } from './find-rate.ts';
import { parseRecipe } from './recipe/recipe.ts';
import { BEST_FILE } from './run/run-files.ts';

/** A run whose loss falls by a factor from 1e-4 to 1e-2, stays, and rises from 1e-1 on. */
const points = Array.from({ length: 61 }, (_, i) => {
  const exponent = -6 + i / 10;
  const fallen = Math.min(1, Math.max(0, (exponent + 4) / 2));
  return { rate: 10 ** exponent, loss: 2 - 1.5 * fallen + Math.max(0, exponent + 1) };
});

test('a suggested rate is where the loss is nearly down, and not where it is about to rise', () => {
  const rate = suggestRate(points);
  assert.ok(rate >= 5e-3 && rate < 1e-2, String(rate));
  // A loss that blows up soon after.
  assert.equal(suggestRate(points.slice(0, 44)), rate);
});

test('a loss that never falls suggests the least rate, and no steps none', () => {
  assert.equal(suggestRate([1, 2, 3].map((loss, i) => ({ rate: 10 ** (i - 6), loss }))), 1e-6);
  assert.ok(Number.isNaN(suggestRate([])));
});

test('a first step that is not finite has no rates to show, and leaves nothing on the device', { skip }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sepal-find-rate-'));
  t.after(() => rm(folder, { recursive: true }));
  const classNames = ['red', 'green', 'blue'];
  await writeUntrainedRun(folder, { size: 16, classNames });
  const weights = join(folder, BEST_FILE);
  const { tensors, metadata } = await readSafetensors(weights);
  for (const { data: values } of tensors.values()) (values as Float32Array).fill(1e30);
  await writeSafetensors(weights, new Map(tensors), { sepal: metadata.sepal });
  const data = await openSplits(await writeColouredDataset(join(folder, 'data'), { splits: { train: 16, val: 8 }, classNames }), 16); // prettier-ignore
  const recipe = parseRecipe(
    {
      model: { name: 'cnn', options: { depth: 2, width: 4 } },
      weights,
      size: 16,
      epochs: 1,
      batchSize: 8,
      optimizer: { name: 'sgd' },
      schedule: { name: 'constant', rate: 0.1 },
    },
    'test',
  );
  const backend = await cpuBackend();
  try {
    await assert.rejects(findLearningRate({ recipe, backend, data }), {
      code: 'DIVERGED',
      message: /at the first step, whatever the rate/,
    });
    await assert.rejects(
      findLearningRate({ recipe, backend, data, signal: AbortSignal.abort(new Error('ended')) }),
      /ended/,
    );
    assert.equal(backend.client.liveBufferCount, 0);
  } finally {
    for (const part of [data.train, data.validation]) await part.close();
    await backend.close();
  }
});
