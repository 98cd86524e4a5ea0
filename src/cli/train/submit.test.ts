import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { skipWithoutCpuPlugin as skip } from '../../../test/backend.ts';
import { writeColouredDataset } from '../../../test/coloured-dataset.ts';
import { writeUntrainedRun } from '../../../test/untrained-run.ts';
import { encodeExample, encodeJpeg, TfrecordWriter } from '../../data/index.ts';

const MAIN = join(import.meta.dirname, '..', 'main.ts');

suite('a test split whose pictures have no ids', { skip }, () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-no-ids-'));
    await writeColouredDataset(join(folder, 'data'), { splits: { train: 24, val: 8 } });
    await using writer = await TfrecordWriter.create(join(folder, 'data', 'test'));
    const image = encodeJpeg({ rgb: new Uint8Array(16 * 16 * 3), size: 16, quality: 90 });
    await writer.write(encodeExample({ image }));
    await writer.finish('00-16x16-1.tfrec');
  });
  after(() => rm(folder, { recursive: true }));

  const refused = (...args: string[]): void => {
    const all = [MAIN, ...args, '--data', join(folder, 'data'), '--device', 'cpu'];
    const { status, stderr } = spawnSync(process.execPath, all, { encoding: 'utf8' });
    assert.equal(status, 1, stderr);
    assert.match(stderr, /data test: not every picture has an id.*\n +hint: .*--id-feature/);
  };

  test('is refused by train --submit before it trains', () => {
    const run = join(folder, 'run');
    refused('train', 'cnn', '--size', '16', '--batch-size', '8', '--out', run, '--submit');
    assert.ok(!existsSync(run));
  });

  test('is refused by submit, which writes nothing', async () => {
    const run = await writeUntrainedRun(join(folder, 'untrained'), { size: 16, classNames: ['red', 'green', 'blue'] });
    refused('submit', run, '--out', join(folder, 'submission.csv'));
    assert.ok(!existsSync(join(folder, 'submission.csv')));
  });
});

test(
  'a picture that can’t be decoded ends submit, or is left out and said; labels of -1 are none',
  { skip },
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'sepal-undecodable-'));
    t.after(() => rm(folder, { recursive: true }));
    const image = encodeJpeg({ rgb: new Uint8Array(16 * 16 * 3), size: 16, quality: 90 });
    {
      await using writer = await TfrecordWriter.create(join(folder, 'data', 'test'));
      for (const [id, bytes] of Object.entries({ a: image, b: image.subarray(0, image.length / 2), c: image }))
        await writer.write(encodeExample({ image: bytes, class: -1, id }));
      await writer.finish('00-16x16-3.tfrec');
    }
    const run = await writeUntrainedRun(join(folder, 'untrained'), { size: 16, classNames: ['red', 'green', 'blue'] });
    const out = join(folder, 'submission.csv');
    const submit = (...flags: string[]) => {
      const all = [MAIN, 'submit', run, '--data', join(folder, 'data'), '--device', 'cpu', '--out', out, ...flags];
      return spawnSync(process.execPath, all, { encoding: 'utf8' });
    };
    const failed = submit();
    assert.equal(failed.status, 1, failed.stderr);
    assert.match(failed.stderr, /record 1.*no readable image/);
    assert.ok(!existsSync(out));
    const { status, stderr } = submit('--bad-records', 'skip');
    assert.equal(status, 0, stderr);
    assert.match(stderr, /lacks 1 picture that could not be decoded/);
    assert.match(await readFile(out, 'utf8'), /^id,label\na,\d\nc,\d\n$/);
  },
);

test(
  'train --submit takes the test split of Kaggle’s folder of several sizes, at those of its phases',
  { skip },
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'sepal-submit-sizes-'));
    t.after(() => rm(folder, { recursive: true }));
    const data = join(folder, 'petals');
    const sized = (size: number) => join(data, `tfrecords-jpeg-${size}x${size}`);
    for (const size of [16, 24])
      await writeColouredDataset(sized(size), { splits: { train: 24, val: 8, test: 6 }, size });
    const recipe = join(folder, 'recipe.yaml');
    await writeFile(
      recipe,
      `model: { name: cnn, options: { depth: 1, width: 4 } }
size: 16
batchSize: 8
optimizer: { name: adam }
schedule: { name: constant, rate: 0.01 }
phases: [{ epochs: 1 }, { epochs: 1, size: 24 }]
`,
    );
    const train = (out: string) => {
      const all = [MAIN, 'train', recipe, '--data', data, '--device', 'cpu', '--out', out, '--submit', '--no-report'];
      return spawnSync(process.execPath, all, { encoding: 'utf8' });
    };
    const run = join(folder, 'run');
    const { status, stderr } = train(run);
    assert.equal(status, 0, stderr);
    assert.equal((await readFile(join(run, 'submission.csv'), 'utf8')).match(/^test-\d,\d$/gm)?.length, 6);

    // The size of a later phase is looked at before the first one trains.
    await rm(join(sized(24), 'test'), { recursive: true });
    const refused = train(join(folder, 'second'));
    assert.equal(refused.status, 1, refused.stderr);
    assert.match(refused.stderr, /petals has no split "test"/);
    assert.ok(!existsSync(join(folder, 'second')));
  },
);
