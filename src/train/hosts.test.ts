import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../test/backend.ts';
import { openSplits, writeColouredDataset } from '../../test/coloured-dataset.ts';
import { JoinedHosts } from '../../test/joined-hosts.ts';
import { openDataset, type Dataset } from '../data/index.ts';
import type { Backend } from '../runtime/index.ts';
import { readCheckpoint } from './run/checkpoint.ts';
import { parseRecipe, type Recipe } from './recipe/recipe.ts';
import { BEST_FILE, LAST_FILE } from './run/run-files.ts';
import type { TrainEvent, TrainOptions } from './train-options.ts';
import { train, type TrainResult } from './train.ts';

const SIZE = 16;
/** No multiple of the batch, as the 11 images of validation. */
const EXAMPLES = 37;
const STEPS = 5;

const recipe = (settings: Readonly<Record<string, unknown>> = {}): Recipe =>
  parseRecipe(
    {
      model: { name: 'cnn', options: { depth: 2, width: 4, dropout: 0.2 } },
      size: SIZE,
      epochs: 2,
      batchSize: 8,
      seed: 7,
      optimizer: { name: 'adam' },
      schedule: { name: 'cosine', rate: 0.02 },
      augment: { flip: true, mixup: 0.2 },
      ...settings,
    },
    'test',
  );

suite('two hosts that train together', { skip }, () => {
  let whole: Backend;
  let hosts: JoinedHosts;
  let folder: string;
  /** Each host opens the data itself. */
  let data: { train: Dataset; validation: Dataset }[];
  let alone: TrainResult;

  const at = (...names: string[]) => join(folder, ...names);
  const one = async (out: string, options: Partial<TrainOptions> = {}) =>
    train({ recipe: recipe(), backend: whole, data: data[0], out: at(out), ...options });
  const both = async (out: string, options: (host: number) => Partial<TrainOptions> = () => ({})) =>
    hosts.run(async (backend, host) =>
      train({ recipe: recipe(), backend, data: data[host], out: at(out), ...options(host) }),
    );
  const values = (results: PromiseSettledResult<TrainResult>[]) =>
    results.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    });
  const failures = (results: PromiseSettledResult<TrainResult>[]) =>
    results.map((result) => {
      assert.ok(result.status === 'rejected');
      const { code, message } = result.reason as { code: string; message: string };
      return { code, message };
    });
  const tensors = async (out: string, file: string) => (await readCheckpoint(at(out, file))).tensors;
  const scores = ({ history, best, evaluation }: TrainResult) => ({
    history: history.map(({ epoch, step, train: trained, validation }) => ({ epoch, step, trained, validation })),
    best,
    evaluation,
  });
  const assertSame = async (out: string, result: TrainResult, reference: string, expected: TrainResult) => {
    assert.deepEqual(scores(result), scores(expected));
    for (const file of [BEST_FILE, LAST_FILE]) assert.deepEqual(await tensors(out, file), await tensors(reference, file)); // prettier-ignore
  };
  /** A signal that one host gets after an event of its own. */
  const told = (host: number, when: (event: TrainEvent) => boolean) => (own: number) => {
    const stop = new AbortController();
    const onEvent = (event: TrainEvent) => {
      if (when(event)) stop.abort();
    };
    return own === host ? { signal: stop.signal, onEvent } : {};
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-two-hosts-'));
    await writeColouredDataset(at('data'), { splits: { train: EXAMPLES, val: 11 }, size: SIZE, wrong: 0.1 });
    await cp(at('data'), at('data-1'), { recursive: true });
    whole = await cpuBackend({ replicas: 2 });
    hosts = new JoinedHosts(whole, 2);
    data = [await openSplits(at('data'), SIZE), await openSplits(at('data-1'), SIZE)];
    alone = await one('alone');
  });
  after(async () => {
    for (const splits of data ?? []) {
      await splits.train.close();
      await splits.validation.close();
    }
    await whole?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('get the losses and weights of one host with as many replicas, bit for bit; both know all probabilities', async () => {
    const counts: number[] = [];
    const onEvent = (event: TrainEvent) => {
      if (event.kind === 'step') counts.push(event.examples);
    };
    const [first, second] = values(await both('both', (host) => (host === 1 ? { onEvent } : {})));
    assert.deepEqual(counts.slice(0, STEPS), [8, 16, 24, 32, EXAMPLES], 'of all hosts');
    await assertSame('both', first, 'alone', alone);
    assert.deepEqual(scores(second), scores(alone));
    assert.deepEqual(await readdir(at('both')), await readdir(at('alone')));
  });

  test('compute features of their own pictures, give them to each other, and train on all of them', async () => {
    for (const settings of [
      { freeze: 'backbone', epochs: 2, augment: {} },
      { freeze: 'stages:1', epochs: 2, featureViews: 2, augment: { flip: true } },
    ]) {
      const name = `features ${settings.freeze}`;
      const expected = await one(`${name} alone`, { recipe: recipe(settings) });
      const cached: boolean[] = [];
      const decoded: number[] = [];
      const results = await both(name, (host) => ({
        recipe: recipe(settings),
        onEvent: (event) => {
          if (event.kind === 'phase') cached.push(event.summary.cachesFeatures);
          if (event.kind === 'features') decoded[host] = event.done;
        },
      }));
      await assertSame(name, values(results)[0], `${name} alone`, expected);
      assert.deepEqual(cached, [true, true]);
      const all = EXAMPLES * (settings.featureViews ?? 1) + 11;
      assert.equal(
        decoded[0] + decoded[1],
        all + EXAMPLES * (settings.featureViews ?? 1),
        'each image is decoded once',
      );
    }
  });

  test('stop at the same step when the time of one is up, and go on as if nothing had been', async () => {
    const steps: number[] = [];
    // The clocks of machines differ, and only one of them says that it is time.
    const results = await both('late', (host) => ({
      deadline: host === 1 ? 0 : undefined,
      onEvent: (event) => void (event.kind === 'timeIsUp' && steps.push(event.step)),
    }));
    assert.deepEqual(steps, [1, 1]);
    const [first, second] = values(results);
    assert.deepEqual([first.timeIsUp, second.timeIsUp], [true, true]);
    assert.deepEqual(first.evaluation, second.evaluation);
    assert.equal((await readCheckpoint(at('late', LAST_FILE))).info.step, 1);
    const [goneOn] = values(await both('late', () => ({ resume: true })));
    await assertSame('late', goneOn, 'alone', alone);
  });

  test('end together when one is told to, in a step or in a validation, and go on on one host', async () => {
    const moments: readonly (readonly [number, number, (event: TrainEvent) => boolean])[] = [
      [1, 3, afterSteps(3)],
      [0, STEPS, ({ kind }) => kind === 'validating'],
      [1, STEPS, ({ kind }) => kind === 'epoch'],
    ];
    for (const [host, step, when] of moments) {
      const out = `told ${host} ${step} ${when.name}`;
      const ends = failures(await both(out, told(host, when)));
      assert.deepEqual(ends.map(({ code }) => code), ['INTERRUPTED', 'INTERRUPTED']); // prettier-ignore
      assert.equal(ends[host].message, `interrupted; everything up to step ${step} is saved`);
      assert.match(ends[1 - host].message, new RegExp(`^interrupted( on host ${host})?; everything up to step ${step} is saved$`)); // prettier-ignore
      await assertSame(out, await one(out, { resume: true }), 'alone', alone);
    }
  });

  test('all end when the first one can not save, or one can not read', async () => {
    await mkdir(at('full', BEST_FILE, 'in the way'), { recursive: true });
    const unsaved = failures(await both('full', () => ({ checkpointEvery: 0.001 })));
    assert.deepEqual(unsaved.map(({ code }) => code), ['WRITE_FAILED', 'OTHER_HOST']); // prettier-ignore
    assert.match(unsaved[1].message, /^host 0 /);

    await cp(at('data'), at('damaged'), { recursive: true });
    await using train1 = await openDataset(at('damaged', 'train'), {
      size: SIZE,
      recordBudgetBytes: 0,
      cacheBudgetBytes: 0,
    });
    for (const name of await readdir(at('damaged', 'train'))) await truncate(at('damaged', 'train', name), 4000);
    const damaged = { ...data[1], train: train1 };
    const unread = failures(await both('unread', (host) => (host === 1 ? { data: damaged } : {})));
    assert.deepEqual(unread.map(({ code }) => code), ['OTHER_HOST', 'CHANGED']); // prettier-ignore
    assert.match(unread[0].message, /^host 1 /);
  });

  test('that see different folders, recipes or images are refused before the first step', async () => {
    const elsewhere = await both('alone', (host) => ({
      resume: host === 0,
      out: host === 0 ? at('late') : at('other'),
    }));
    for (const { code, message } of failures(elsewhere)) {
      assert.deepEqual([code, message], ['HOSTS_DIFFER', "the hosts of this run don't have the same step"]);
    }
    const changed = await both('changed', (host) => ({ recipe: recipe({ seed: host }) }));
    for (const { message } of failures(changed)) assert.match(message, /the same recipe$/);
  });
});

function afterSteps(count: number) {
  let done = 0;
  return ({ kind }: TrainEvent) => kind === 'step' && ++done === count;
}
