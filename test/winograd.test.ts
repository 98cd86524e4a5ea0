import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Random } from '../src/base/index.ts';
import { nodesOf } from '../src/xla/graph.ts';
import {
  conv2d,
  gradient,
  relu,
  splitGraph,
  square,
  sum,
  trace,
  withWinograd,
  type ConvOptions,
  type DType,
  type Graph,
  type Shape,
} from '../src/xla/index.ts';
import { CPU_REWRITES } from '../src/xla/lower/cpu.ts';
import { rewrite } from '../src/xla/lower/rewrite.ts';
import { cpuBackend, skipWithoutCpuPlugin as skip } from './backend.ts';
import { assertSameNumbers } from './evaluate.ts';

const backend = skip === false ? await cpuBackend() : undefined;
after(() => backend?.close());

/** A convolution of a map of this shape, with its kernel. */
function convolution(x: Shape, kernel: Shape, options: ConvOptions = { padding: 'same' }, dtype: DType = 'float64') {
  const types = [x, kernel].map((shape) => ({ shape, dtype }));
  return trace(types, (images, weights) => [relu(conv2d(images, weights, options))]);
}

const has = (graph: Graph, op: string): boolean => nodesOf(graph).some((node) => node.op === op);

const CASES: readonly [string, Shape, Shape, ConvOptions][] = [
  ['same padding', [2, 6, 6, 200], [3, 3, 200, 200], { padding: 'same' }],
  ['no padding, more outputs than inputs', [1, 8, 6, 128], [3, 3, 128, 256], { padding: 'valid' }],
  ['a border on two sides only', [3, 3, 5, 192], [3, 3, 192, 200], { padding: [[1, 0], [0, 1]] }], // prettier-ignore
];

for (const [name, x, kernel, options] of CASES) {
  test(`a 3×3 convolution by Winograd gives the same numbers: ${name}`, { skip }, async () => {
    assert.ok(backend);
    const graph = convolution(x, kernel, options);
    const other = withWinograd(graph);
    assert.ok(has(graph, 'conv') && !has(other, 'conv'), 'it was not rewritten');
    await assertSameNumbers(backend, graph, other, new Random(7, 'winograd'));
  });
}

/** The products in a convolution's gradients as CPUs train it, behind the one of the way forward. */
function productsInTraining(x: Shape, kernel: Shape, options?: ConvOptions, dtype: DType = 'float32'): number {
  const types = [x, kernel].map((shape) => ({ shape, dtype }));
  const graph = trace(types, (images, weights) => {
    const y = conv2d(images, weights, options ?? { padding: 'same' });
    return [y, ...gradient(sum(square(y)), [images, weights])];
  });
  return nodesOf(rewrite(graph, CPU_REWRITES)).filter(({ op }) => op === 'dot').length;
}

test('in training the convolution and both gradients go by Winograd where that is faster', () => {
  assert.equal(productsInTraining([2, 12, 12, 128], [3, 3, 128, 128]), 3 * 16);
  assert.equal(productsInTraining([2, 7, 7, 512], [3, 3, 512, 512]), 3 * 16);
  const others = [
    productsInTraining([2, 24, 24, 128], [3, 3, 128, 32]),
    productsInTraining([64, 96, 96, 64], [3, 3, 64, 64]),
    productsInTraining([2, 24, 24, 256], [3, 3, 256, 256], { padding: 'same', strides: [2, 2] }),
    productsInTraining([2, 24, 24, 256], [3, 3, 256, 256], undefined, 'float16'),
  ];
  for (const count of others) assert.ok(count < 16, `${count} products`);
});

test('what Winograd does not fit, or does not make faster, stays a convolution', () => {
  const others = [
    convolution([2, 7, 7, 256], [3, 3, 256, 256]),
    convolution([2, 8, 8, 256], [3, 3, 256, 256], { padding: 'same', strides: [2, 2] }),
    convolution([2, 8, 8, 256], [3, 3, 256, 256], { padding: 'same', dilation: [2, 2] }),
    convolution([2, 8, 8, 256], [5, 5, 256, 256]),
    convolution([2, 8, 8, 256], [3, 3, 1, 256], { padding: 'same', groups: 256 }),
    convolution([2, 8, 8, 128], [3, 3, 128, 32]),
    convolution([2, 8, 8, 3], [3, 3, 3, 512]),
    convolution([2, 8, 8, 256], [3, 3, 256, 256], { padding: 'same' }, 'float16'),
  ];
  for (const graph of others) assert.equal(withWinograd(graph), graph);
});

test("a kernel's transform is part of what depends on the weights alone", () => {
  const split = splitGraph(withWinograd(convolution([2, 6, 6, 256], [3, 3, 256, 256])), (i) => i === 1);
  assert.ok(split !== undefined);
  assert.deepEqual(split.early.outputs.map(({ shape }) => shape), [[16, 256, 256]]); // prettier-ignore
  assert.ok(has(split.late, 'dot'));
});
