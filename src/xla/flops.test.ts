import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countFlops, conv2d, gradient, matmul, relu, sum, trace, type Shape, type Tensor } from './index.ts';

const flops = (shapes: readonly Shape[], body: (...inputs: Tensor[]) => readonly Tensor[]) =>
  countFlops(
    trace(
      shapes.map((shape) => ({ shape, dtype: 'float32' })),
      body,
    ),
  );

test('matrix products and convolutions count two for each multiply-add', () => {
  assert.equal(flops([[5, 7], [7, 3]], (a, b) => [matmul(a, b)]), 2 * 5 * 7 * 3); // prettier-ignore
  assert.equal(flops([[2, 8, 8, 6], [3, 3, 6, 4]], (x, k) => [conv2d(x, k, { strides: [2, 2], padding: 'same' })]), 2 * (2 * 4 * 4 * 4) * (3 * 3 * 6)); // prettier-ignore
  assert.equal(flops([[2, 8, 8, 6], [3, 3, 1, 6]], (x, k) => [conv2d(x, k, { groups: 6 })]), 2 * (2 * 6 * 6 * 6) * 9); // prettier-ignore
});

test('the two gradients of a convolution cost as much as it does, each', () => {
  const shapes = [[2, 8, 8, 6], [3, 3, 2, 12]]; // prettier-ignore
  const forward = (x: Tensor, k: Tensor) => relu(conv2d(x, k, { strides: [2, 2], padding: 'same', groups: 3 }));
  const once = flops(shapes, (x, k) => [forward(x, k)]);
  assert.equal(flops(shapes, (x, k) => gradient(sum(forward(x, k)), [x, k])), 3 * once); // prettier-ignore
});

test('what is not used and what only moves numbers is free', () => {
  assert.equal(flops([[4, 4]], (a) => [relu(a)]), 0); // prettier-ignore
});
