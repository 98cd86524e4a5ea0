import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { skipWithoutCpuPlugin as skip } from '../../../test/backend.ts';

const MAIN = join(import.meta.dirname, '..', 'main.ts');

test(
  'a profile is of the step that the last phase trains, on features where it computes them once',
  { skip },
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'sepal-profile-'));
    t.after(() => rm(folder, { recursive: true }));
    const recipe = {
      model: { name: 'cnn', options: { depth: 2, width: 4 } },
      size: 32,
      batchSize: 4,
      optimizer: { name: 'sgd' },
      schedule: { name: 'constant', rate: 0.1 },
    };
    const profiled = async (phases: readonly object[]) => {
      const file = join(folder, 'recipe.yaml');
      await writeFile(file, stringify({ ...recipe, phases }));
      const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'profile', file, '--classes', '3', '--repeats', '1', '--device', 'cpu', '--json'], { encoding: 'utf8' }); // prettier-ignore
      assert.equal(status, 0, stderr);
      const { size, batch, layers } = JSON.parse(stdout) as {
        size: number;
        batch: number;
        layers: { layer: string }[];
      };
      return { size, batch, layers: layers.map(({ layer }) => layer), stderr };
    };

    const tuned = await profiled([
      { epochs: 1, freeze: 'backbone' },
      { epochs: 1, size: 16, batchSize: 2 },
    ]);
    assert.deepEqual([tuned.size, tuned.batch], [16, 2]);
    assert.ok(tuned.layers.includes('block1/conv1'));
    assert.match(tuned.stderr, /^compiling a step of cnn, phase 2 of 2$/m);

    const frozen = await profiled([{ epochs: 1, freeze: 'backbone' }]);
    assert.ok(frozen.layers.includes('classifier'));
    assert.deepEqual(
      frozen.layers.filter((layer) => layer.startsWith('block')),
      [],
    );
    assert.match(frozen.stderr, /^compiling a step of cnn, on features computed once$/m);
  },
);
