import { optimizationBarrier } from '../control.ts';
import { full } from '../creation.ts';
import { sumType } from '../dtype.ts';
import { add, convert } from '../elementwise.ts';
import type { ConvParams, Padding, Tensor } from '../ir.ts';
import { concatenate, dynamicSlice, reshape, reverse, slice, stack, transpose } from '../structure.ts';
import { sumInLoops } from './cpu-loop.ts';
import { contract } from './cpu-contract.ts';
import { barredPad, readBy, tapsOf, type Tap } from './cpu-window.ts';
import type { Rewrite } from './rewrite.ts';

/** Fewer channels make products too thin: then all taps become one product. */
const MIN_CHANNELS = 16;
const MAX_TAPS = 25;
/** Rows of the product of few channels: taps times channels. */
const MAX_FEW = 160;
/** Outputs whose product with one tap is too thin, and channels beside which they are few. */
const FEW_OUTPUTS = 32;
const MANY_CHANNELS = 64;
/** Output positions of an image from which a loop over the images pays. */
const MIN_POSITIONS = 100;

/**
 * Image by image, so that what is copied out for a tap stays in the processor's cache: each group of taps' product of all positions of
 * `plain` with what the taps read of `padded`. `plain` is laid out so that every product is a plain one.
 *
 * @returns [groups, channels of `plain`, taps of a group × channels of `padded`].
 */
function productsByImage(
  plain: Tensor,
  padded: Tensor,
  groups: readonly (readonly Tap[])[],
  strides: ConvParams['strides'],
): Tensor {
  const [batch, height, width, channels] = plain.shape;
  const zero = full([], 0, 'int32');
  const columns = groups[0].length * padded.shape[3];
  const wide = sumType(plain.dtype);
  const [total] = sumInLoops(batch, [full([groups.length, channels, columns], 0, wide)], (image, sum) => {
    const windowed = dynamicSlice(padded, [image, zero, zero, zero], [1, ...padded.shape.slice(1)]);
    const own = dynamicSlice(plain, [image, zero, zero, zero], [1, height, width, channels]);
    const [turned] = optimizationBarrier([transpose(reshape(own, [height * width, channels]), [1, 0])]);
    const products = groups.map((taps) => {
      const reads = taps.map((tap) => readBy(windowed, tap, strides, height, width));
      const [read] = reads.length === 1 ? reads : optimizationBarrier([concatenate(reads, 3)]);
      return contract(turned, reshape(read, [height * width, columns]), 1, 0);
    });
    return [add(sum, convert(stack(products), wide))];
  });
  return convert(total, plain.dtype);
}

/**
 * The kernel's gradient image by image, a product for each tap.
 *
 * On [16, 96, 96, 32] to 64 channels XLA's convolution with batch and channels exchanged takes 295 ms of processor time,
 * this 102; on [16, 24, 24, 128] to 32 it is 34 (as nine large products) and 12.
 */
export const convKernelGradientByImage: Rewrite<'convKernelGradient'> = (params, [x, gradient]) => {
  const { groups, kernelShape } = params;
  const [, height, width, outputs] = gradient.shape;
  const channels = x.shape[3];
  const taps = tapsOf(kernelShape, params);
  const pays = height * width >= MIN_POSITIONS && channels >= MIN_CHANNELS && taps.length <= MAX_TAPS;
  if (groups !== 1 || x.rank !== 4 || !pays) return undefined;

  const padded = barredPad(x, params.padding);
  const total = productsByImage(gradient, padded, taps.map((tap) => [tap]), params.strides); // prettier-ignore
  const [kernelHeight, kernelWidth] = kernelShape;
  return [transpose(reshape(total, [kernelHeight, kernelWidth, outputs, channels]), [0, 1, 3, 2])];
};

/**
 * The same where the outputs are few beside the channels: what the taps read is copied out of the output's gradient, a quarter as much
 * for 32 outputs of 128 channels, and the taps of a row become one product, which would be too thin for one tap.
 *
 * On [16, 48, 48, 128] to 32 channels the form above takes 46 to 51 ms of processor time, this 32; on [16, 24, 24, 128] 14 to 17 and 9;
 * with 64 outputs they are as fast.
 */
export const convKernelGradientOfFewOutputs: Rewrite<'convKernelGradient'> = (params, [x, gradient]) => {
  const { groups, kernelShape, strides, dilation, padding } = params;
  const [, height, width, outputs] = gradient.shape;
  const channels = x.shape[3];
  const [kernelHeight, kernelWidth] = kernelShape;
  const taps = tapsOf(kernelShape, params);
  const keepsSize = strides.every((stride) => stride === 1) && x.shape[1] === height && x.shape[2] === width;
  const isThin = outputs <= FEW_OUTPUTS && channels >= MANY_CHANNELS;
  const pays = isThin && height * width >= MIN_POSITIONS && taps.length <= MAX_TAPS;
  if (groups !== 1 || x.rank !== 4 || !keepsSize || !pays) return undefined;

  // Tap (a, b) joins x at a position with the gradient at that less (a, b): read from its end, taps are those of a window over it.
  const edges = padding.map(([low, high], axis): Padding => {
    const reach = (kernelShape[axis] - 1) * dilation[axis];
    return [reach - low, reach - high];
  });
  const rows = Array.from({ length: kernelHeight }, (_, row) => taps.slice(row * kernelWidth, (row + 1) * kernelWidth));
  const total = productsByImage(x, barredPad(gradient, edges), rows, strides);
  const byTap = transpose(reshape(total, [kernelHeight, channels, kernelWidth, outputs]), [0, 2, 1, 3]);
  return [reverse(byTap, [0, 1])];
};

/** The same for small images, whose products would be too small: one product over the whole batch for each tap. */
export const convKernelGradientAsDots: Rewrite<'convKernelGradient'> = (params, [x, gradient]) => {
  const { groups, kernelShape } = params;
  const [batch, height, width, outputs] = gradient.shape;
  const channels = x.shape[3];
  const taps = tapsOf(kernelShape, params);
  if (groups !== 1 || x.rank !== 4 || channels < MIN_CHANNELS || taps.length > MAX_TAPS) return undefined;

  const padded = barredPad(x, params.padding);
  const rows = batch * height * width;
  const flat = reshape(gradient, [rows, outputs]);
  const products = taps.map((tap) =>
    contract(reshape(readBy(padded, tap, params.strides, height, width), [rows, channels]), flat, 0, 0),
  );
  return [reshape(stack(products), kernelShape)];
};

/**
 * The gradient of a kernel of very few channels, such as a network's first one: image by image, all taps of all channels
 * as the rows of one product.
 *
 * For 7×7 kernels at stride 2 on [16, 192, 192, 3] XLA's own takes 167 ms of processor time, this 68; 3×3 ones 33 and 18.
 */
export const convKernelGradientOfFewChannels: Rewrite<'convKernelGradient'> = (params, [x, gradient]) => {
  const { groups, kernelShape, strides } = params;
  const [batch, height, width, outputs] = gradient.shape;
  const channels = x.shape[3];
  const taps = tapsOf(kernelShape, params);
  const pays = height * width >= MIN_POSITIONS && channels < MIN_CHANNELS && taps.length * channels <= MAX_FEW;
  if (groups !== 1 || x.rank !== 4 || !pays) return undefined;

  // A plane for each channel, so that what a tap reads is a row of the product.
  const [planes] = optimizationBarrier([transpose(barredPad(x, params.padding), [0, 3, 1, 2])]);
  const zero = full([], 0, 'int32');
  const wide = sumType(x.dtype);
  const [total] = sumInLoops(batch, [full([taps.length * channels, outputs], 0, wide)], (image, sum) => {
    const one = dynamicSlice(planes, [image, zero, zero, zero], [1, ...planes.shape.slice(1)]);
    const reads = taps.map(({ top, left }) => {
      const limit = [1, channels, top + (height - 1) * strides[0] + 1, left + (width - 1) * strides[1] + 1];
      const read = slice(one, [0, 0, top, left], limit, [1, 1, strides[0], strides[1]]);
      return reshape(read, [channels, height * width]);
    });
    const [rows] = optimizationBarrier([concatenate(reads, 0)]);
    const slope = dynamicSlice(gradient, [image, zero, zero, zero], [1, height, width, outputs]);
    const product = contract(rows, reshape(slope, [height * width, outputs]), 1, 0);
    return [add(sum, convert(product, wide))];
  });
  return [convert(reshape(total, kernelShape), x.dtype)];
};
