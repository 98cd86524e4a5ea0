import { optimizationBarrier } from '../control.ts';
import { add, broadcastTo, mul } from '../elementwise.ts';
import { convShape } from '../infer-window.ts';
import { dotGeneral } from '../linear.ts';
import { pad, reshape, slice, sliceAxis, stack } from '../structure.ts';
import { elementCount } from '../shape.ts';
import type { Rewrite } from './rewrite.ts';

/** Above so many output positions an image, copying the shifted inputs costs what the products save. */
const MAX_POSITIONS = 40 * 40;
const MIN_CHANNELS = 16;
const MAX_TAPS = 25;

/**
 * The kernel's gradient tap by tap: a product of the shifted input and the output gradient for each.
 *
 * XLA's convolution with batch and channels exchanged is slow: 79 ms for a 3x3 kernel of 96 to 192 channels on
 * [32, 12, 12], this 28 ms.
 */
export const convKernelGradientAsDots: Rewrite<'convKernelGradient'> = (params, [x, gradient]) => {
  const { strides, padding, dilation, groups, kernelShape } = params;
  const [batch, height, width, outputs] = gradient.shape;
  const channels = x.shape[3];
  const taps = kernelShape[0] * kernelShape[1];
  const pays = height * width <= MAX_POSITIONS && channels >= MIN_CHANNELS && taps <= MAX_TAPS;
  if (groups !== 1 || x.rank !== 4 || !pays) return undefined;

  // Without the barrier XLA fuses the test for the border into every product's inner loop.
  const [padded] = optimizationBarrier([pad(x, [[0, 0], ...padding, [0, 0]])]);
  const rows = batch * height * width;
  const flat = reshape(gradient, [rows, outputs]);
  const products = Array.from({ length: taps }, (_, tap) => {
    const top = Math.floor(tap / kernelShape[1]) * dilation[0];
    const left = (tap % kernelShape[1]) * dilation[1];
    const limit = [batch, top + (height - 1) * strides[0] + 1, left + (width - 1) * strides[1] + 1, channels];
    const shifted = slice(padded, [0, top, left, 0], limit, [1, strides[0], strides[1], 1]);
    return dotGeneral(reshape(shifted, [rows, channels]), flat, {
      batchLeft: [],
      batchRight: [],
      contractLeft: [0],
      contractRight: [0],
    });
  });
  return [reshape(stack(products), kernelShape)];
};

/** Products that are summed in one fused loop; more make compiling slow. */
const MAX_PRODUCTS = 36;

/**
 * A convolution of very few channels, such as a network's first one, as a sum of shifted inputs times kernel rows.
 *
 * XLA copies every window out before it multiplies: 138 ms for 3x3 kernels at stride 2 on [32, 192, 192, 3], this 22 ms.
 */
export const convOfFewChannels: Rewrite<'conv'> = (params, [x, kernel]) => {
  const { strides, padding, dilation, groups } = params;
  if (groups !== 1 || x.rank !== 4 || elementCount(kernel.shape.slice(0, 3)) > MAX_PRODUCTS) return undefined;
  const shape = convShape('conv', params, x.shape, kernel.shape);
  const [batch, height, width, outputs] = shape;
  const [padded] = optimizationBarrier([pad(x, [[0, 0], ...padding, [0, 0]])]);
  const rows = reshape(kernel, [-1, outputs]);
  const products = Array.from({ length: rows.shape[0] }, (_, i) => {
    const channel = i % x.shape[3];
    const tap = Math.floor(i / x.shape[3]);
    const top = Math.floor(tap / kernel.shape[1]) * dilation[0];
    const left = (tap % kernel.shape[1]) * dilation[1];
    const limit = [batch, top + (height - 1) * strides[0] + 1, left + (width - 1) * strides[1] + 1, channel + 1];
    const shifted = slice(padded, [0, top, left, channel], limit, [1, strides[0], strides[1], 1]);
    return mul(broadcastTo(shifted, shape), broadcastTo(reshape(sliceAxis(rows, 0, i, i + 1), [outputs]), shape));
  });
  return [products.reduce((a, b) => add(a, b))];
};
