import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Random } from '../src/base/index.ts';
import { programText } from '../src/runtime/index.ts';
import { prepareInference } from '../src/runtime/inference/prepare-inference.ts';
import { nodesOf } from '../src/xla/graph.ts';
import {
  add,
  broadcastTo,
  conv2d,
  maxPool2d,
  mul,
  relu,
  reshape,
  sigmoid,
  splitGraph,
  trace,
  withProducts,
  withShortcutsInPlace,
  type DType,
  type Graph,
  type Node,
  type Tensor,
} from '../src/xla/index.ts';
import { cpuBackend, skipWithoutCpuPlugin as skip } from './backend.ts';
import { assertSameNumbers } from './evaluate.ts';

const backend = skip === false ? await cpuBackend() : undefined;
after(() => backend?.close());

interface Sizes {
  readonly batch: number;
  readonly size: number;
  readonly channels: number;
  readonly inside: number;
  readonly dtype?: DType;
}

/** Two residual blocks of 1×1 kernels with biases, a pooled one with a shortcut of stride 2, and a 3×3 convolution's outputs added to it. */
function residualNetwork({ batch, size, channels, inside, dtype = 'float64' }: Sizes): Graph {
  const shapes = [
    [batch, size, size, channels],
    [1, 1, channels, inside],
    [inside],
    [1, 1, inside, channels],
    [channels],
    [3, 3, channels, channels],
  ];
  return trace(
    shapes.map((shape) => ({ shape, dtype })),
    (images, ...[narrow, narrowBias, wide, wideBias, kernel]) => {
      const pointwise = (x: Tensor, weights: Tensor, bias: Tensor, strides = 1): Tensor => {
        const y = conv2d(x, weights, { padding: 'valid', strides: [strides, strides] });
        return add(y, broadcastTo(bias, y.shape));
      };
      const inner = (x: Tensor): Tensor => {
        const y = pointwise(x, narrow, narrowBias);
        return pointwise(mul(y, sigmoid(y)), wide, wideBias);
      };
      const first = relu(add(inner(images), images));
      const second = relu(add(inner(first), first));
      const pooled = maxPool2d(second, { window: [3, 3], strides: [2, 2], padding: 'same' });
      const down = add(pooled, pointwise(pointwise(second, narrow, narrowBias, 2), wide, wideBias));
      const third = add(conv2d(down, kernel, { padding: 'same' }), down);
      return [mul(third, 0.5)];
    },
  );
}

const shaped = (graph: Graph): Graph => withShortcutsInPlace(withProducts(graph));
const nodes = (graph: Graph, op: string): Node[] => nodesOf(graph).filter((node) => node.op === op);

const SMALL = { batch: 2, size: 5, channels: 24, inside: 16 };
/** 728 × 728 is just more than the least large kernel. */
const LARGE = { batch: 1, size: 4, channels: 728, inside: 728 };

for (const [name, sizes] of [
  ['small kernels', SMALL],
  ['large kernels', LARGE],
] as const) {
  test(`1×1 convolutions as products give the same numbers: ${name}`, { skip }, async () => {
    assert.ok(backend);
    const graph = residualNetwork(sizes);
    const other = shaped(graph);
    assert.equal(nodes(graph, 'conv').length, 7);
    assert.equal(nodes(other, 'conv').length, 1, 'the 3×3 convolution alone stays one');
    await assertSameNumbers(backend, graph, other, new Random(7, 'products'));
  });
}

test('of a product only what a convolution or a pooling reads is laid out as maps', () => {
  const maps = nodes(shaped(residualNetwork(SMALL)), 'add').filter(({ outputs }) => outputs[0].shape.length === 4);
  // The sum with the 3×3 convolution's outputs.
  assert.equal(maps.length, 1);
});

test("what is repeated over a picture's places is not laid out as rows", () => {
  const types = [[2, 4, 4, 8], [1, 1, 8, 8], [2, 8]].map((shape) => ({ shape, dtype: 'float32' }) as const); // prettier-ignore
  const graph = withProducts(
    trace(types, (x, kernel, gate) => {
      const y = conv2d(x, kernel, { padding: 'valid' });
      return [mul(y, broadcastTo(reshape(gate, [2, 1, 1, 8]), y.shape))];
    }),
  );
  assert.equal(nodes(graph, 'multiply')[0].outputs[0].shape.length, 4);
});

test('large kernels are transposed where what depends on the weights alone is computed', () => {
  const transposed = (graph: Graph) => {
    const split = splitGraph(withProducts(graph), (i) => i > 0);
    assert.equal(nodes(split?.late ?? withProducts(graph), 'transpose').length, 0);
    return split?.early.outputs.map(({ shape }) => shape) ?? [];
  };
  assert.deepEqual(transposed(residualNetwork(SMALL)), []);
  assert.deepEqual(transposed(residualNetwork({ ...LARGE, inside: 800 })), Array.from({ length: 6 }, (_, i) => (i % 2 === 0 ? [800, 728] : [728, 800]))); // prettier-ignore
});

test('convolutions of many positions, of groups or with padding stay convolutions', () => {
  const many = residualNetwork({ batch: 1, size: 50, channels: 4, inside: 2 });
  assert.equal(nodes(withProducts(many), 'conv').length, 5);
  const types = [[1, 4, 4, 8], [1, 1, 4, 8]].map((shape) => ({ shape, dtype: 'float32' }) as const); // prettier-ignore
  const grouped = trace(types, (x, kernel) => [conv2d(x, kernel, { padding: 'valid', groups: 2 })]);
  assert.equal(withProducts(grouped), grouped);
});

test('a shortcut that only one op reads gets no barrier', () => {
  const types = [[1, 4, 4, 8], [1, 1, 8, 8]].map((shape) => ({ shape, dtype: 'float32' }) as const); // prettier-ignore
  const barriers = (graph: Graph): number => nodes(withShortcutsInPlace(graph), 'barrier').length;
  const once = trace(types, (x, kernel) => [add(conv2d(relu(x), kernel, { padding: 'valid' }), mul(x, 2))]);
  const twice = trace(types, (x, kernel) => {
    const y = mul(x, 2);
    return [add(conv2d(y, kernel, { padding: 'valid' }), y)];
  });
  assert.equal(barriers(once), 0);
  assert.equal(barriers(twice), 1);
});

test('oneDNN adds to each shortcut where it is', { skip }, async (t) => {
  assert.ok(backend);
  const graph = residualNetwork({ batch: 8, size: 16, channels: 128, inside: 64, dtype: 'float32' });
  const prepared = await prepareInference(backend, graph, new Set([1, 2, 3, 4, 5]));
  if (prepared.platform !== 'cpu-onednn') return t.skip('this plugin is built without oneDNN');
  const compiled = async (program: Graph): Promise<string> => {
    const text = programText(program, { replicas: 1, platform: prepared.platform });
    const executable = await backend.client.compile(text, { replicas: 1, ...prepared.compiler });
    try {
      const { code } = await executable.optimizedProgram();
      return Buffer.from(code).toString('latin1');
    } finally {
      executable.destroy();
    }
  };
  const count = (text: string, word: string): number => text.split(word).length - 1;
  const plain = await compiled(withProducts(graph));
  const inPlace = await compiled(prepared.graph);
  assert.ok(count(plain, '"BINARY_ADD"') > 0, 'XLA adds in place by itself');
  assert.equal(count(inPlace, '"BINARY_ADD"'), 0);
  assert.ok(count(inPlace, '"SUM"') >= 3);
});
