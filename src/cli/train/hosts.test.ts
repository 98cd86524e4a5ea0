import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../../test/backend.ts';
import { writeColouredDataset } from '../../../test/coloured-dataset.ts';
import { JoinedHosts } from '../../../test/joined-hosts.ts';
import { createLogger } from '../../base/index.ts';
import type { Backend } from '../../runtime/index.ts';
import { BEST_FILE, parseRecipe, readCalibration, readCheckpoint } from '../../train/index.ts';
import type { Context } from '../command.ts';
import { trainOne } from './run-training.ts';
import type { TrainFlags } from './train-flags.ts';
import { TrainingSource } from './training-source.ts';

const recipe = parseRecipe(
  {
    model: { name: 'cnn', options: { depth: 1, width: 4 } },
    size: 16,
    epochs: 2,
    batchSize: 8,
    seed: 3,
    optimizer: { name: 'adam' },
    schedule: { name: 'cosine', rate: 0.02 },
    augment: { flip: true },
  },
  'test',
);

suite('what sepal train leaves behind on two hosts', { skip }, () => {
  test('is what one host leaves: report, scores, temperature and submission, all by the first one', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'sepal-train-hosts-'));
    t.after(() => rm(folder, { recursive: true }));
    const data = join(folder, 'data');
    await writeColouredDataset(data, { splits: { train: 21, val: 11, test: 7 }, wrong: 0.2 });
    const whole = await cpuBackend({ replicas: 2 });
    t.after(() => whole.close());

    const flags: TrainFlags = { device: 'cpu', badRecords: 'fail', report: true, data, submit: true, maxTime: 3600 };
    const context: Context = { log: createLogger({ quiet: true }), signal: new AbortController().signal };
    const run = async (backend: Backend, out: string) => {
      const source = new TrainingSource(flags, context);
      t.after(() => source.close());
      await trainOne({ name: 'cnn', recipe, backend, flags, context, out: join(folder, out), dataAt: async (size) => source.splits(size) }); // prettier-ignore
    };
    await run(whole, 'one');
    const hosts = new JoinedHosts(whole, 2);
    for (const result of await hosts.run(async (backend) => run(backend, 'two'))) {
      assert.ok(result.status === 'fulfilled', String(result.status === 'rejected' && result.reason));
    }

    const names = async (out: string) => (await readdir(join(folder, out))).toSorted();
    assert.deepEqual(await names('two'), await names('one'));
    assert.ok(existsSync(join(folder, 'two', 'report.html')));
    const text = async (out: string, name: string) => readFile(join(folder, out, name), 'utf8');
    for (const name of ['evaluation.json', 'submission.csv', 'recipe.yaml']) {
      assert.equal(await text('two', name), await text('one', name), name);
    }
    const temperature = async (out: string) => {
      const path = join(folder, out, BEST_FILE);
      return readCalibration(path, (await readCheckpoint(path)).info);
    };
    assert.deepEqual(await temperature('two'), await temperature('one'));
    assert.ok((await temperature('two')) !== undefined);
    // What is drawn from the probabilities of all validation images, and Grad-CAM on the first host's devices, is the same.
    const shown = async (out: string) => {
      const html = await text(out, 'report.html');
      return [...html.matchAll(/<svg[^>]*>[^]*?<\/svg>|<img [^>]*>/g)].map(([part]) => part);
    };
    const [one, two] = [await shown('one'), await shown('two')];
    assert.equal(two.length, one.length);
    const same = two.filter((part, i) => part === one[i]).length;
    // Images a second are those of each run.
    assert.ok(one.length > 5 && same >= one.length - 1, `${same} of ${one.length} pictures and charts are the same`);
  });
});
