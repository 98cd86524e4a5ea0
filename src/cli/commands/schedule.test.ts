import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const MAIN = join(import.meta.dirname, '..', 'main.ts');
const root = await mkdtemp(join(tmpdir(), 'sepal-schedule-cli-'));
after(() => rm(root, { recursive: true }));

const schedule = (...args: string[]) => spawnSync(process.execPath, [MAIN, 'schedule', ...args], { encoding: 'utf8' });

test('a phase with a batch of its own has the steps that training takes for the same examples', async () => {
  const recipe = join(root, 'phases.yaml');
  const phases = [{ epochs: 1 }, { epochs: 2, batchSize: 32 }, { epochs: 1, batchSize: 12 }];
  await writeFile(
    recipe,
    JSON.stringify({
      model: { name: 'cnn' },
      size: 16,
      batchSize: 16,
      optimizer: { name: 'adamw' },
      schedule: { name: 'cosine', rate: 0.01, warmup: 0 },
      phases: phases.map((phase) => ({ ...phase, schedule: { name: 'cosine', rate: 0.01, warmup: 0 } })),
    }),
  );
  const printed = schedule(recipe, '--steps-per-epoch', '5', '--json');
  assert.equal(printed.status, 0, printed.stderr);
  const { stepsPerEpoch, rates, ...found } = JSON.parse(printed.stdout) as {
    stepsPerEpoch: number;
    phases: object[];
    rates: number[];
  };
  // 80 examples: 5 steps of 16, 3 of 32 twice, 7 of 12.
  assert.equal(stepsPerEpoch, 5);
  assert.deepEqual(found.phases, [
    { epochs: 1, batchSize: 16, stepsPerEpoch: 5 },
    { epochs: 2, batchSize: 32, stepsPerEpoch: 3 },
    { epochs: 1, batchSize: 12, stepsPerEpoch: 7 },
  ]);
  assert.equal(rates.length, 5 + 2 * 3 + 7);
  const starts = [...rates.entries()].flatMap(([step, rate]) => (rate === 0.01 ? [step] : []));
  assert.deepEqual(starts, [0, 5, 11]);

  const table = schedule(recipe, '--steps-per-epoch', '5');
  const rows = table.stdout.split('\n').filter((line) => /^ *\d+ /.test(line));
  assert.deepEqual(
    rows.map((row) => row.trim().split(/ +/)),
    [
      [0, 4],
      [5, 7],
      [8, 10],
      [11, 17],
    ].map(([first, last], epoch) => [String(epoch + 1), rates[first].toExponential(3), rates[last].toExponential(3)]),
  );
});
