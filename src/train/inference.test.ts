import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import { Random } from '../base/index.ts';
import { buildModel } from '../models/index.ts';
import { applyNetwork, initialValues } from '../nn/index.ts';
import { jit, prepareInference } from '../runtime/index.ts';
import { constant, nodesOf, trace, type HostTensor, type Tensor } from '../xla/index.ts';
import { testBackend, skipWithoutTestDevice as skip } from '../../test/backend.ts';
import { host } from '../../test/evaluate.ts';

const SIZE = 40;
/** On CPUs few pictures are predicted by XLA's products, many by oneDNN. */
const FEW = 2;
const MANY = 48;
const imagesOf = (batch: number) => ({ shape: [batch, SIZE, SIZE, 3], dtype: 'uint8' }) as const;

function open(name: string) {
  const model = buildModel({ name, classes: 7, size: { height: SIZE, width: SIZE } });
  const random = new Random(5, 'statistics');
  // Scales, shifts and statistics as of a network that was trained: first values would hide a wrong fold.
  const values = model.variables.map(({ path, shape, role, initializer }): HostTensor => {
    if (role === 'kernel') return { shape, dtype: 'float32', data: initialValues(initializer, shape, 3, path) };
    const low = role === 'bias' ? -0.3 : 0.6;
    const count = shape.reduce((product, size) => product * size, 1);
    return host(
      'float32',
      [...shape],
      Array.from({ length: count }, () => random.uniform(low, low + 0.8)),
    );
  });
  const logits = (weights: Readonly<Record<string, Tensor>>, pixels: Tensor) =>
    applyNetwork(model.network, weights, model.prepare(pixels), { training: false }).output;
  return { model, values, logits };
}

suite('programs for inference', { skip }, async () => {
  const backend = await testBackend();
  after(() => backend.close());

  const names = ['cnn', 'mobilenet-v2', 'resnet50', 'densenet121'];
  const cases = names.flatMap((each) => [FEW, MANY].map((count) => [each, count] as const));
  for (const [name, batch] of cases) {
    test(`${name} gives the logits of its plain program for ${batch} pictures`, async () => {
      const { model, values, logits } = open(name);
      const paths = model.variables.map(({ path }) => path);
      const weights = await backend.replicateTree(Object.fromEntries(paths.map((path, i) => [path, values[i]])));
      const random = new Random(1, 'pixels');
      const data = Uint8Array.from({ length: batch * SIZE * SIZE * 3 }, () => random.integer(256));
      const pixels = await backend.replicate(data, imagesOf(batch));
      const types = Object.fromEntries(model.variables.map(({ path, shape, dtype }) => [path, { shape, dtype }]));
      const run = async (forInference: boolean) => {
        const program = await jit(backend, logits, [types, imagesOf(batch)], {
          name,
          forInference: forInference ? { weights: 0 } : undefined,
        });
        return (await program(weights, pixels)).toHost() as Promise<Float32Array>;
      };
      const [plain, fast] = [await run(false), await run(true)];
      const scale = Math.max(...plain.map(Math.abs));
      const worst = Math.max(...plain.map((value, i) => Math.abs(value - fast[i])));
      assert.ok(worst <= 1e-4 * scale, `${worst} of ${scale}`);
    });
  }

  test('no batch norm is left as a factor on feature maps', async () => {
    const { values, logits, model } = open('cnn');
    const graph = trace([imagesOf(FEW)], (pixels) => {
      const weights = model.variables.map(({ path, shape, dtype }, i) => [
        path,
        constant(values[i].data, shape, dtype),
      ]);
      return [logits(Object.fromEntries(weights) as Record<string, Tensor>, pixels)];
    });
    const factors = (of: typeof graph) =>
      nodesOf(of).filter(({ op, outputs }) => op === 'multiply' && outputs[0].shape[0] === FEW).length;
    assert.equal(factors(graph), 4);
    assert.equal(factors((await prepareInference(backend, graph, new Set())).graph), 0);
  });

  test('a program for few pictures can be kept for the next start', async () => {
    const { logits, model } = open('cnn');
    const types = model.variables.map(({ shape, dtype }) => ({ shape, dtype }));
    const prepared = async (batch: number, calls?: number) => {
      const graph = trace([...types, imagesOf(batch)], (...inputs) => {
        const weights = Object.fromEntries(model.variables.map(({ path }, i) => [path, inputs[i]]));
        return [logits(weights, inputs[types.length])];
      });
      return prepareInference(backend, graph, new Set(types.keys()), calls);
    };
    assert.equal((await prepared(FEW)).serializable, true);
    if (backend.platform !== 'cpu') return;
    assert.equal((await prepared(FEW)).platform, 'cpu-few');
    assert.equal((await prepared(MANY, 4)).platform, 'cpu-few');
    assert.notEqual((await prepared(MANY, 400)).platform, 'cpu-few');
    assert.notEqual((await prepared(MANY)).platform, 'cpu-few');
  });
});
