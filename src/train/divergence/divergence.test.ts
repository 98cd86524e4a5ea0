import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../../test/backend.ts';
import { writeColouredDataset } from '../../../test/coloured-dataset.ts';
import { runSteps, type HostBatch } from '../../../test/run-steps.ts';
import { Random } from '../../base/index.ts';
import { openDataset, Selection, type Dataset } from '../../data/index.ts';
import type { Backend } from '../../runtime/index.ts';
import { readCheckpoint } from '../run/checkpoint.ts';
import { diagnose } from './diagnosis.ts';
import { readDiverged } from './diverged.ts';
import { Divergence, divergenceSchema, type DivergenceSettings } from './divergence.ts';
import { DIVERGED_FILE, DIVERGED_STATE, LAST_FILE } from '../run/run-files.ts';
import { parseRecipe, type Recipe } from '../recipe/recipe.ts';
import { train } from '../train.ts';
import type { TrainEvent, TrainOptions } from '../train-options.ts';
import { seededValues } from '../step/train-state.ts';

const SIZE = 8;
/** Of an epoch of 25 images. */
const STEPS = 4;

/** The weight that makes the loss of any example of a class infinite, or at least the square of its gradient. */
const TOO_GREAT = 3e38;

const recipe = (settings: Record<string, unknown> = {}): Recipe =>
  parseRecipe(
    {
      model: { name: 'cnn', options: { depth: 1, width: 4, dropout: 0 } },
      size: SIZE,
      epochs: 2,
      batchSize: 8,
      seed: 7,
      optimizer: { name: 'sgd', momentum: 0.9 },
      schedule: { name: 'constant', rate: 0.01 },
      ...settings,
    },
    'test',
  );

/** One image of the class comes in each epoch: the step that has it is not finite. */
const oneBadStep = { classWeights: [1, 1, TOO_GREAT] };
/** The second epoch has a rate that blows everything up. */
const wildRate = { name: 'steps', rate: 1e-2, at: [1], factor: 1e30 };

test('a run stops, skips or rolls back as often as it is told to', () => {
  const settings = (given: Partial<DivergenceSettings>) => new Divergence(divergenceSchema.parse(given));
  assert.equal(settings({}).next(), 'stop');
  const skips = settings({ policy: 'skip', maxSkips: 2 });
  assert.deepEqual([skips.next(), skips.next(), skips.next()], ['skip', 'skip', 'stop']);
  skips.noteFinite();
  assert.equal(skips.next(), 'skip');
  assert.deepEqual(skips.record, { rateFactor: 1, rollBacks: 0, skipped: 3 });
  const back = settings({ policy: 'roll-back', maxRollBacks: 2, rateFactor: 0.1 });
  assert.deepEqual([back.next(), back.next(), back.next()], ['roll-back', 'roll-back', 'stop']);
  assert.ok(Math.abs(back.rateFactor - 0.01) < 1e-12);
  const resumed = settings({ policy: 'roll-back', maxRollBacks: 2 });
  resumed.restore(back.record);
  assert.equal(resumed.next(), 'stop');
});

suite('numbers that go wrong', { skip }, () => {
  let backend: Backend;
  let two: Backend;
  let folder: string;
  let data: { train: Dataset; validation: Dataset };
  let whole: Dataset;
  let rareImage: string;

  const path = (...names: string[]) => join(folder, ...names);
  const run = async (out: string, options: Partial<TrainOptions> = {}) => {
    const events: TrainEvent[] = [];
    const onEvent = (event: TrainEvent) => events.push(event);
    const result = await train({ recipe: recipe(), backend, data, out: path(out), onEvent, ...options });
    return { ...result, events };
  };
  const last = async (out: string) => readCheckpoint(path(out, LAST_FILE));

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-diverged-'));
    backend = await cpuBackend();
    two = await cpuBackend({ replicas: 2 });
    await writeColouredDataset(path('data'), { splits: { train: 36, val: 6 }, size: SIZE });
    const open = async (split: string) => openDataset(path('data', split), { size: SIZE });
    whole = await open('train');
    // One image alone is of the third class.
    const rare = whole.labels.indexOf(2);
    const picked = Array.from(whole.labels.keys()).filter((record) => whole.labels[record] < 2 || record === rare);
    data = { train: new Selection(whole, Uint32Array.from(picked), 'train'), validation: await open('val') };
    rareImage = whole.ids[rare];
  });
  after(async () => {
    await whole?.close();
    await data?.validation.close();
    await backend?.close();
    await two?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('end a run with the layer, the batch and the state; it goes on in front of the step', async () => {
    await assert.rejects(run('stop', { recipe: recipe(oneBadStep) }), {
      code: 'DIVERGED',
      message: /^the (training loss is|gradient of) .* at step [1-4], in epoch 1: the (loss|gradient) /, // prettier-ignore
      hint: /sepal debug RUN/,
    });
    const { step, checkpoint, batch } = await readDiverged(path('stop'));
    assert.ok(step.images.includes(rareImage));
    assert.equal(checkpoint.info.step, step.step - 1);
    assert.deepEqual(batch.images.shape, [8, SIZE, SIZE, 3]);
    assert.equal(batch.labels.data[step.images.indexOf(rareImage)], 2);
    const told: unknown = JSON.parse(await readFile(path('stop', DIVERGED_FILE), 'utf8'));
    assert.deepEqual((told as typeof step).images, step.images);
    assert.equal((await last('stop')).info.step, step.step - 1);

    const { layers, images, variables } = await diagnose(backend, path('stop'));
    assert.deepEqual(variables, []);
    assert.ok(images.every((image) => image === rareImage));
    assert.deepEqual(layers[0].layer, 'input');
    assert.ok(layers.every(({ output }) => output.unsound === 0 && output.greatest > 0));
    assert.ok(
      layers.some(({ gradient }) => gradient !== undefined && (gradient.unsound > 0 || gradient.greatest > 1e30)),
    );

    const skipping = { ...oneBadStep, onDivergence: { policy: 'skip' } };
    const { history, events } = await run('stop', { recipe: recipe(skipping), resume: true });
    assert.deepEqual(events.flatMap((event) => (event.kind === 'skipped' ? [event.skipped] : [])), [1, 2]); // prettier-ignore
    assert.deepEqual(history.map(({ skipped, step: done }) => [skipped, done]), [[1, STEPS], [1, 2 * STEPS]]); // prettier-ignore
    assert.ok(history.every((row) => Number.isFinite(row.train.loss) && Number.isFinite(row.validation.loss)));
    assert.deepEqual((await last('stop')).info.divergence, { rateFactor: 1, rollBacks: 0, skipped: 2 });
  });

  test('are counted in the row of their epoch, also where it was interrupted behind them', async () => {
    const settings = { recipe: recipe({ ...oneBadStep, onDivergence: { policy: 'skip' } }) };
    const stop = new AbortController();
    const onEvent = ({ kind }: TrainEvent) => (kind === 'skipped' ? stop.abort() : undefined);
    await assert.rejects(run('between', { ...settings, signal: stop.signal, onEvent }), { code: 'INTERRUPTED' });
    const { history } = await run('between', { ...settings, resume: true });
    assert.deepEqual(history.map(({ skipped }) => skipped), [1, 1]); // prettier-ignore
  });

  test('leave the state as it was, bit for bit', async () => {
    const random = new Random(3);
    const batchOf = (labels: readonly number[]): HostBatch => ({
      images: Uint8Array.from({ length: 4 * SIZE * SIZE * 3 }, () => random.integer(256)),
      labels: Int32Array.from(labels),
      mask: new Uint8Array(4).fill(1),
    });
    const [first, bad, second] = [batchOf([0, 1, 0, 1]), batchOf([0, 2, 1, 1]), batchOf([1, 1, 0, 0])];
    for (const optimizer of [
      { name: 'sgd', momentum: 0.9 },
      { name: 'adamw' },
      { name: 'rmsprop', momentum: 0.5 },
      { name: 'lion' },
    ]) {
      // prettier-ignore
      const settings = { recipe: recipe({ ...oneBadStep, optimizer, batchSize: 4, ema: 0.9 }), classes: 3, value: () => seededValues(1), learningRate: 1e-3 }; // prettier-ignore
      const { state: got } = await runSteps(backend, { ...settings, batches: [first, bad, second] });
      const { state: expected } = await runSteps(backend, { ...settings, batches: [first, second] });
      assert.deepEqual({ ...got, step: undefined }, { ...expected, step: undefined }, optimizer.name);
      assert.deepEqual([got.step.data[0], expected.step.data[0]], [3, 2]);
    }
  });

  test('stop a run that would skip too many steps one after the other', async () => {
    const skipping = recipe({ schedule: wildRate, onDivergence: { policy: 'skip', maxSkips: 2 } });
    await assert.rejects(run('limit', { recipe: skipping }), { code: 'DIVERGED', message: /in epoch 2, after 2 skipped steps in a row/ }); // prettier-ignore
    assert.equal((await last('limit')).info.divergence?.skipped, 2);
  });

  test('take a run back to its checkpoint, with a lower rate that a resumed run keeps', async () => {
    const back = { schedule: wildRate, onDivergence: { policy: 'roll-back', rateFactor: 1e-30 } };
    const { history, events } = await run('back', { recipe: recipe(back) });
    const rolledBack = events.find((event) => event.kind === 'rolledBack');
    assert.ok(rolledBack !== undefined);
    assert.deepEqual([rolledBack.step, rolledBack.rateFactor], [STEPS, 1e-30]);
    assert.ok(rolledBack.diverged.step > STEPS && existsSync(path('back', DIVERGED_STATE)));
    assert.equal(history.length, 2);
    assert.ok(Math.abs(history[1].learningRate - 1e-2) < 1e-8, String(history[1].learningRate));
    const more = await run('back', { recipe: recipe({ ...back, epochs: 3 }), resume: true });
    assert.deepEqual(more.history.map(({ epoch }) => epoch), [1, 2, 3]); // prettier-ignore
    assert.equal(more.history[2].learningRate, history[1].learningRate);
  });

  test('stop a run that has rolled back often enough, also from its very start', async () => {
    const back = recipe({ ...oneBadStep, onDivergence: { policy: 'roll-back', maxRollBacks: 2 } });
    const events: TrainEvent[] = [];
    const onEvent = (event: TrainEvent) => events.push(event);
    await assert.rejects(run('often', { recipe: back, onEvent }), { code: 'DIVERGED', message: /in epoch 1, after 2 roll-backs/ }); // prettier-ignore
    const rates = events.flatMap((event) => (event.kind === 'rolledBack' ? [[event.step, event.rateFactor]] : []));
    assert.deepEqual(rates, [[0, 0.5], [0, 0.25]]); // prettier-ignore
  });

  test('are found in a phase, on two replicas, in parts of a batch and in bfloat16', async () => {
    const phases = [{ epochs: 1 }, { epochs: 1, ...oneBadStep }];
    const settings = { epochs: undefined, phases, accumulate: 2, precision: 'mixed_bfloat16', augment: { flip: true } };
    await assert.rejects(run('phases', { recipe: recipe(settings), backend: two }), { code: 'DIVERGED', message: /in epoch 2: the (loss|gradient)/ }); // prettier-ignore
    const { first, step } = await diagnose(two, path('phases'));
    assert.deepEqual([step.replicas, step.computeType], [2, 'bfloat16']);
    assert.ok(step.images.includes(rareImage));
    assert.match(first ?? '', /^the (loss|gradient)/);
  });

  test('are found in a head that is trained on features', async () => {
    const frozen = { ...oneBadStep, freeze: 'backbone', onDivergence: { policy: 'stop' } };
    await assert.rejects(run('features', { recipe: recipe(frozen) }), { code: 'DIVERGED' });
    const { layers, first, step } = await diagnose(backend, path('features'));
    assert.ok(step.onFeatures && step.images.includes(rareImage));
    assert.match(first ?? '', /^the (loss|gradient)/);
    assert.deepEqual(layers.map(({ layer }) => layer), ['input', 'classifier']); // prettier-ignore
  });

  test('are named by the layer that gives them first', async () => {
    await assert.rejects(run('wild', { recipe: recipe({ schedule: wildRate }) }), (error: Error) => {
      assert.match(error.message, /in epoch 2: (the output of \S+|the gradient |the moving statistic )/);
      return true;
    });
    const { layers, first } = await diagnose(backend, path('wild'));
    const at = layers.findIndex(({ output }) => output.unsound > 0);
    if (at !== -1) assert.ok(first?.includes(layers[at].layer));
    await assert.rejects(diagnose(backend, path('nothing')), { code: 'NO_RUN' });
    await assert.rejects(diagnose(backend, folder), { code: 'NOTHING_DIVERGED' });
  });
});
