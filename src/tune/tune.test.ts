import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { Backend } from '../runtime/index.ts';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../test/backend.ts';
import { openSplits, writeColouredDataset } from '../../test/coloured-dataset.ts';
import { parseTune } from './settings.ts';
import type { Trial } from './trial.ts';
import { tune, type TuneEvent, type TuneOptions } from './tune.ts';
import { readTuneFile, TUNE_FILE } from './tune-file.ts';

const SIZE = 16;
const settings = {
  model: { name: 'cnn', options: { depth: 2, width: 4 } },
  size: SIZE,
  epochs: 4,
  batchSize: 8,
  seed: 5,
  optimizer: { name: 'adam' },
  schedule: { name: 'constant', rate: 0.01 },
};
const ranges = { 'schedule.rate': '1e-5..1e-1:log' };

suite('a search', { skip }, () => {
  let backend: Backend;
  let folder: string;
  let data: Awaited<ReturnType<typeof openSplits>>;

  const search = async (out: string, options: Partial<TuneOptions> = {}, section: Record<string, unknown> = {}) =>
    tune({
      settings,
      tune: parseTune({ ranges, trials: 5, ...section }, 'test'),
      backend,
      dataAt: async () => data,
      out: join(folder, out),
      ...options,
    });
  const withoutTimes = (trials: readonly Trial[]) => trials.map((trial) => ({ ...trial, seconds: 0 }));

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-tune-'));
    await writeColouredDataset(join(folder, 'data'), { splits: { train: 32, val: 15 }, size: SIZE, wrong: 0.2 });
    backend = await cpuBackend();
    data = await openSplits(join(folder, 'data'), SIZE);
  });
  after(async () => {
    await data?.train.close();
    await data?.validation.close();
    await backend?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('prunes trials that fall behind, keeps each as a run, and compiles nothing anew for another rate', async () => {
    const compiled: boolean[] = [];
    const onEvent = (event: TuneEvent) => {
      if (event.kind === 'training' && event.event.kind === 'phase') compiled.push(event.event.summary.fromCache);
    };
    const { trials, best } = await search('whole', { onEvent });
    assert.equal(trials.length, 5);
    assert.deepEqual(compiled.slice(1), [true, true, true, true]);
    assert.equal(trials[0].state, 'complete');
    const pruned = trials.filter(({ state }) => state === 'pruned');
    assert.ok(pruned.length >= 1, JSON.stringify(trials));
    for (const { scores } of pruned) assert.ok([1, 3].includes(scores.length));
    assert.equal(Math.max(...trials.flatMap(({ scores }) => scores)), Math.max(...(best?.scores ?? [])));
    for (const { number } of trials) {
      const files = await readdir(join(folder, 'whole', `trial-000${number}`));
      for (const file of ['best.safetensors', 'history.jsonl', 'recipe.yaml']) assert.ok(files.includes(file), file);
      assert.equal(files.includes('last.safetensors'), number === best?.number, 'only the best can be trained on');
    }
    assert.equal(backend.client.liveBufferCount, 0);
  });

  test('that was killed in the middle of a trial goes on to the same results, redoing nothing', async () => {
    class Killed extends Error {}
    const whole = await readTuneFile(join(folder, 'whole'));
    assert.ok(whole);
    // In the first trial before its first checkpoint, in the first trial after two epochs, between files of the third.
    const moments: ((event: TuneEvent) => boolean)[] = [
      ({ kind }) => kind === 'trial',
      (event) => event.kind === 'training' && event.event.kind === 'validating' && event.event.epoch === 3,
      (event) => event.kind === 'training' && event.trial.number === 3 && event.event.kind === 'epoch',
    ];
    for (const isMoment of moments) {
      const onEvent = (event: TuneEvent) => {
        if (isMoment(event)) throw new Killed();
      };
      await assert.rejects(search('broken', { onEvent, resume: true }), Killed);
    }
    const begun: [number, boolean][] = [];
    const onEvent = (event: TuneEvent) => {
      if (event.kind === 'trial') begun.push([event.trial.number, event.goesOn]);
    };
    const { trials } = await search('broken', { onEvent, resume: true });
    assert.deepEqual(withoutTimes(trials), withoutTimes(whole.trials));
    assert.deepEqual(begun, [[3, true], [4, false], [5, false]]); // prettier-ignore
    const again: TuneEvent[] = [];
    const done = await search('broken', { onEvent: (event) => void again.push(event), resume: true });
    assert.deepEqual([done.trials.length, again.map(({ kind }) => kind)], [5, ['resumed']]);
  });

  test('is refused where it would lose another one, or go on with other settings', async () => {
    await assert.rejects(search('whole'), { code: 'SEARCH_EXISTS', hint: /--resume/ });
    await assert.rejects(search('whole', { resume: true }, { seed: 1 }), { code: 'RESUME', message: /another seed/ });
    const changed = { ...settings, batchSize: 16 };
    await assert.rejects(search('whole', { resume: true, settings: changed }), {
      message: /another recipe: batchSize/,
    });
    await writeColouredDataset(join(folder, 'others'), { splits: { train: 32, val: 15 }, size: SIZE, seed: 1 });
    const others = await openSplits(join(folder, 'others'), SIZE);
    await assert.rejects(search('whole', { resume: true, dataAt: async () => others }), {
      code: 'RESUME',
      message: /another data set: its images have changed/,
    });
    await others.train.close();
    await others.validation.close();
    await writeFile(join(folder, 'whole', 'copy.json'), await readFile(join(folder, 'whole', TUNE_FILE)));
    await writeFile(join(folder, 'whole', TUNE_FILE), '{"format": 1');
    await assert.rejects(search('whole', { resume: true }), { code: 'TUNE_FILE' });
  });

  test('takes a trial that diverges as the worst, and goes on', async () => {
    const optimizer = { name: 'sgd' };
    const { trials, best } = await search('diverged', { settings: { ...settings, optimizer } }, { ranges: { 'schedule.rate': [1e30, 0.01] }, sampler: 'random', trials: 4 }); // prettier-ignore
    assert.equal(trials.length, 2, 'there are two combinations');
    const failed = trials.find(({ values }) => values['schedule.rate'] === 1e30);
    assert.equal(failed?.state, 'failed');
    assert.match(failed?.problem ?? '', /loss is/);
    assert.equal(best?.values['schedule.rate'], 0.01);
    assert.equal(backend.client.liveBufferCount, 0);
  });

  test('takes a trial whose model has fewer stages than are to be frozen as the worst, and goes on', async () => {
    const { trials, best } = await search(
      'stages',
      {},
      { ranges: { freeze: 'none,stages:9' }, trials: 2, prune: false },
    );
    const failed = trials.find(({ values }) => values.freeze === 'stages:9');
    assert.equal(failed?.state, 'failed');
    assert.match(failed?.problem ?? '', /can't freeze 9 stages/);
    assert.equal(best?.values.freeze, 'none');
  });

  test('ends in time, and goes on with the trial that it was in', async () => {
    const early = await search('late', { deadline: 0 });
    assert.deepEqual(early.trials, []);
    let steps = 0;
    const onEvent = (event: TuneEvent) => {
      if (event.kind === 'training' && event.event.kind === 'timeIsUp') steps = event.event.step;
    };
    const soon = { onEvent, resume: true, deadline: performance.now() + 1 };
    const { trials } = await search('late', soon, { trials: 1, prune: false });
    assert.deepEqual([trials.length, trials[0]?.state], steps > 0 ? [1, 'running'] : [0, undefined]);
    const { trials: whole } = await search('late', { resume: true }, { trials: 1, prune: false });
    assert.deepEqual(whole.map(({ state, scores }) => [state, scores.length]), [['complete', 4]]); // prettier-ignore
  });

  test('computes features of frozen layers once, unless they differ', async () => {
    const passes: string[] = [];
    const onEvent = (event: TuneEvent) => {
      if (event.kind !== 'training') return;
      const { kind } = event.event;
      if (kind === 'features' && event.event.done === event.event.total) passes.push(String(event.trial.number));
    };
    const frozen = { ...settings, epochs: 1, freeze: 'backbone', seed: 5 };
    const options = { onEvent, settings: frozen };
    await search('frozen', options, { ranges: { ...ranges, 'model.options.width': [4, 4.0, 8] }, trials: 5, sampler: 'random' }); // prettier-ignore
    const state = await readTuneFile(join(folder, 'frozen'));
    const widths = new Set(state?.trials.map(({ values }) => values['model.options.width']));
    assert.equal(passes.length, widths.size, `${passes.join()} of ${JSON.stringify(state?.trials)}`);
  });
});
