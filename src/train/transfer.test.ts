import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { Dataset } from '../data/index.ts';
import type { Backend } from '../runtime/index.ts';
import type { HostTensor } from '../xla/index.ts';
import { testBackend, skipWithoutTestDevice as skip } from '../../test/backend.ts';
import { openSplits, writeColouredDataset } from '../../test/coloured-dataset.ts';
import { readCheckpoint } from './run/checkpoint.ts';
import { loadTrainedModel } from './run/run-weights.ts';
import { compileEvaluator } from './evaluate.ts';
import { parseRecipe, type Recipe } from './recipe/recipe.ts';
import { BEST_FILE, LAST_FILE } from './run/run-files.ts';
import { train, type TrainResult } from './train.ts';
import type { TrainEvent, TrainOptions } from './train-options.ts';

const SIZE = 16;

const recipe = (settings: Readonly<Record<string, unknown>> = {}): Recipe =>
  parseRecipe(
    {
      model: { name: 'cnn', options: { depth: 2, width: 4, dropout: 0.1 } },
      size: SIZE,
      ...('phases' in settings ? {} : { epochs: 2 }),
      batchSize: 8,
      seed: 3,
      optimizer: { name: 'adam' },
      schedule: { name: 'constant', rate: 0.01 },
      ...settings,
    },
    'test',
  );

suite('transfer learning', { skip }, () => {
  let backend: Backend;
  let folder: string;
  let data: { train: Dataset; validation: Dataset };
  /** Where all runs below begin: a whole run on other classes. */
  let weights: string;

  const run = async (out: string, settings: Readonly<Record<string, unknown>>, options: Partial<TrainOptions> = {}) =>
    train({ recipe: recipe({ weights, ...settings }), backend, data, out: join(folder, out), ...options });
  const tensors = async (out: string, file = LAST_FILE) => (await readCheckpoint(join(folder, out, file))).tensors;
  const values = ({ data: numbers }: HostTensor) => Array.from(numbers, Number);
  /** Names of the variables that differ from those that the run began with. */
  const moved = async (out: string) => {
    const began = (await readCheckpoint(weights)).tensors;
    return [...(await tensors(out, BEST_FILE))]
      .filter(([name, tensor]) => {
        const old = began.get(name);
        return old === undefined || JSON.stringify(values(old)) !== JSON.stringify(values(tensor));
      })
      .map(([name]) => name.replace(/^(?:params|statistics)\//, ''));
  };
  const losses = ({ history }: TrainResult) => history.flatMap((row) => [row.train.loss, row.validation.loss]);
  const assertNear = (found: readonly number[], expected: readonly number[], tolerance: number) => {
    assert.equal(found.length, expected.length);
    for (const [i, value] of found.entries()) {
      assert.ok(
        Math.abs(value - expected[i]) <= tolerance * Math.abs(expected[i]),
        `${found.join()} and ${expected.join()}`,
      );
    }
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-transfer-'));
    backend = await testBackend();
    await writeColouredDataset(join(folder, 'four'), {
      splits: { train: 40, val: 12 },
      classNames: ['red', 'green', 'blue', 'yellow'],
    });
    const four = await openSplits(join(folder, 'four'), SIZE);
    await train({ recipe: recipe(), backend, data: four, out: join(folder, 'start') });
    await four.train.close();
    await four.validation.close();
    weights = join(folder, 'start', BEST_FILE);
    await writeColouredDataset(join(folder, 'three'), { splits: { train: 41, val: 21 }, wrong: 0.2 });
    data = await openSplits(join(folder, 'three'), SIZE);
  });
  after(async () => {
    await data?.train.close();
    await data?.validation.close();
    await backend?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('starts from a file of weights with a new classifier for other classes', async () => {
    const events: TrainEvent[] = [];
    // Steps too small to change any number show what the run began with.
    const still = { schedule: { name: 'constant', rate: 1e-30 }, frozenStatistics: 'all', epochs: 1 };
    const result = await run('begin', still, { onEvent: (event) => events.push(event) });
    const told = events.find((event) => event.kind === 'weights');
    assert.deepEqual(told?.fresh, ['classifier/kernel', 'classifier/bias']);
    assert.equal(result.model.classes, 3);
    assert.deepEqual(await moved('begin'), ['classifier/kernel', 'classifier/bias']);
  });

  test('with a frozen backbone moves the head alone, and computes features once', async () => {
    const events: TrainEvent[] = [];
    const result = await run('frozen', { freeze: 'backbone', epochs: 3 }, { onEvent: (event) => events.push(event) });
    const phase = events.find((event) => event.kind === 'phase');
    assert.equal(phase?.summary.cachesFeatures, true);
    assert.deepEqual(
      events.findLast((event) => event.kind === 'features'),
      {
        kind: 'features',
        done: 62,
        total: 62,
      },
    );
    assert.deepEqual(await moved('frozen'), ['classifier/kernel', 'classifier/bias']);
    // The saved weights are a whole model that gives the same scores on the images.
    const trained = await loadTrainedModel(backend, join(folder, 'frozen'));
    const evaluation = await (await compileEvaluator(backend, trained.model, 8))(trained.weights, data.validation);
    assertNear([evaluation.loss], [result.history[result.best.epoch - 1].validation.loss], 1e-5);
    assert.deepEqual(evaluation.confusion.counts, result.evaluation.confusion.counts);
  });

  test('that is interrupted while features are computed leaves nothing on the device', async (t) => {
    const own = await testBackend();
    t.after(async () => own.close());
    for (const settings of [{ freeze: 'backbone' }, { freeze: 'stages:1', featureViews: 3, augment: { flip: true } }]) {
      const interrupt = new AbortController();
      const onEvent = ({ kind }: TrainEvent) => {
        if (kind === 'features') interrupt.abort(new Error('ended'));
      };
      await assert.rejects(run('features', settings, { backend: own, onEvent, signal: interrupt.signal }), /ended/);
      assert.equal(own.client.liveBufferCount, 0);
    }
  });

  test('on features gives the losses that the same training through the whole network gives', async () => {
    const still = {
      model: { name: 'cnn', options: { depth: 2, width: 4, dropout: 0 } },
      optimizer: { name: 'sgd', momentum: 0.9 },
    };
    const cached = await run('cached', { ...still, freeze: 'backbone' });
    const rates = { backbone: 0 };
    const through = await run('through', { ...still, rates, frozenStatistics: 'all' });
    assertNear(losses(cached), losses(through), 1e-5);
    const views = await run('views', {
      ...still,
      freeze: 'backbone',
      featureViews: 2,
      augment: { crop: { scale: [0.2, 0.5] } },
    });
    assert.equal(views.history[0].train.loss, cached.history[0].train.loss);
    assert.notEqual(views.history[1].train.loss, cached.history[1].train.loss);
  });

  test('on features of frozen stages gives the losses that the same training through the whole network gives', async () => {
    const still = {
      model: { name: 'cnn', options: { depth: 2, width: 4, dropout: 0 } },
      optimizer: { name: 'sgd', momentum: 0.9 },
      frozenStatistics: 'all',
    };
    const cachesFeatures: boolean[] = [];
    const onEvent = (event: TrainEvent) => {
      if (event.kind === 'phase') cachesFeatures.push(event.summary.cachesFeatures);
    };
    const cached = await run('stages-cached', { ...still, freeze: 'stages:1' }, { onEvent });
    const groups = [{ match: '^block1/', factor: 0 }];
    const through = await run('stages-through', { ...still, rates: { groups } }, { onEvent });
    assertNear(losses(cached), losses(through), 1e-5);
    const views = { ...still, freeze: 'stages:1', featureViews: 2, augment: { crop: { scale: [0.2, 0.5] } } };
    const changed = await run('stages-views', views, { onEvent });
    assert.equal(changed.history[0].train.loss, cached.history[0].train.loss);
    assert.notEqual(changed.history[1].train.loss, cached.history[1].train.loss);
    // Pictures that change in every step have no features to keep.
    await run('stages-changing', { ...still, freeze: 'stages:1', augment: { flip: true } }, { onEvent });
    assert.deepEqual(cachesFeatures, [true, false, true, false]);
  });

  test('with frozen stages leaves their variables and statistics as they were, bit for bit', async () => {
    await run('stages', { freeze: 'stages:1', optimizer: { name: 'adamw', weightDecay: 0.1 } });
    assert.deepEqual(
      (await moved('stages')).filter((path) => path.startsWith('block1/')),
      [],
    );
    assert.equal((await moved('stages')).filter((path) => path.startsWith('block2/')).length, 5);
    const slots = [...(await tensors('stages')).keys()].filter((name) => name.startsWith('slots/mean/'));
    assert.ok(slots.length > 0 && slots.every((name) => !name.includes('block1')));
  });

  test('with statistics that follow the data in frozen layers moves just them', async () => {
    await run('statistics', { freeze: 'backbone', frozenStatistics: 'none' });
    assert.deepEqual(
      (await moved('statistics')).filter((path) => /kernel|gamma|beta/.test(path)),
      ['classifier/kernel'],
    );
    assert.ok((await moved('statistics')).includes('block1/conv1/moving_mean'));
  });

  const twoPhases = {
    ema: 0.9,
    phases: [
      { epochs: 2, freeze: 'backbone', schedule: { name: 'constant', rate: 0.02 } },
      {
        epochs: 2,
        schedule: { name: 'cosine', rate: 0.002 },
        rates: { backbone: 0.1, layerDecay: 0.5 },
        augment: { flip: true },
      },
    ],
  };

  test('in two phases trains the head, then everything, each with its own schedule', async () => {
    const counts: number[] = [];
    const result = await run('phases', twoPhases, {
      onEvent: (event) => {
        if (event.kind === 'phase') counts.push(event.summary.freezing.trained.length);
      },
    });
    assert.deepEqual(counts, [2, 8]);
    assert.deepEqual(
      result.history.map(({ learningRate }) => learningRate > 0.01),
      [true, true, false, false],
    );
    const { info } = await readCheckpoint(join(folder, 'phases', LAST_FILE));
    assert.deepEqual(info.phase, { index: 1, epoch: 2, step: 12 });
  });

  for (const steps of [3, 12, 15]) {
    test(`in two phases, interrupted after step ${steps} and resumed, equals the unbroken run`, async () => {
      const out = `broken-${steps}`;
      const stop = new AbortController();
      let done = 0;
      const onEvent = (event: TrainEvent) => {
        if (event.kind === 'step' && ++done === steps) stop.abort();
      };
      await assert.rejects(run(out, twoPhases, { signal: stop.signal, onEvent }), { code: 'INTERRUPTED' });
      const whole = await readCheckpoint(join(folder, 'phases', LAST_FILE));
      await run(out, twoPhases, { resume: true });
      const resumed = await readCheckpoint(join(folder, out, LAST_FILE));
      assert.deepEqual({ ...resumed.info, seconds: 0 }, { ...whole.info, seconds: 0 });
      assert.deepEqual(resumed.tensors, whole.tensors);
      assert.deepEqual(await tensors(out, BEST_FILE), await tensors('phases', BEST_FILE));
    });
  }

  test('a run that goes on may make a phase that is not over longer, and is told which setting of a phase it may not change', async () => {
    const phases = (first: number, second: number, rate = 0.01) => ({
      phases: [
        { epochs: first, freeze: 'backbone' },
        { epochs: second, schedule: { name: 'constant', rate } },
      ],
    });
    await run('whole', phases(1, 2));
    await run('longer', phases(1, 1));
    for (const [other, setting, expected, received] of [
      [phases(2, 1), 'phases.0.epochs', '1', '2'],
      [phases(1, 1, 0.02), 'phases.1.schedule.rate', '0.01', '0.02'],
      [{ phases: [...phases(1, 1).phases, { epochs: 1 }] }, 'phases.2.epochs', 'nothing', '1'],
    ] as const) {
      await assert.rejects(run('longer', other, { resume: true }), {
        code: 'RESUME',
        message: `${join(folder, 'longer', LAST_FILE)} can't go on with another recipe: ${setting}`,
        expected,
        received,
      });
    }
    const { history } = await run('longer', phases(1, 2), { resume: true });
    assert.equal(history.length, 3);
    assert.deepEqual(await tensors('longer'), await tensors('whole'));
  });

  test('a moving average takes its share of every step, and is what is saved as the best', async () => {
    // One batch an epoch: the last checkpoint of each run is the state after one more step.
    const settings = (epochs: number) => ({
      ema: 0.5,
      epochs,
      batchSize: 48,
      schedule: { name: 'constant', rate: 0.05 },
    });
    const stateAfter = async (steps: number) => {
      await run(`ema-${steps}`, settings(steps));
      return tensors(`ema-${steps}`);
    };
    const name = 'params/block1/conv1/kernel';
    const [start, one, two] = [(await readCheckpoint(weights)).tensors, await stateAfter(1), await stateAfter(2)];
    const at = (state: ReadonlyMap<string, HostTensor>, path: string) => values(state.get(path)!);
    // Shares kept: (1 + 1) / (1 + 10) after the first step, (2 + 1) / (2 + 10) after the second.
    const mix = (old: readonly number[], now: readonly number[], kept: number) =>
      now.map((value, i) => value + (old[i] - value) * kept);
    const first = mix(at(start, name), at(one, name), 2 / 11);
    for (const [i, value] of at(one, `ema/${name}`).entries()) assert.ok(Math.abs(value - first[i]) < 1e-6);
    const second = mix(first, at(two, name), 3 / 12);
    for (const [i, value] of at(two, `ema/${name}`).entries()) assert.ok(Math.abs(value - second[i]) < 1e-6);
    const { info, tensors: best } = await readCheckpoint(join(folder, 'ema-1', BEST_FILE));
    assert.equal(info.epoch, 1);
    assert.deepEqual(values(best.get(name)!), at(one, `ema/${name}`));
  });

  test('more stages to freeze than there are is refused before anything is written', async () => {
    await assert.rejects(run('refused', { freeze: 'stages:9' }), { code: 'FREEZE' });
    assert.deepEqual(await readdir(join(folder, 'refused')), []);
  });
});
