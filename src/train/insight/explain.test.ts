import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { openDataset } from '../../data/index.ts';
import type { Backend } from '../../runtime/index.ts';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../../test/backend.ts';
import { writeColouredDataset } from '../../../test/coloured-dataset.ts';
import { writeUntrainedRun } from '../../../test/untrained-run.ts';
import { explainPictures } from './explain.ts';
import { loadTrainedModel } from '../run/run-weights.ts';

suite('what speaks for a class', { skip }, () => {
  let folder: string;
  let backend: Backend;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-explain-'));
    backend = await cpuBackend({ replicas: 2 });
  });

  after(async () => {
    await backend.close();
    await rm(folder, { recursive: true });
  });

  test('each picture has its own map, in whatever company and order it is asked about', async () => {
    const data = await openDataset(await writeColouredDataset(join(folder, 'data'), { splits: { val: 11 } }), {
      split: 'val',
    });
    const trained = await loadTrainedModel(backend, await writeUntrainedRun(join(folder, 'run'), { size: 16 }));
    const asked = Array.from({ length: 11 }, (_, index) => ({ index, class: index % 3 }));
    const all = await explainPictures(backend, trained, data, asked);
    assert.equal(all.length, 11);
    assert.ok(all.some(({ values }) => values.some((value) => value > 0)));
    const some = [10, 4, 7];
    const again = await explainPictures(
      backend,
      trained,
      data,
      some.map((n) => asked[n]),
    );
    assert.deepEqual(
      again,
      some.map((n) => all[n]),
    );
    assert.deepEqual(await explainPictures(backend, trained, data, []), []);
    await data.close();
  });
});
