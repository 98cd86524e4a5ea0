import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../test/backend.ts';
import { writeColouredDataset } from '../../test/coloured-dataset.ts';
import { openDataset } from '../data/index.ts';
import { Backend } from '../runtime/index.ts';
import type { CheckpointInfo } from './run/checkpoint.ts';
import { trainingBatches, type DeviceBatch } from './step/device-batches.ts';
import { diagnose } from './divergence/diagnosis.ts';
import { keepDiverged, readDiverged, type Divergent } from './divergence/diverged.ts';
import { epochOrder } from './step/order.ts';
import { PhaseRun, type StepOutcome } from './phase/phase-run.ts';
import { phasesOf } from './phase/phase.ts';
import { parseRecipe } from './recipe/recipe.ts';
import { startOf } from './start.ts';
import { train } from './train.ts';

const SIZE = 8;
const settings = {
  model: { name: 'cnn', options: { depth: 1, width: 4 } },
  size: SIZE,
  epochs: 1,
  batchSize: 8,
  seed: 7,
  optimizer: { name: 'sgd' },
  schedule: { name: 'constant', rate: 0.01 },
  augment: { flip: true },
  // The loss of the third class overflows.
  classWeights: [1, 1, 3e38],
};
const recipe = parseRecipe(settings, 'test');
const [phase] = phasesOf(recipe);

async function prepare(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'sepal-diverged-hosts-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeColouredDataset(join(folder, 'data'), { splits: { train: 21, val: 6 }, size: SIZE });
  const open = async (split: 'train' | 'val') => openDataset(join(folder, 'data'), { split, size: SIZE });
  const [data, validation] = await Promise.all([open('train'), open('val')]);
  const whole = await cpuBackend({ replicas: 2 });
  t.after(async () => Promise.all([data.close(), validation.close(), whole.close()]));
  return { folder, whole, data, validation };
}

suite('a step that goes wrong on several hosts', { skip }, () => {
  test('is kept by each with its rows, and is the step of one host when they are together', async (t) => {
    const { folder, whole, data, validation } = await prepare(t);
    const hosts = whole.devices.map((device, index) => {
      const all = { host: { index, count: 2 }, allDevices: whole.devices };
      return new Backend('cpu', whole.plugin, whole.client, [device], { compileCache: false }, all);
    });

    const { model, weights } = await startOf(recipe, data);
    const run = await PhaseRun.open({ backend: whole, model, phase, data: { train: data, validation }, weights, step: 0 }); // prettier-ignore
    t.after(() => run.dispose());
    const order = { batchSize: phase.batchSize, epochOrder: epochOrder(data.labels, { ...phase, epoch: 0 }), from: 0 };
    const firstBatch = async (backend: Backend): Promise<DeviceBatch> => {
      const batches = trainingBatches(backend, data, model.input, order);
      const { value } = await batches.next();
      await batches.return();
      return value as DeviceBatch;
    };
    const info: CheckpointInfo = { format: 1, model: { name: model.name, options: model.options }, size: model.size, classNames: [...data.classNames], preprocess: model.preprocess, recipe, examples: data.count, step: 0, epoch: 0, phase: { index: 0, epoch: 0, step: 0 }, seconds: 0 }; // prettier-ignore
    const keep = async (out: string, backend: Backend, outcome: StepOutcome, batch: DeviceBatch) => {
      const divergent: Divergent = { run, batch, outcome, learningRate: 0.01, epoch: 1, info, computeType: 'float32', seed: phase.seed, classWeights: settings.classWeights, ids: data.ids, backend }; // prettier-ignore
      await keepDiverged(join(folder, out), divergent);
    };

    const batch = await firstBatch(whole);
    const outcome = await run.advance(batch, 0.01);
    assert.equal(outcome.isFinite, false);
    await keep('one', whole, outcome, batch);
    await keep('two', hosts[0], outcome, await firstBatch(hosts[0]));
    await assert.rejects(readDiverged(join(folder, 'two')), {
      code: 'NOTHING_DIVERGED',
      message: /has no diverged-1\.safetensors$/,
      hint: /rows of host 1/,
    });
    await keep('two', hosts[1], outcome, await firstBatch(hosts[1]));

    const [one, two] = await Promise.all(['one', 'two'].map((out) => readDiverged(join(folder, out))));
    assert.deepEqual(two.batch, one.batch);
    assert.deepEqual(two.step, { ...one.step, hosts: 2 });
    const kernelOf = ({ checkpoint }: typeof one) => checkpoint.tensors.get('params/classifier/kernel')?.data;
    assert.ok(kernelOf(two) !== undefined);
    assert.deepEqual(kernelOf(two), kernelOf(one));
    const [expected, found] = [await diagnose(whole, join(folder, 'one')), await diagnose(whole, join(folder, 'two'))];
    assert.match(found.first ?? '', /^the (loss|gradient)/);
    assert.deepEqual([found.first, found.layers, found.images], [expected.first, expected.layers, expected.images]);
  });

  test('can not be rolled back, as only the first has checkpoints', async (t) => {
    const { folder, whole, data, validation } = await prepare(t);
    const all = { host: { index: 1, count: 2 }, allDevices: whole.devices };
    const host = new Backend('cpu', whole.plugin, whole.client, [whole.devices[1]], { compileCache: false }, all);
    const back = parseRecipe({ ...settings, onDivergence: { policy: 'roll-back' } }, 'test');
    const running = train({ recipe: back, backend: host, data: { train: data, validation }, out: join(folder, 'run') });
    await assert.rejects(running, { code: 'MANY_HOSTS', hint: /--on-divergence/ });
  });
});
