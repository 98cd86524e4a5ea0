import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { treeLeaves } from '../../base/index.ts';
import { isHostTensor } from '../../xla/index.ts';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../../test/backend.ts';
import { formulaImage } from '../../../test/formula-values.ts';
import { testOnLibtpu } from '../../../test/plugins.ts';
import { curveModel, curveRecipe } from '../../../test/precision-curve.ts';
import { runSteps, type HostBatch, type StepsResult } from '../../../test/run-steps.ts';
import { openCompileTarget } from '../../runtime/index.ts';
import { TrainingError } from '../errors.ts';
import { memoryError } from '../memory-error.ts';
import { trainingProgram } from '../programs.ts';
import { parseRecipe } from '../recipe/recipe.ts';
import { seededValues } from './train-state.ts';

const SIZE = 16;
const BATCH = 16;
const CLASSES = 5;

/** The last rows of the last batch are padding, as at the end of an epoch. */
const batches = Array.from({ length: 4 }, (_, step): HostBatch => {
  const numbers = Array.from({ length: BATCH }, (_unused, row) => step * BATCH + row);
  return {
    images: Buffer.concat(numbers.map((n) => formulaImage(n, SIZE * SIZE * 3))),
    labels: Int32Array.from(numbers, (n) => (7 * n) % CLASSES),
    mask: Uint8Array.from({ length: BATCH }, (_unused, row) => (step === 3 && row >= 11 ? 0 : 1)),
  };
});

async function run(replicas: number, settings: Readonly<Record<string, unknown>>): Promise<StepsResult> {
  const backend = await cpuBackend({ replicas });
  try {
    const recipe = parseRecipe(
      {
        model: { name: 'cnn', options: { depth: 2, width: 8, dropout: 0.3 } },
        size: SIZE,
        epochs: 1,
        batchSize: BATCH,
        seed: 5,
        optimizer: { name: 'sgd', momentum: 0.9 },
        schedule: { name: 'constant', rate: 0.02 },
        augment: { flip: true },
        ...settings,
      },
      'parts',
    );
    return await runSteps(backend, { recipe, classes: CLASSES, value: () => seededValues(5), batches, learningRate: 0.02 }); // prettier-ignore
  } finally {
    await backend.close();
  }
}

function assertSame(found: StepsResult, expected: StepsResult): void {
  const [a, b] = [found, expected].map(({ state }) => treeLeaves(state, isHostTensor));
  assert.equal(a.length, b.length);
  for (const [i, { data }] of b.entries()) {
    for (const [j, value] of Array.from(data, Number).entries()) {
      assert.ok(Math.abs(Number(a[i].data[j]) - value) < 1e-4 * (1 + Math.abs(value)), `tensor ${i}, value ${j}`);
    }
  }
  for (const [i, loss] of expected.losses.entries()) assert.ok(Math.abs(found.losses[i] - loss) < 1e-5 * loss);
}

suite('gradient accumulation', { skip }, () => {
  test('gives the step of the whole batch, drawing the same dropout and flips, on any number of replicas', async () => {
    // Batch norm by moving statistics: by those of the batch, a piece of it would be another batch.
    const frozen = { frozenStatistics: 'all' };
    const whole = await run(1, frozen);
    assertSame(await run(1, { ...frozen, accumulate: 4 }), whole);
    assertSame(await run(2, { ...frozen, accumulate: 2 }), whole);
  });

  test('moves the statistics by each part in turn', async () => {
    const [whole, parts] = [await run(1, {}), await run(1, { accumulate: 2 })];
    assert.notDeepEqual(parts.state.statistics, whole.state.statistics);
    assert.ok(
      parts.losses.every((loss, i) => Math.abs(loss - whole.losses[i]) < 0.5),
      String(parts.losses),
    );
  });

  test('a share that does not divide is refused', async () => {
    await assert.rejects(run(2, { accumulate: 3 }), {
      code: 'ACCUMULATE',
      message: "8 images a replica don't divide into 3 parts",
      hint: /multiple of 3 times the number of replicas/,
    });
  });
});

testOnLibtpu('four parts take less memory of a TPU than the whole', async (_path, context) => {
  const target = await openCompileTarget('v3-8');
  context.after(() => target.close());
  const tempBytes = async (accumulate: number) => {
    const recipe = { ...curveRecipe('auto'), batchSize: 2048, accumulate };
    const { name, graph, donate } = trainingProgram(curveModel(recipe, { hasBfloat16Units: true }), recipe, 8);
    return (await target.compile(target.text(graph, { name, donate }))).costs.tempBytes;
  };
  const [whole, parts] = [await tempBytes(1), await tempBytes(4)];
  assert.ok(parts < 0.6 * whole, `${parts} beside ${whole}`);
});

testOnLibtpu('a step that does not fit a TPU tells the batch that would', async (_path, context) => {
  const target = await openCompileTarget('v3-8');
  context.after(() => target.close());
  const recipe = parseRecipe({ ...curveRecipe('auto'), model: { name: 'vgg16' }, size: 512, batchSize: 1024 }, 'large');
  const model = curveModel(recipe, { hasBfloat16Units: true });
  const { name, graph, donate } = trainingProgram(model, recipe, 8);
  const said = await target.compile(target.text(graph, { name, donate })).then(
    () => assert.fail('it fits'),
    (error: unknown) =>
      memoryError(error, {
        ...recipe,
        replicas: 8,
        types: graph.parameters.map(({ shape, dtype }) => ({ shape, dtype })),
      }),
  );
  assert.ok(said instanceof TrainingError);
  assert.equal(said.code, 'OUT_OF_MEMORY');
  assert.match(
    said.toUserString(),
    /^a step of 1024 images doesn't fit the memory of a device; expected at most 15 GiB; received \d+ GiB besides its arguments\n {2}hint: a batch of (\d+) should fit: --batch-size \1; .*accumulate=4$/,
  );
});
