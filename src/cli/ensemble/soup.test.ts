import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../../test/backend.ts';
import { writeColouredDataset } from '../../../test/coloured-dataset.ts';
import { writeUntrainedRun } from '../../../test/untrained-run.ts';
import { silent } from '../../base/index.ts';
import { encodeExample, TfrecordWriter } from '../../data/index.ts';
import type { Backend } from '../../runtime/index.ts';
import { checkpointPath, Ingredients } from '../../train/index.ts';
import { predictMembers, type PredictOptions } from './member.ts';
import { makeSoup, soupText } from './soup.ts';
import { confusionOf } from './summary.ts';

const CLASSES = ['red', 'green', 'blue'];

suite('a soup of runs', { skip }, () => {
  let backend: Backend;
  let folder: string;
  let runs: string[];
  let options: PredictOptions;
  const context = { log: silent, signal: new AbortController().signal };

  before(async () => {
    backend = await cpuBackend();
    folder = await mkdtemp(join(tmpdir(), 'sepal-soups-'));
    const data = await writeColouredDataset(join(folder, 'data'), {
      splits: { train: 3, val: 40 },
      classNames: CLASSES,
    });
    runs = await Promise.all(
      [1, 2, 3].map((seed) => writeUntrainedRun(join(folder, `run-${seed}`), { size: 16, classNames: CLASSES, seed })),
    );
    options = { data, split: 'val', tta: 'none', badRecords: 'fail' };
  });
  after(async () => {
    await backend.close();
    await rm(folder, { recursive: true });
  });

  const cook = async (greedy: boolean, soup: string, given = options) => {
    const ingredients = await Ingredients.read(runs.map(checkpointPath));
    const members = await predictMembers(backend, runs, given, context);
    return { members, summary: await makeSoup(backend, ingredients, members, { ...given, soup, greedy }, context) };
  };
  /** What the written file reaches by itself. */
  const scoreOf = async (file: string) => {
    const [{ probabilities, labels }] = await predictMembers(backend, [file], options, context);
    return confusionOf(probabilities, labels, CLASSES.length).macroF1;
  };

  test('is as good as it says, whichever weights are in it', async () => {
    const { summary } = await cook(false, join(folder, 'uniform.safetensors'));
    assert.deepEqual(summary.of, runs.map(checkpointPath));
    assert.equal(summary.heldOut, undefined);
    assert.equal(summary.macroF1, await scoreOf(summary.file));
  });

  test('that is chosen greedily is no worse than the best run, and says what the choice is worth', async () => {
    const { members, summary } = await cook(true, join(folder, 'greedy.safetensors'));
    const alone = members.map(({ probabilities, labels }) => confusionOf(probabilities, labels, 3).macroF1);
    assert.ok(summary.macroF1 >= Math.max(...alone));
    assert.equal(summary.macroF1, await scoreOf(summary.file));
    assert.ok(summary.heldOut !== undefined && summary.heldOut >= 0 && summary.heldOut <= 1);
    assert.match(
      soupText(summary, 'val'),
      /^soup .* of \d of 3, chosen on val; .*greedy\.safetensors\n {10}in it: run-.*\nheld out/,
    );
  });

  test('is scored without the pictures that are skipped', async () => {
    const data = await writeColouredDataset(join(folder, 'damaged'), {
      splits: { train: 3, val: 40 },
      classNames: CLASSES,
    });
    await using writer = await TfrecordWriter.create(join(data, 'val'));
    // Some of them have a label without a class, too.
    const bad = (i: number) => encodeExample({ image: Buffer.from('oops'), id: `bad-${i}`, class: i % 4 });
    for (let i = 0; i < 20; i++) await writer.write(bad(i));
    await writer.finish('01-16x16-20.tfrec');
    const file = join(folder, 'skipping.safetensors');
    const { summary } = await cook(true, file, { ...options, data, badRecords: 'skip' });
    assert.deepEqual(summary, (await cook(true, file)).summary);
  });
});
