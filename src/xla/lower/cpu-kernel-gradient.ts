import { optimizationBarrier } from '../control.ts';
import { full } from '../creation.ts';
import { add } from '../elementwise.ts';
import type { DotParams } from '../ir.ts';
import { dotGeneral } from '../linear.ts';
import { concatenate, dynamicSlice, reshape, slice, stack, transpose } from '../structure.ts';
import { sumInLoops } from './cpu-loop.ts';
import { barredPad, readBy, tapsOf } from './cpu-window.ts';
import type { Rewrite } from './rewrite.ts';

/** Fewer channels make products too thin: then all taps become one product. */
const MIN_CHANNELS = 16;
const MAX_TAPS = 25;
/** Rows of the product of few channels: taps times channels. */
const MAX_FEW = 160;
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
