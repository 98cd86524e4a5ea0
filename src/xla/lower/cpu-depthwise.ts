import { full } from '../creation.ts';
import { byteSize, sumType } from '../dtype.ts';
import { add, broadcastTo, convert, div, mul, rem } from '../elementwise.ts';
import { convShape, dilatedSize } from '../infer-window.ts';
import type { ConvParams, OpTable, Padding, Tensor } from '../ir.ts';
import { sum } from '../reduction.ts';
import type { Shape } from '../shape.ts';
import { concatenate, dynamicSlice, reshape, reverse, slice, sliceAxis, stack } from '../structure.ts';
import { STEP_BYTES, sumInLoops } from './cpu-loop.ts';
import { barredPad, readBy, tapsOf } from './cpu-window.ts';
import type { Rewrite } from './rewrite.ts';

type KernelGradientParams = OpTable['convKernelGradient'];

/** Products that are summed in one fused loop; more make compiling slow. */
const MAX_TAPS = 49;

/** Every channel by itself, over two spatial axes. */
function isDepthwise({ groups }: ConvParams, kernel: Shape, channels: number): boolean {
  const [height, width, inputs, outputs] = kernel;
  return (
    groups === channels && groups > 1 && kernel.length === 4 && inputs === 1 && outputs === channels && height * width <= MAX_TAPS // prettier-ignore
  );
}

/** Shifted inputs times the kernel's taps, summed: `padded` has all that the windows reach. */
function shiftedProducts(padded: Tensor, kernel: Tensor, output: Shape, params: ConvParams): Tensor {
  const [, height, width, channels] = output;
  const wide = sumType(padded.dtype);
  const rows = convert(reshape(kernel, [-1, channels]), wide);
  const total = tapsOf(kernel.shape, params)
    .map((tap, i) => {
      const shifted = convert(readBy(padded, tap, params.strides, height, width), wide);
      return mul(shifted, broadcastTo(reshape(sliceAxis(rows, 0, i, i + 1), [channels]), output));
    })
    .reduce((a, b) => add(a, b));
  return convert(total, padded.dtype);
}

/**
 * A depthwise convolution as a sum of shifted inputs times taps.
 *
 * XLA runs it as so many convolutions of one channel: 71 ms for 5×5 kernels on [16, 12, 12, 672], this 2.4 ms.
 */
export const depthwiseConv: Rewrite<'conv'> = (params, [x, kernel]) => {
  if (!isDepthwise(params, kernel.shape, x.shape[3])) return undefined;
  const output = convShape('conv', params, x.shape, kernel.shape);
  return [shiftedProducts(barredPad(x, params.padding), kernel, output, params)];
};

/** Its input's gradient: the same with the flipped kernel, over the output's gradient with gaps for the stride. */
export const depthwiseInputGradient: Rewrite<'convInputGradient'> = (params, [gradient, kernel]) => {
  const { strides, padding, dilation, inputShape } = params;
  if (!isDepthwise(params, kernel.shape, inputShape[3])) return undefined;
  const edges = [0, 1].map((axis): Padding => {
    const reach = (kernel.shape[axis] - 1) * dilation[axis];
    const spread = (gradient.shape[axis + 1] - 1) * strides[axis] + 1;
    const low = reach - padding[axis][0];
    return [low, inputShape[axis + 1] + reach - spread - low];
  });
  const gaps = strides.map((stride) => stride - 1);
  const flipped = reverse(kernel, [0, 1]);
  return [shiftedProducts(barredPad(gradient, edges, gaps), flipped, inputShape, { ...params, strides: [1, 1] })];
};

/** Its kernel's gradient. */
export const depthwiseKernelGradient: Rewrite<'convKernelGradient'> = (params, [x, gradient]) =>
  isDepthwise(params, params.kernelShape, x.shape[3]) ? [kernelGradient(params, x, gradient)] : undefined;

/**
 * A kernel's gradient in a loop over the output's rows, with an accumulator [kernel rows, width, channels] for each column of the
 * kernel and group of its rows.
 *
 * With the input's gradient XLA takes 380 ms for 5×5 kernels on [16, 12, 12, 672], this takes 5 ms. Forms with
 * reductions over shifted slices, or with batched products, were 3 to 50 times slower than this; an accumulator for
 * each tap is as fast, but takes twice as long to compile.
 */
function kernelGradient(params: KernelGradientParams, x: Tensor, gradient: Tensor): Tensor {
  const { strides, padding, dilation, kernelShape } = params;
  const [batch, height, width, channels] = gradient.shape;
  const [kernelHeight, kernelWidth] = kernelShape;
  const wide = sumType(x.dtype);
  const paddedWidth = x.shape[2] + padding[1][0] + padding[1][1];
  const bytes = (rows: number): number => {
    const inputs = dilatedSize(rows, dilation[0]) * paddedWidth;
    return (2 * rows * width + inputs + width) * channels * byteSize(wide);
  };
  if (bytes(1) > STEP_BYTES && channels > 1) return inParts(params, x, gradient, Math.ceil(bytes(1) / STEP_BYTES));
  const groups = kernelRowGroups(kernelHeight, bytes);
  const padded = barredPad(x, padding);
  const columns = [...Array(kernelWidth).keys()];
  const shapes = groups.map(({ rows }) => [rows, width, channels]);
  const zero = full([], 0, 'int32');

  const totals = sumInLoops(
    batch * height,
    shapes.flatMap((shape) => columns.map(() => full(shape, 0, wide))),
    (step, ...sums) => {
      const image = div(step, height);
      const row = rem(step, height);
      const slope = reshape(dynamicSlice(gradient, [image, row, zero, zero], [1, 1, width, channels]), [width, channels]); // prettier-ignore
      const factor = (shape: Shape) => convert(broadcastTo(slope, shape), wide);
      return groups.flatMap(({ start }, group) => {
        const shape = shapes[group];
        const window = [1, dilatedSize(shape[0], dilation[0]), padded.shape[2], channels];
        const top = add(mul(row, strides[0]), start * dilation[0]);
        const inputs = dynamicSlice(padded, [image, top, zero, zero], window);
        return columns.map((column) => {
          const left = column * dilation[1];
          const limit = [1, window[1], left + (width - 1) * strides[1] + 1, channels];
          const shifted = slice(inputs, [0, 0, left, 0], limit, [1, dilation[0], strides[1], 1]);
          const total = sums[group * kernelWidth + column];
          return add(total, mul(convert(reshape(shifted, shape), wide), factor(shape)));
        });
      });
    },
  );
  const taps = totals.map((total) => sum(total, { axes: [1] }));
  const parts = groups.map((_, i) => stack(taps.slice(i * kernelWidth, (i + 1) * kernelWidth), 1));
  return convert(reshape(concatenate(parts, 0), kernelShape), x.dtype);
}

/** Parts of the channels, each by itself, where one row of all is too much for a step. */
function inParts(params: KernelGradientParams, x: Tensor, gradient: Tensor, parts: number): Tensor {
  const [height, width, inputs, channels] = params.kernelShape;
  const size = Math.ceil(channels / parts);
  const starts = Array.from({ length: Math.ceil(channels / size) }, (_, i) => i * size);
  const gradients = starts.map((start) => {
    const end = Math.min(channels, start + size);
    const part = { ...params, groups: end - start, kernelShape: [height, width, inputs, end - start] };
    return kernelGradient(part, sliceAxis(x, 3, start, end), sliceAxis(gradient, 3, start, end));
  });
  return concatenate(gradients, 3);
}

/** A kernel's rows in as few groups of one size as keep what a group touches under the bound, or one by one. */
function kernelRowGroups(kernelHeight: number, bytes: (rows: number) => number): { start: number; rows: number }[] {
  let count = 1;
  while (count < kernelHeight && bytes(Math.ceil(kernelHeight / count)) > STEP_BYTES) count++;
  const size = Math.ceil(kernelHeight / count);
  return Array.from({ length: Math.ceil(kernelHeight / size) }, (_, i) => ({
    start: i * size,
    rows: Math.min(size, kernelHeight - i * size),
  }));
}
