import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { cp, link, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { Dataset } from '../data/index.ts';
import type { Backend } from '../runtime/index.ts';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../test/backend.ts';
import { openSplits, writeColouredDataset } from '../../test/coloured-dataset.ts';
import { mountSmallDisk } from '../../test/small-disk.ts';
import { readCheckpoint } from './run/checkpoint.ts';
import { parseRecipe } from './recipe/recipe.ts';
import { BEST_FILE, epochFile, LAST_FILE, LOCK_FILE, PREVIOUS_FILE, RECIPE_FILE } from './run/run-files.ts';
import { train, type TrainResult } from './train.ts';
import type { TrainEvent, TrainOptions } from './train-options.ts';

const SIZE = 16;
const STEPS = 4;

const recipe = (settings: Readonly<Record<string, unknown>> = {}) =>
  parseRecipe(
    {
      model: { name: 'cnn', options: { depth: 2, width: 4 } },
      size: SIZE,
      epochs: 4,
      batchSize: 8,
      seed: 5,
      optimizer: { name: 'adam' },
      schedule: { name: 'constant', rate: 0.01 },
      ...settings,
    },
    'test',
  );

suite('a run', { skip }, () => {
  let backend: Backend;
  let folder: string;
  let data: { train: Dataset; validation: Dataset };
  let whole: TrainResult;

  const run = async (out: string, options: Partial<TrainOptions> = {}) =>
    train({ recipe: recipe(), backend, data, out: join(folder, out), ...options });
  const file = (out: string, name: string) => join(folder, out, name);
  const tensors = async (out: string, name: string) => (await readCheckpoint(file(out, name))).tensors;
  const assertSame = async (out: string) => {
    for (const name of [BEST_FILE, LAST_FILE]) assert.deepEqual(await tensors(out, name), await tensors('whole', name));
  };
  const events = (list: TrainEvent[]) => (event: TrainEvent) => void list.push(event);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-reliability-'));
    await writeColouredDataset(join(folder, 'data'), { splits: { train: STEPS * 8, val: 9 }, size: SIZE, wrong: 0.1 });
    backend = await cpuBackend();
    data = await openSplits(join(folder, 'data'), SIZE);
    whole = await run('whole');
  });
  after(async () => {
    await data?.train.close();
    await data?.validation.close();
    await backend?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('keeps the last checkpoint and the one before it', async () => {
    assert.equal((await readCheckpoint(file('whole', LAST_FILE))).info.epoch, 4);
    assert.equal((await readCheckpoint(file('whole', PREVIOUS_FILE))).info.epoch, 3);
    assert.deepEqual((await readdir(join(folder, 'whole'))).toSorted(), [BEST_FILE, 'history.jsonl', LAST_FILE, PREVIOUS_FILE, RECIPE_FILE]); // prettier-ignore
  });

  const damages: readonly (readonly [string, (path: string) => Promise<void>])[] = [
    ['is cut off', async (path) => truncate(path, 1000)],
    ['has one bit changed in its numbers', async (path) => flip(path, -40)],
    ['has one bit changed in its description', async (path) => flip(path, 200)],
    ['is gone, as after a kill between two names', async (path) => rm(path)],
  ];
  for (const [name, damage] of damages) {
    test(`whose last checkpoint ${name} goes on from the one before, says so, and ends the same`, async () => {
      const out = `damaged ${name}`;
      await cp(join(folder, 'whole'), join(folder, out), { recursive: true });
      await damage(file(out, LAST_FILE));
      const told: TrainEvent[] = [];
      await run(out, { resume: true, onEvent: events(told) });
      const resumed = told.find((event) => event.kind === 'resumed');
      assert.equal(resumed?.step, 3 * STEPS);
      assert.match(resumed?.problem?.code ?? '', /^CHECKPOINT_(CORRUPT|FILE)$/);
      await assertSame(out);
    });
  }

  async function flip(path: string, at: number): Promise<void> {
    const bytes = await readFile(path);
    bytes[at < 0 ? bytes.length + at : at] ^= 1;
    await writeFile(path, bytes);
  }

  test('whose checkpoints are both damaged is refused with what is wrong with the last', async () => {
    await cp(join(folder, 'whole'), join(folder, 'both'), { recursive: true });
    await flip(file('both', LAST_FILE), -1);
    await flip(file('both', PREVIOUS_FILE), -1);
    await assert.rejects(run('both', { resume: true }), {
      code: 'CHECKPOINT_CORRUPT',
      message: /last\.safetensors is no whole safetensors file: its content doesn't match its checksum$/,
    });
  });

  test('whose best weights are lost goes on with those of its last epoch, or of its next one, and says so', async () => {
    const smooth = recipe({ ema: 0.9 });
    await run('smooth', { recipe: smooth });
    for (const [name, damage] of damages.filter(([each]) => /cut off|gone/.test(each))) {
      for (const [from, settings] of [
        ['whole', recipe()],
        ['smooth', smooth],
      ] as const) {
        const out = `best of ${from} ${name}`;
        await cp(join(folder, from), join(folder, out), { recursive: true });
        await damage(file(out, BEST_FILE));
        const told: TrainEvent[] = [];
        const { best, evaluation, history } = await run(out, { recipe: settings, resume: true, onEvent: events(told) });
        assert.ok(told.some((event) => event.kind === 'bestLost' && event.best?.epoch === 4));
        assert.deepEqual(best, { epoch: 4, score: history[3].validation.macroF1 });
        assert.equal(evaluation.confusion.macroF1, best.score);
        // The checkpoint still names the epoch whose weights are lost; they themselves know better.
        assert.deepEqual((await run(out, { recipe: settings, resume: true })).best, best);
        const last = await tensors(out, LAST_FILE);
        for (const [path, { data: values }] of await tensors(out, BEST_FILE)) {
          assert.deepEqual((last.get(`ema/${path}`) ?? last.get(path))?.data, values, path);
        }
      }
    }
    const stop = new AbortController();
    let steps = 0;
    const onEvent = (event: TrainEvent) => {
      if (event.kind === 'step' && ++steps === STEPS + 2) stop.abort();
    };
    await assert.rejects(run('within', { signal: stop.signal, onEvent }), { code: 'INTERRUPTED' });
    await rm(file('within', BEST_FILE));
    const told: TrainEvent[] = [];
    const resumed = await run('within', { resume: true, onEvent: events(told) });
    assert.ok(told.some((event) => event.kind === 'bestLost' && event.best === undefined));
    const scores = resumed.history.slice(1).map(({ validation }) => validation.macroF1);
    assert.equal(resumed.best.score, Math.max(...scores));
    assert.ok((await tensors('within', BEST_FILE)).size > 0);
  });

  test('has checkpoints within an epoch, written beside the training, that it goes on from', async () => {
    class Killed extends Error {}
    const onEvent = ({ kind }: TrainEvent) => {
      if (kind === 'validating') throw new Killed();
    };
    await assert.rejects(run('timed', { checkpointEvery: 1e-6, onEvent }), Killed);
    const { step, epoch } = (await readCheckpoint(file('timed', LAST_FILE))).info;
    assert.ok(step >= 1 && step <= STEPS && epoch === 0, `step ${step}`);
    await run('timed', { resume: true });
    await assertSame('timed');
    assert.equal(backend.client.liveBufferCount, 0);
  });

  test('keeps the weights of its best epochs', async () => {
    const { history } = await run('several', { keepBest: 2, recipe: recipe({ monitor: 'loss' }) });
    const ranked = history.toSorted((a, b) => a.validation.loss - b.validation.loss).map(({ epoch }) => epoch);
    const kept = (await readdir(join(folder, 'several'))).filter((name) => name.startsWith('epoch-'));
    assert.deepEqual(kept.toSorted(), ranked.slice(0, 2).map(epochFile).toSorted());
    assert.deepEqual(await tensors('several', epochFile(ranked[0])), await tensors('several', BEST_FILE));
  });

  test('ends in time with weights and their scores, and goes on as if nothing had been', async () => {
    const told: TrainEvent[] = [];
    const result = await run('late', { deadline: 0, onEvent: events(told) });
    assert.equal(result.timeIsUp, true);
    assert.equal(result.history.length, 0);
    assert.equal(told.find((event) => event.kind === 'timeIsUp')?.step, 1);
    assert.equal(result.best.score, result.evaluation.confusion.macroF1);
    assert.equal((await readCheckpoint(file('late', BEST_FILE))).info.step, 1);
    const resumed = await run('late', { resume: true });
    assert.equal(resumed.timeIsUp, false);
    assert.deepEqual(resumed.best, whole.best);
    await assertSame('late');
  });

  test('killed when both checkpoints were one file leaves no third name of it', async () => {
    await cp(join(folder, 'whole'), join(folder, 'twice'), { recursive: true });
    await rm(file('twice', PREVIOUS_FILE));
    await link(file('twice', LAST_FILE), file('twice', PREVIOUS_FILE));
    await run('twice', { resume: true, recipe: recipe({ epochs: 5 }) });
    assert.deepEqual((await readdir(join(folder, 'twice'))).toSorted(), [BEST_FILE, 'history.jsonl', LAST_FILE, PREVIOUS_FILE, RECIPE_FILE]); // prettier-ignore
    assert.equal((await readCheckpoint(file('twice', PREVIOUS_FILE))).info.epoch, 4);
  });

  test('whose folder another machine has taken over meanwhile writes no more into it', async () => {
    const lock = file('lost', LOCK_FILE);
    const other = JSON.stringify({ host: 'elsewhere', pid: 4711, since: '2030-01-01 00:00' });
    const onEvent = (event: TrainEvent) => {
      if (event.kind === 'epoch' && event.row.epoch === 2) writeFileSync(lock, other);
    };
    await assert.rejects(run('lost', { onEvent }), { code: 'RUN_LOST', message: /by process 4711 on elsewhere/ });
    assert.equal(await readFile(lock, 'utf8'), other);
    assert.ok((await readCheckpoint(file('lost', LAST_FILE))).info.epoch <= 2);
    await rm(lock);
    await run('lost', { resume: true });
    await assertSame('lost');
  });

  test('on a disk that gets full ends in one line, and goes on when there is room', async (t) => {
    const { byteLength } = await readFile(file('whole', LAST_FILE));
    await using disk = await mountSmallDisk(Math.ceil(byteLength * 5) + 16_384);
    if (disk === undefined) {
      t.skip('needs the right to mount a small tmpfs');
      return;
    }
    const out = join(disk.path, 'run');
    await writeFile(join(disk.path, 'other'), Buffer.alloc(byteLength * 2 + 8192));
    await assert.rejects(run('full', { out }), { code: 'DISK_FULL', hint: /files written before are whole/ });
    assert.ok(
      (await readdir(out)).every((name) => !name.startsWith('.')),
      'no draft is left',
    );
    assert.ok((await readCheckpoint(join(out, LAST_FILE))).info.step > 0);
    await rm(join(disk.path, 'other'));
    const resumed = await run('full', { out, resume: true });
    assert.deepEqual(resumed.best, whole.best);
  });
});
