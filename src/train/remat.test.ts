import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { treeLeaves } from '../base/index.ts';
import { buildModel } from '../models/index.ts';
import { applyNetwork, declareVariables, dense, type Network } from '../nn/index.ts';
import { openCompileTarget } from '../runtime/index.ts';
import { gradient, isHostTensor, isOp, mean, nodesOf, square, tanh, trace, type Graph } from '../xla/index.ts';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../test/backend.ts';
import { formulaImage } from '../../test/formula-values.ts';
import { testOnLibtpu } from '../../test/plugins.ts';
import { runSteps, type HostBatch, type StepsResult } from '../../test/run-steps.ts';
import { trainingProgram } from './programs.ts';
import { parseRecipe, type Recipe } from './recipe/recipe.ts';
import { seededValues } from './step/train-state.ts';

const SIZE = 16;
const BATCH = 8;
const CLASSES = 5;
const STEPS = 6;

const batches = Array.from({ length: STEPS }, (_, step): HostBatch => {
  const numbers = Array.from({ length: BATCH }, (_unused, row) => step * BATCH + row);
  return {
    images: Buffer.concat(numbers.map((n) => formulaImage(n, SIZE * SIZE * 3))),
    labels: Int32Array.from(numbers, (n) => (7 * n) % CLASSES),
    mask: new Uint8Array(BATCH).fill(1),
  };
});

const recipeOf = (remat: Recipe['remat'], settings: Readonly<Record<string, unknown>> = {}): Recipe =>
  parseRecipe(
    {
      model: { name: 'cnn', options: { depth: 3, width: 8, dropout: 0.3 } },
      size: SIZE,
      epochs: 1,
      batchSize: BATCH,
      seed: 5,
      optimizer: { name: 'adam' },
      schedule: { name: 'constant', rate: 0.01 },
      augment: { flip: true },
      remat,
      ...settings,
    },
    'test',
  );

const train = async (recipe: Recipe, replicas: number): Promise<StepsResult> => {
  const backend = await cpuBackend({ replicas });
  try {
    const value = () => seededValues(recipe.seed);
    return await runSteps(backend, { recipe, classes: CLASSES, batches, learningRate: 0.01, value });
  } finally {
    await backend.close();
  }
};

/** Convolutions of a program, without those that are gradients. */
const convolutions = (graph: Graph): number => nodesOf(graph).filter((node) => isOp(node, 'conv')).length;

suite('rematerialisation', { skip }, () => {
  for (const [replicas, settings] of [
    [1, {}],
    [2, { syncBatchNorm: true }],
    [2, { accumulate: 2, freeze: 'stages:1' }],
  ] as const) {
    const name = `${replicas} replicas, ${JSON.stringify(settings)}`;
    test(`trains as without it, with the same dropout: ${name}`, async () => {
      const kept = await train(recipeOf('none', settings), replicas);
      const again = await train(recipeOf('blocks', settings), replicas);
      for (const [step, loss] of kept.losses.entries()) {
        assert.ok(
          Math.abs(again.losses[step] - loss) <= 2e-5 * loss,
          `step ${step + 1}: ${again.losses[step]}, ${loss}`,
        );
      }
      const expected = treeLeaves(kept.state, isHostTensor);
      for (const [i, { data }] of treeLeaves(again.state, isHostTensor).entries()) {
        for (const [at, value] of data.entries()) {
          assert.ok(Math.abs(Number(value) - Number(expected[i].data[at])) <= 1e-3, `leaf ${i}, element ${at}`);
        }
      }
    });
  }
});

test('a block runs twice, and once where nothing is trained before or in it', () => {
  const model = buildModel({ name: 'cnn', options: { depth: 3 }, classes: 5, size: { height: SIZE, width: SIZE } });
  const count = (remat: Recipe['remat'], freeze: string) =>
    convolutions(trainingProgram(model, { ...recipeOf(remat), freeze }, 1).graph);
  assert.equal(count('none', 'none'), 3);
  assert.equal(count('blocks', 'none'), 6);
  assert.equal(count('blocks', 'stages:2'), 4);
});

for (const name of [
  'vgg16',
  'resnet50',
  'resnet50-v2',
  'xception',
  'densenet121',
  'mobilenet-v2',
  'efficientnet-b0',
  'convnext-tiny',
]) {
  test(`${name} has blocks, and the same variables`, () => {
    const model = buildModel({ name, classes: 5, size: { height: 128, width: 128 } });
    const run = (remat: boolean) =>
      trainingProgram(model, { ...recipeOf(remat ? 'blocks' : 'none'), size: 128, model: { name, options: {} } }, 1);
    const [kept, again] = [run(false), run(true)];
    assert.deepEqual(
      again.graph.outputs.map(({ shape }) => shape),
      kept.graph.outputs.map(({ shape }) => shape),
    );
    assert.ok(convolutions(again.graph) > 1.3 * convolutions(kept.graph));
  });
}

testOnLibtpu('takes less memory on a TPU, for more operations', async (_path, context) => {
  const target = await openCompileTarget('v3-8');
  context.after(() => target.close());
  const network: Network = (scope, x) => {
    let y = x;
    for (let block = 0; block < 4; block++) {
      y = scope.block([y], (inner, input) => {
        let z = input;
        for (let i = 0; i < 6; i++) z = tanh(inner.in(`${block}.${i}`, (own) => dense(own, z, { units: 512 })));
        return z;
      });
    }
    return y;
  };
  const type = { shape: [8192, 512], dtype: 'float32' } as const;
  const variables = declareVariables(network, type);
  const costs = async (remat: boolean) => {
    const graph = trace([type, ...variables], (x, ...values) => {
      const named = Object.fromEntries(variables.map(({ path }, i) => [path, values[i]]));
      return gradient(mean(square(applyNetwork(network, named, x, { training: true, remat }).output)), values);
    });
    return (await target.compile(target.text(graph, {}))).costs;
  };
  const [kept, again] = [await costs(false), await costs(true)];
  assert.ok(again.flops > 1.2 * kept.flops, `${again.flops} and ${kept.flops}`);
  assert.ok(again.peakBytes < 0.7 * kept.peakBytes, `${again.peakBytes} and ${kept.peakBytes}`);
});
