import {
  add,
  concatenate,
  div,
  exp,
  iota,
  mul,
  neg,
  optimizationBarrier,
  reshape,
  reverse,
  sliceAxis,
  square,
  sum,
  type Tensor,
} from '../../xla/index.ts';

/**
 * Images [N, H, C, W] blurred by a Gaussian bell of width `sigma` [N] in pixels, reflected at the borders; the bell is cut off after
 * `reach` pixels. A width near 0 changes nothing.
 */
export function gaussianBlur(images: Tensor, sigma: Tensor, reach: number): Tensor {
  const [batch] = images.shape;
  const taps = 2 * reach + 1;
  const distance = add(iota([1, taps], 'float32', 1), -reach);
  const bell = exp(neg(div(square(distance), mul(square(reshape(sigma, [batch, 1])), 2))));
  const weights = div(bell, sum(bell, { axes: [1], keepDims: true }));
  return convolveAxis(convolveAxis(images, weights, reach, 3), weights, reach, 1);
}

function convolveAxis(images: Tensor, weights: Tensor, reach: number, axis: 1 | 3): Tensor {
  const size = images.shape[axis];
  const [batch] = images.shape;
  const cut = (start: number, length: number, x = images) => sliceAxis(x, axis, start, start + length);
  const before = reverse(cut(1, reach), [axis]);
  const after = reverse(cut(size - 1 - reach, reach), [axis]);
  // One pass to lay the borders, or their test would stand in the loop over the taps.
  const [padded] = optimizationBarrier([concatenate([before, images, after], axis)]);
  const parts = Array.from({ length: 2 * reach + 1 }, (_, i) =>
    mul(cut(i, size, padded), reshape(sliceAxis(weights, 1, i, i + 1), [batch, 1, 1, 1])),
  );
  return optimizationBarrier([parts.reduce((a, b) => add(a, b))])[0];
}
