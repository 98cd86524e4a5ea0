import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { applyNetwork } from '../nn/index.ts';
import { trace } from '../xla/index.ts';
import { buildModel } from './registry.ts';

const build = (options: Readonly<Record<string, unknown>> = {}, height = 32, width = height) =>
  buildModel({ name: 'cnn', options, classes: 5, size: { height, width } });
const shapes = (options: Readonly<Record<string, unknown>>, height?: number, width?: number) =>
  Object.fromEntries(
    build(options, height, width)
      .variables.filter(({ path }) => path.endsWith('kernel'))
      .map(({ path, shape }) => [path.replace('/kernel', ''), shape]),
  );

suite('the plain CNN', () => {
  test('doubles its filters block by block up to the most', () => {
    assert.deepEqual(shapes({ depth: 4, width: 8, maxWidth: 24, convs: 1 }), {
      'block1/conv1': [3, 3, 3, 8],
      'block2/conv1': [3, 3, 8, 16],
      'block3/conv1': [3, 3, 16, 24],
      'block4/conv1': [3, 3, 24, 24],
      classifier: [24, 5],
    });
  });

  test('has convolutions a block, kernels, a flattened head and a hidden layer as its options say', () => {
    const options = { depth: 2, width: 4, convs: 2, kernel: 5, stemStrides: 2, head: 'flatten', hidden: 7 };
    // 33 and 20 pixels, halved by the stem (rounded up) and by two poolings (rounded down).
    assert.deepEqual(shapes(options, 33, 20), {
      'block1/conv1': [5, 5, 3, 4],
      'block1/conv2': [5, 5, 4, 4],
      'block2/conv1': [5, 5, 4, 8],
      'block2/conv2': [5, 5, 8, 8],
      hidden: [4 * 2 * 8, 7],
      classifier: [7, 5],
    });
  });

  test('counts its parameters: a kernel and four vectors of batch norm a convolution, two of which are trained', () => {
    const { parameters } = build({ depth: 2, width: 4 });
    const kernels = 3 * 3 * 3 * 4 + 3 * 3 * 4 * 8;
    const classifier = 8 * 5 + 5;
    assert.deepEqual(parameters, {
      trainable: kernels + 2 * (4 + 8) + classifier,
      total: kernels + 4 * (4 + 8) + classifier,
    });
  });

  test('takes images smaller than its poolings would need', () => {
    assert.equal(build({ depth: 8, stemStrides: 4, width: 2 }, 8, 9).variables.length, 8 * 5 + 2);
  });

  test('gives logits of any batch', () => {
    const model = build();
    const images = { shape: [6, 32, 32, 3], dtype: 'float32' } as const;
    const graph = trace([images, ...model.variables], (pixels, ...tensors) => {
      const values = Object.fromEntries(model.variables.map(({ path }, i) => [path, tensors[i]]));
      return [applyNetwork(model.network, values, pixels, { training: false }).output];
    });
    assert.deepEqual(graph.outputs[0].shape, [6, 5]);
  });
});
