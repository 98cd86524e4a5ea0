import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { openDataset, Selection, type Dataset } from '../data/index.ts';
import { buildModel } from '../models/index.ts';
import type { Backend } from '../runtime/index.ts';
import { cpuBackend, skipWithoutCpuPlugin, skipWithoutTestDevice as skip, testBackend } from '../../test/backend.ts';
import { writeColouredDataset } from '../../test/coloured-dataset.ts';
import { readCheckpoint } from './run/checkpoint.ts';
import { compileEvaluator } from './evaluate.ts';
import { compilePredictor } from './predict.ts';
import { parseRecipe, type Recipe } from './recipe/recipe.ts';
import { loadTrainedModel } from './run/run-weights.ts';
import { BEST_FILE, LAST_FILE } from './run/run-files.ts';
import { train, type TrainResult } from './train.ts';
import type { TrainEvent, TrainOptions } from './train-options.ts';

const SIZE = 16;
/** Not a multiple of the batch size: the last batch of an epoch has one example and seven rows of padding. */
const EXAMPLES = 41;
const STEPS = 6;

const recipe = (settings: Readonly<Record<string, unknown>> = {}): Recipe =>
  parseRecipe(
    {
      model: { name: 'cnn', options: { depth: 2, width: 4, dropout: 0.2 } },
      size: SIZE,
      epochs: 3,
      batchSize: 8,
      seed: 7,
      optimizer: { name: 'adam' },
      schedule: { name: 'cosine', rate: 0.02, warmup: 0.5 },
      augment: { flip: true, crop: { scale: [0.6, 1] } },
      ...settings,
    },
    'test',
  );

suite('a training run', { skip }, () => {
  let backend: Backend;
  let folder: string;
  let data: { train: Dataset; validation: Dataset };
  let whole: TrainResult;

  const open = async (name: string, split: string, options: Parameters<typeof openDataset>[1] = {}) =>
    openDataset(join(folder, name, split), { size: SIZE, ...options });
  const run = async (out: string, options: Partial<TrainOptions> = {}) =>
    train({ recipe: recipe(), backend, data, out: join(folder, out), ...options });
  /** Runs until `abort` says so after an event. */
  const interrupted = async (
    out: string,
    abort: (event: TrainEvent) => boolean,
    options: Partial<TrainOptions> = {},
  ) => {
    const stop = new AbortController();
    const onEvent = (event: TrainEvent) => {
      if (abort(event)) stop.abort();
    };
    await assert.rejects(run(out, { ...options, signal: stop.signal, onEvent }), {
      code: 'INTERRUPTED',
      hint: /--resume/,
    });
  };
  /** After so many steps of this start. */
  const afterSteps = (count: number) => {
    let steps = 0;
    return (event: TrainEvent) => event.kind === 'step' && ++steps === count;
  };
  const tensors = async (out: string, file: string) => (await readCheckpoint(join(folder, out, file))).tensors;
  const history = ({ history: rows }: TrainResult) =>
    rows.map(({ epoch, step, learningRate, train: trained, validation }) => {
      return { epoch, step, learningRate, trained, validation };
    });
  const assertSameRun = async (out: string, result: TrainResult) => {
    assert.deepEqual(history(result), history(whole));
    assert.deepEqual(result.best, whole.best);
    assert.deepEqual(result.evaluation.probabilities, whole.evaluation.probabilities);
    for (const file of [BEST_FILE, LAST_FILE]) assert.deepEqual(await tensors(out, file), await tensors('whole', file));
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-train-'));
    await writeColouredDataset(join(folder, 'data'), { splits: { train: EXAMPLES, val: 21 }, size: SIZE, wrong: 0.1 });
    backend = await testBackend();
    data = { train: await open('data', 'train'), validation: await open('data', 'val') };
    whole = await run('whole');
  });
  after(async () => {
    await data?.train.close();
    await data?.validation.close();
    await backend?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('reduces its rate on a plateau of the validation score, also over a resumption', async () => {
    const schedule = { name: 'plateau', rate: 0.02, factor: 0.5, patience: 0, minDelta: 0.5 };
    const settings = { recipe: recipe({ schedule, epochs: 4, sampling: 'balanced', classWeights: 'balanced' }) };
    const unbroken = await run('plateau', settings);
    // A better score by 0.5 comes once at most.
    const rates = unbroken.history.map(({ learningRate }) => learningRate);
    assert.deepEqual(rates, [0.02, 0.02, ...rates.slice(2)]);
    assert.ok(rates[3] < rates[1]);
    await interrupted('plateau-again', afterSteps(2 * STEPS + 3), settings);
    const resumed = await run('plateau-again', { ...settings, resume: true });
    assert.deepEqual(history(resumed), history(unbroken));
  });

  test('goes on at another size with the same weights, also over a resumption in the second phase', async () => {
    const phases = [{ epochs: 1 }, { epochs: 1, size: 24, batchSize: 4 }];
    const sized = { recipe: recipe({ epochs: undefined, phases }), dataAt: async () => larger };
    await using train24 = await open('data', 'train', { size: 24 });
    await using val24 = await open('data', 'val', { size: 24 });
    const larger = { train: train24, validation: val24 };
    const unbroken = await run('sizes', sized);
    assert.deepEqual(
      unbroken.history.map(({ step }) => step),
      [STEPS, STEPS + 11],
    );
    assert.equal((await readCheckpoint(join(folder, 'sizes', LAST_FILE))).info.size.height, 24);
    await interrupted('sizes-again', afterSteps(STEPS + 4), sized);
    const resumed = await run('sizes-again', { ...sized, resume: true });
    assert.deepEqual(history(resumed), history(unbroken));
    assert.deepEqual(await tensors('sizes-again', LAST_FILE), await tensors('sizes', LAST_FILE));
    await assert.rejects(run('sizes-none', { ...sized, dataAt: undefined }), { code: 'SIZE' });

    const turned = (whole24: Dataset) =>
      new Selection(whole24, Uint32Array.from(whole24.ids.keys()).toReversed(), whole24.name);
    const otherOrder = { train: turned(train24), validation: turned(val24) };
    const ordered = await run('sizes-turned', { ...sized, dataAt: async () => otherOrder });
    assert.deepEqual(history(ordered), history(unbroken));
    assert.deepEqual(ordered.evaluation.probabilities, unbroken.evaluation.probabilities);
    const otherPictures = { train: train24, validation: new Selection(val24, Uint32Array.of(0, 1), 'two') };
    await assert.rejects(run('sizes-other', { ...sized, dataAt: async () => otherPictures }), {
      code: 'SIZE',
      message: 'two has other pictures at 24 px than at 16 px',
      received: /2 pictures, without "val-2"/,
    });
  });

  test('keeps the last weights where it is told to', async () => {
    const shared = { train: data.validation, validation: data.validation, sharesFiles: true };
    const { best } = await run('last', {
      data: shared,
      keep: 'last',
      recipe: recipe({ schedule: { name: 'constant', rate: 1e-9 } }),
    });
    assert.equal(best.epoch, 3);
  });

  test('keeps a snapshot at the end of each period of a schedule with restarts', async () => {
    const schedule = { name: 'restarts', rate: 0.02, period: 1 };
    await run('restarts', { recipe: recipe({ schedule, epochs: 2 }) });
    const { info } = await readCheckpoint(join(folder, 'restarts', 'snapshot-1.safetensors'));
    assert.equal(info.epoch, 1);
    assert.deepEqual(
      await tensors('restarts', 'snapshot-2.safetensors'),
      new Map([...(await tensors('restarts', LAST_FILE))].filter(([name]) => /^(params|statistics)\//.test(name))),
    );
  });

  test('learns, counts each example once, and tells its best epoch', () => {
    assert.equal(whole.history.length, 3);
    assert.deepEqual(
      whole.history.map(({ step }) => step),
      [STEPS, 2 * STEPS, 3 * STEPS],
    );
    assert.ok(whole.best.score > 0.6, `macro F1 ${whole.best.score}`);
    assert.equal(whole.best.score, Math.max(...whole.history.map(({ validation }) => validation.macroF1)));
    assert.equal(whole.evaluation.confusion.total, 21);
    assert.equal(whole.evaluation.confusion.macroF1, whole.best.score);
    assert.equal(whole.stoppedEarly, false);
    for (let i = 0; i < 21; i++) {
      const row = whole.evaluation.probabilities.subarray(3 * i, 3 * i + 3);
      assert.ok(Math.abs(row.reduce((sum, p) => sum + p, 0) - 1) < 1e-5);
    }
  });

  test('repeats bit for bit with the same seed, and differs with another', async () => {
    await assertSameRun('again', await run('again'));
    const other = await run('other', { recipe: recipe({ seed: 8 }) });
    assert.notDeepEqual(history(other), history(whole));
  });

  for (const [when, steps] of [
    ['in the first epoch', 2],
    ['after the last step of an epoch', STEPS],
    ['in a later epoch', STEPS + 4],
  ] as const) {
    test(`interrupted ${when} and resumed equals the unbroken run`, async () => {
      const out = `broken-${steps}`;
      await interrupted(out, afterSteps(steps));
      const { info } = await readCheckpoint(join(folder, out, LAST_FILE));
      assert.equal(info.step, steps);
      await assertSameRun(out, await run(out, { resume: true }));
    });
  }

  test('interrupted twice, in validation and again, and resumed equals the unbroken run', async () => {
    await interrupted('twice', (event) => event.kind === 'validating');
    const { epoch, step } = (await readCheckpoint(join(folder, 'twice', LAST_FILE))).info;
    assert.deepEqual([epoch, step], [0, STEPS]);
    await interrupted('twice', afterSteps(1), { resume: true });
    await assertSameRun('twice', await run('twice', { resume: true }));
  });

  test('killed between the history and the checkpoint, and resumed, has each epoch once', async () => {
    await interrupted('killed', (event) => event.kind === 'epoch');
    const path = join(folder, 'killed', 'history.jsonl');
    const [first] = (await readFile(path, 'utf8')).split('\n');
    await writeFile(path, `${first}\n${JSON.stringify({ ...whole.history[1], seconds: 1 })}\n`);
    await assertSameRun('killed', await run('killed', { resume: true }));
  });

  test('a finished run that is resumed has nothing left to do', async () => {
    await cp(join(folder, 'whole'), join(folder, 'finished'), { recursive: true });
    const events: string[] = [];
    await assertSameRun('finished', await run('finished', { resume: true, onEvent: ({ kind }) => events.push(kind) }));
    assert.deepEqual(events, ['resumed']);
    // More epochs than it was started with are fine.
    const longer = await run('finished', { resume: true, recipe: recipe({ epochs: 4 }) });
    assert.equal(longer.history.length, 4);
  });

  test('stops early with the best weights, and stays so when it is resumed', async () => {
    // With the loss as the score, a rate this high soon makes the score worse.
    const settings = {
      epochs: 12,
      monitor: 'loss',
      earlyStopping: { patience: 2 },
      schedule: { name: 'exponential', start: 0.01, rate: 3, final: 0, decay: 1, warmup: 2 },
    };
    const result = await run('early', { recipe: recipe(settings) });
    assert.equal(result.stoppedEarly, true);
    assert.ok(result.history.length < 12, `${result.history.length} epochs`);
    assert.equal(result.history.length, result.best.epoch + 2);
    assert.equal(result.best.score, Math.min(...result.history.map(({ validation }) => validation.loss)));
    assert.equal(result.evaluation.loss, result.best.score);
    const best = await tensors('early', BEST_FILE);
    const last = await tensors('early', LAST_FILE);
    assert.notDeepEqual(best.get('params/classifier/kernel'), last.get('params/classifier/kernel'));

    const resumed = await run('early', { recipe: recipe(settings), resume: true });
    assert.deepEqual(history(resumed), history(result));
    assert.equal(resumed.stoppedEarly, true);
  });

  test('holds no more buffers after 200 steps than after a few, and none when it has ended', async () => {
    const live = backend.client.liveBufferCount;
    const counts: number[] = [];
    const onEvent = ({ kind }: TrainEvent) => {
      if (kind === 'step') counts.push(backend.client.liveBufferCount);
    };
    await run('long', { recipe: recipe({ epochs: 34 }), onEvent });
    assert.equal(counts.length, 34 * STEPS);
    assert.equal(backend.client.liveBufferCount, live);
    // How many batches are ahead at a time varies, so that the most of many steps is compared.
    const most = (values: readonly number[]) => Math.max(...values);
    assert.equal(most(counts.slice(17 * STEPS)), most(counts.slice(0, 17 * STEPS)));

    await interrupted('leak', afterSteps(2));
    assert.equal(backend.client.liveBufferCount, live);
  });

  test('leaves weights that evaluate and predict as it said', async () => {
    const { model, weights, info } = await loadTrainedModel(backend, join(folder, 'whole'));
    assert.deepEqual(info.best, whole.best);
    assert.deepEqual(info.classNames, ['red', 'green', 'blue']);
    // Another batch size than in training changes nothing but rounding.
    const evaluate = await compileEvaluator(backend, model, 6);
    const { confusion, probabilities } = await evaluate(weights, data.validation);
    assert.deepEqual(confusion.counts, whole.evaluation.confusion.counts);
    const predict = await compilePredictor(backend, model, 6);
    const seen: number[] = [];
    const predicted = await predict(weights, data.validation, { onProgress: (examples) => seen.push(examples) });
    assert.deepEqual(seen, [6, 12, 18, 21]);
    for (const [i, share] of whole.evaluation.probabilities.entries()) {
      assert.ok(Math.abs(probabilities[i] - share) < 1e-5 && Math.abs(predicted[i] - share) < 1e-5, String(i));
    }
    await assert.rejects(loadTrainedModel(backend, join(folder, 'nothing')), { code: 'NO_RUN' });
    await assert.rejects(loadTrainedModel(backend, join(folder, 'data')), { code: 'NO_CHECKPOINT' });
    const ensemble = join(folder, 'ensemble.json');
    await writeFile(ensemble, '{}');
    await assert.rejects(loadTrainedModel(backend, ensemble), { code: 'NO_RUN', message: `${ensemble} is no run` });
  });

  suite('that can not be', () => {
    test('diverges in one line with what to do, and keeps the checkpoint before it', async () => {
      const wild = recipe({
        schedule: { name: 'steps', rate: 1e-3, at: [1], factor: 1e30 },
      });
      await assert.rejects(run('wild', { recipe: wild }), {
        code: 'DIVERGED',
        message:
          /^the (training loss is (NaN|Infinity)|gradient of .* is not finite|norm of the gradients is Infinity|.*) at step \d+, in epoch 2: /,
        hint: /lower the learning rate/,
      });
      assert.equal((await readCheckpoint(join(folder, 'wild', LAST_FILE))).info.epoch, 1);
      const told: unknown = JSON.parse(await readFile(join(folder, 'wild', 'diverged.json'), 'utf8'));
      const { step, images } = told as { step: number; images: string[] };
      assert.ok(step > STEPS && step <= 2 * STEPS, `step ${step}`);
      assert.ok(images.length > 0 && images.every((id) => data.train.ids.includes(id)));
    });

    test(
      'a batch that does not divide over the replicas is refused before any work',
      { skip: skipWithoutCpuPlugin },
      async () => {
        const two = await cpuBackend({ replicas: 2 });
        try {
          const events: TrainEvent[] = [];
          const options = {
            backend: two,
            recipe: recipe({ batchSize: 9 }),
            onEvent: (event: TrainEvent) => events.push(event),
          };
          await assert.rejects(run('uneven', options), {
            code: 'BATCH_SIZE',
            message: "a batch of 9 doesn't divide over 2 replicas",
            hint: /such as 10/,
          });
          assert.deepEqual(events, []);
          const model = buildModel({ ...recipe().model, classes: 3, size: data.train.size });
          await assert.rejects(compileEvaluator(two, model, 9), { code: 'BATCH_SIZE' });
          await assert.rejects(compilePredictor(two, model, 9), { code: 'BATCH_SIZE' });
          await assert.rejects(readFile(join(folder, 'uneven')), { code: 'ENOENT' });
        } finally {
          await two.close();
        }
      },
    );

    test('settings of a later phase that do not fit are refused before the first one trains', async () => {
      for (const [settings, code] of [
        [{ batchSize: 3 * backend.replicas, augment: { flip: true, mixup: 0.2 } }, 'BATCH_SIZE'],
        [{ freeze: 'stages:9' }, 'FREEZE'],
        [{ classWeights: [1, 2] }, 'CLASS_WEIGHTS'],
      ] as const) {
        const phases = [{ epochs: 1 }, { epochs: 1, ...settings }];
        const onEvent = ({ kind }: TrainEvent) => assert.notEqual(kind, 'step');
        await assert.rejects(run(`later-${code}`, { recipe: recipe({ epochs: undefined, phases }), onEvent }), {
          code,
        });
      }
    });

    test('splits whose classes differ are refused with the first that does', async () => {
      const classNames = ['red', 'green', 'indigo'];
      await using validation = await open('data', 'val', { classNames });
      await assert.rejects(run('classes', { data: { train: data.train, validation } }), {
        code: 'CLASSES',
        expected: '3 classes, class 2 "blue"',
        received: '3 classes, class 2 "indigo"',
      });
    });

    test('a split without labels is refused', async () => {
      await writeColouredDataset(join(folder, 'unlabelled'), { splits: { test: 9 }, size: SIZE, labelled: false });
      await using test9 = await open('unlabelled', 'test');
      await assert.rejects(run('labels', { data: { train: test9, validation: data.validation } }), {
        code: 'NO_LABELS',
        message: /^9 of 9 images of test have no label$/,
      });
      await assert.rejects(run('labels', { data: { train: data.train, validation: test9 } }), { code: 'NO_LABELS' });
    });

    test('validation on the images of training is refused', async () => {
      await assert.rejects(run('same', { data: { train: data.train, validation: data.train } }), {
        code: 'NO_VALIDATION',
        message: /^training and validation would both read .*\.tfrec$/,
      });
    });

    test('pictures of another size than the recipe says are refused', async () => {
      await using validation = await open('data', 'val', { size: 24 });
      await assert.rejects(run('size', { data: { train: data.train, validation } }), {
        code: 'SIZE',
        expected: '16x16 px',
        received: '24x24 px',
      });
    });

    test('going on without a checkpoint, with another recipe or with other data is refused', async () => {
      await assert.rejects(run('nothing', { resume: true }), {
        code: 'CHECKPOINT_FILE',
        message: /there is no file .*last/,
      });
      await assert.rejects(run('whole', { resume: true, recipe: recipe({ batchSize: 4 }) }), {
        code: 'RESUME',
        message: /another recipe: batchSize$/,
        expected: '8',
        received: '4',
      });
      const wider = { name: 'cnn', options: { depth: 2, width: 8, dropout: 0.2 } };
      await assert.rejects(run('whole', { resume: true, recipe: recipe({ model: wider }) }), {
        code: 'RESUME',
        message: /another recipe: model\.options\.width$/,
      });
      await assert.rejects(run('whole', { resume: true, recipe: recipe({ epochs: 1 }) }), {
        code: 'RESUME',
        message: /is past the end of 1 epoch$/,
        received: '1',
      });
      await writeColouredDataset(join(folder, 'fewer'), { splits: { train: 40 }, size: SIZE });
      await using fewer = await open('fewer', 'train');
      await assert.rejects(run('whole', { resume: true, data: { ...data, train: fewer } }), {
        code: 'RESUME',
        message: /another data set$/,
        expected: '41 training images',
        received: '40 training images',
      });
      // As many images of the same names and classes, and not the same ones.
      await writeColouredDataset(join(folder, 'others'), { splits: { train: EXAMPLES, val: 21 }, size: SIZE, seed: 1 });
      await using others = await open('others', 'train');
      await using otherValidation = await open('others', 'val');
      assert.deepEqual(others.ids, data.train.ids);
      for (const changed of [{ train: others }, { validation: otherValidation }]) {
        await assert.rejects(run('whole', { resume: true, data: { ...data, ...changed } }), {
          code: 'RESUME',
          message: /another data set: (train|val) has changed since the run's start$/,
        });
      }
      // The same images and the same run in other places are what they were.
      await cp(join(folder, 'whole'), join(folder, 'carried'), { recursive: true });
      await cp(join(folder, 'data'), join(folder, 'moved'), { recursive: true });
      await using moved = await open('moved', 'train');
      await using movedValidation = await open('moved', 'val');
      await run('carried', { resume: true, data: { train: moved, validation: movedValidation } });
    });
  });
});
