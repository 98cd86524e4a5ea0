import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import { buildModel } from '../models/index.ts';
import { parseRecipe } from '../train/index.ts';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../test/backend.ts';
import { chromeTrace, flamePage, kindTimes, layerTimes, profileStep, profileTable } from './index.ts';

suite('profile', { skip }, async () => {
  const backend = await cpuBackend();
  after(() => backend.close());

  test('every kernel of a step is timed and named by its layer, and page, table and trace tell the same', async () => {
    const options = { depth: 2, width: 8 };
    const recipe = parseRecipe(
      {
        model: { name: 'cnn', options },
        size: 16,
        epochs: 1,
        batchSize: 2,
        optimizer: { name: 'sgd' },
        schedule: { name: 'constant', rate: 0.1 },
      },
      'test',
    );
    const model = buildModel({ name: 'cnn', options, classes: 3, size: { height: 16, width: 16 } });
    const profile = await profileStep(backend, model, recipe, { repeats: 2 });

    const layers = layerTimes(profile);
    const names = new Set(layers.map(({ layer }) => layer));
    for (const layer of ['block1/conv1', 'block2/conv1', 'classifier']) assert.ok(names.has(layer), layer);
    assert.ok(profile.kernels.some(({ kind }) => kind === 'product' || kind === 'convolution'));
    assert.ok(profile.stepSeconds.min > 0 && profile.kernelSeconds > 0);

    const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
    const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-9, `${a} and ${b}`);
    near(sum(layers.map(({ seconds }) => seconds)), profile.kernelSeconds);
    near(sum(kindTimes(profile).map(([, seconds]) => seconds)), profile.kernelSeconds);
    near(sum(layers.map(({ share }) => share)), 1);
    const { traceEvents } = chromeTrace(profile);
    assert.equal(traceEvents.length, profile.kernels.length);
    near(sum(traceEvents.map(({ dur }) => dur)) / 1e6, profile.kernelSeconds);
    assert.match(profileTable(profile, 2), /\nlayer .*\n.*\n.*\n\d+ more /);
    const page = flamePage(profile);
    assert.match(page, /<main>[\s\S]*<svg /);
    assert.ok(page.includes(`${layers[0].layer}: `), 'the slowest layer is drawn');
    assert.doesNotMatch(page, /https?:|<script/, 'the page stands by itself');
    assert.match(page, /kernels, each compiled and run by itself, take/);
    assert.match(
      flamePage({ ...profile, isTraced: true }),
      /kernels, as the device recorded them in whole steps, take/,
    );
  });
});
