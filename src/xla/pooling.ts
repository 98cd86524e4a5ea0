import { isFloat, sumType } from './dtype.ts';
import { convert, div } from './elementwise.ts';
import { emit } from './emit.ts';
import { requireDType } from './infer.ts';
import type { Padding, Tensor, WindowParams } from './ir.ts';
import { onesLike } from './creation.ts';
import { resolvePadding } from './linear.ts';

/** How a window moves over images. */
export interface PoolOptions {
  readonly window: readonly [number, number];
  /** The window's size by default. */
  readonly strides?: readonly [number, number];
  readonly padding?: 'same' | 'valid' | readonly [Padding, Padding];
}

/** Greatest value of each window of `[N, H, W, C]`; padding never wins. */
export function maxPool2d(x: Tensor, options: PoolOptions): Tensor {
  return emit('windowMax', spatialWindow(x, options), [x]);
}

/** Mean of each window of `[N, H, W, C]` over the elements that are there: padding doesn't count. 16-bit floats are summed in float32. */
export function averagePool2d(x: Tensor, options: PoolOptions): Tensor {
  requireDType('averagePool2d', x, isFloat, 'a float');
  const params = spatialWindow(x, options);
  const wide = convert(x, sumType(x.dtype));
  const total = emit('windowSum', params, [wide]);
  const padded = params.padding.some(([low, high]) => low !== 0 || high !== 0);
  const count = padded ? emit('windowSum', params, [onesLike(wide)]) : options.window[0] * options.window[1];
  return convert(div(total, count), x.dtype);
}

function spatialWindow(x: Tensor, { window, strides = window, padding = 'valid' }: PoolOptions): WindowParams {
  const [vertical, horizontal] = resolvePadding(padding, [x.shape[1], x.shape[2]], window, strides);
  return { window: [1, ...window, 1], strides: [1, ...strides, 1], padding: [[0, 0], vertical, horizontal, [0, 0]] };
}
