import { sumType } from '../dtype.ts';
import { add, broadcastTo, convert, mul } from '../elementwise.ts';
import { convShape } from '../infer-window.ts';
import { reshape, slice, sliceAxis } from '../structure.ts';
import { elementCount } from '../shape.ts';
import { barredPad } from './cpu-window.ts';
import type { Rewrite } from './rewrite.ts';

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
  const padded = barredPad(x, padding);
  const wide = sumType(x.dtype);
  const rows = convert(reshape(kernel, [-1, outputs]), wide);
  const products = Array.from({ length: rows.shape[0] }, (_, i) => {
    const channel = i % x.shape[3];
    const tap = Math.floor(i / x.shape[3]);
    const top = Math.floor(tap / kernel.shape[1]) * dilation[0];
    const left = (tap % kernel.shape[1]) * dilation[1];
    const limit = [batch, top + (height - 1) * strides[0] + 1, left + (width - 1) * strides[1] + 1, channel + 1];
    const shifted = convert(slice(padded, [0, top, left, channel], limit, [1, strides[0], strides[1], 1]), wide);
    return mul(broadcastTo(shifted, shape), broadcastTo(reshape(sliceAxis(rows, 0, i, i + 1), [outputs]), shape));
  });
  return [
    convert(
      products.reduce((a, b) => add(a, b)),
      x.dtype,
    ),
  ];
};
