import { optimizationBarrier } from '../control.ts';
import { full } from '../creation.ts';
import { add } from '../elementwise.ts';
import type { DotParams, Padding } from '../ir.ts';
import { dotGeneral } from '../linear.ts';
import { concatenate, dynamicSlice, reshape, reverse, slice, stack, transpose } from '../structure.ts';
import { sumInLoops } from './cpu-loop.ts';
import { barredPad, readBy, tapsOf } from './cpu-window.ts';
import type { Rewrite } from './rewrite.ts';

/** Fewer channels make products too thin: then all taps become one product. */
const MIN_CHANNELS = 16;
const MAX_TAPS = 25;
/** Rows of the product of few channels: taps times channels. */
const MAX_FEW = 160;
/** Outputs whose product with one tap is too thin. */
const FEW_OUTPUTS = 32;
const MANY_CHANNELS = 64;
/** Output positions of an image from which a loop over the images pays. */
const MIN_POSITIONS = 100;

const contract = (left: number, right: number): DotParams => ({
  batchLeft: [],
  batchRight: [],
  contractLeft: [left],
  contractRight: [right],
});

/**
 * The kernel's gradient image by image, so that what is copied out for a tap stays in the processor's cache, and with the
 * output's gradient laid out so that every product is a plain one.
 *
 * On [16, 96, 96, 32] to 64 channels XLA's convolution with batch and channels exchanged takes 295 ms of processor time,
 * this 102; on [16, 24, 24, 128] to 32 it is 34 (as nine large products) and 12.
 */
export const convKernelGradientByImage: Rewrite<'convKernelGradient'> = (params, [x, gradient]) => {
  const { groups, kernelShape } = params;
  const [batch, height, width, outputs] = gradient.shape;
  const channels = x.shape[3];
  const taps = tapsOf(kernelShape, params);
  const pays = height * width >= MIN_POSITIONS && channels >= MIN_CHANNELS && taps.length <= MAX_TAPS;
  if (groups !== 1 || x.rank !== 4 || !pays) return undefined;

  const padded = barredPad(x, params.padding);
  const zero = full([], 0, 'int32');
  const [total] = sumInLoops(batch, [full([taps.length, outputs, channels], 0, x.dtype)], (image, sum) => {
    const input = dynamicSlice(padded, [image, zero, zero, zero], [1, ...padded.shape.slice(1)]);
    const slope = dynamicSlice(gradient, [image, zero, zero, zero], [1, height, width, outputs]);
    const [turned] = optimizationBarrier([transpose(reshape(slope, [height * width, outputs]), [1, 0])]);
    const products = taps.map((tap) => {
      const read = reshape(readBy(input, tap, params.strides, height, width), [height * width, channels]);
      return dotGeneral(turned, read, contract(1, 0));
    });
    return [add(sum, stack(products))];
  });
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
  const [batch, height, width, outputs] = gradient.shape;
  const channels = x.shape[3];
  const [kernelHeight, kernelWidth] = kernelShape;
  const keepsSize = strides.every((stride) => stride === 1) && x.shape[1] === height && x.shape[2] === width;
  const pays =
    height * width >= MIN_POSITIONS && outputs <= FEW_OUTPUTS && channels >= Math.max(2 * outputs, MANY_CHANNELS);
  if (groups !== 1 || x.rank !== 4 || !keepsSize || !pays || kernelHeight * kernelWidth > MAX_TAPS) return undefined;

  // Tap (a, b) joins x at a position with the gradient at that less (a, b): read from its end, taps are those of a window over it.
  const edges = padding.map(([low, high], axis): Padding => {
    const reach = (kernelShape[axis] - 1) * dilation[axis];
    return [reach - low, reach - high];
  });
  const padded = barredPad(gradient, edges);
  const zero = full([], 0, 'int32');
  const empty = full([kernelHeight, channels, kernelWidth * outputs], 0, x.dtype);
  const [total] = sumInLoops(batch, [empty], (image, sum) => {
    const input = dynamicSlice(x, [image, zero, zero, zero], [1, height, width, channels]);
    const slope = dynamicSlice(padded, [image, zero, zero, zero], [1, ...padded.shape.slice(1)]);
    const [turned] = optimizationBarrier([transpose(reshape(input, [height * width, channels]), [1, 0])]);
    const taps = tapsOf(kernelShape, params).map((tap) => readBy(slope, tap, strides, height, width));
    const products = Array.from({ length: kernelHeight }, (_, row) => {
      const ofRow = taps.slice(row * kernelWidth, (row + 1) * kernelWidth);
      const [read] = optimizationBarrier([concatenate(ofRow, 3)]);
      return dotGeneral(turned, reshape(read, [height * width, kernelWidth * outputs]), contract(1, 0));
    });
    return [add(sum, stack(products))];
  });
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
    dotGeneral(reshape(readBy(padded, tap, params.strides, height, width), [rows, channels]), flat, contract(0, 0)),
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
  const [total] = sumInLoops(batch, [full([taps.length * channels, outputs], 0, x.dtype)], (image, sum) => {
    const one = dynamicSlice(planes, [image, zero, zero, zero], [1, ...planes.shape.slice(1)]);
    const reads = taps.map(({ top, left }) => {
      const limit = [1, channels, top + (height - 1) * strides[0] + 1, left + (width - 1) * strides[1] + 1];
      const read = slice(one, [0, 0, top, left], limit, [1, 1, strides[0], strides[1]]);
      return reshape(read, [channels, height * width]);
    });
    const [rows] = optimizationBarrier([concatenate(reads, 0)]);
    const slope = dynamicSlice(gradient, [image, zero, zero, zero], [1, height, width, outputs]);
    return [add(sum, dotGeneral(rows, reshape(slope, [height * width, outputs]), contract(1, 0)))];
  });
  return [reshape(total, kernelShape)];
};
