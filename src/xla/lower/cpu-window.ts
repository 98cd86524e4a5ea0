import { optimizationBarrier } from '../control.ts';
import type { ConvParams, Padding, Tensor } from '../ir.ts';
import type { Shape } from '../shape.ts';
import { pad, slice } from '../structure.ts';

/** A place of a kernel's window. */
export interface Tap {
  /** Distance from the window's first row and column. */
  readonly top: number;
  readonly left: number;
}

/** The places of a kernel [height, width, …], row by row. */
export function tapsOf(kernel: Shape, { dilation }: ConvParams): Tap[] {
  return Array.from({ length: kernel[0] * kernel[1] }, (_, i) => ({
    top: Math.floor(i / kernel[1]) * dilation[0],
    left: (i % kernel[1]) * dilation[1],
  }));
}

/** Maps with a border, and gaps between their places. Without the barrier XLA fuses the test for the border into every inner loop. */
export const barredPad = (x: Tensor, spatial: readonly Padding[], gaps: readonly number[] = [0, 0]): Tensor =>
  optimizationBarrier([pad(x, [[0, 0], ...spatial, [0, 0]], 0, [0, ...gaps, 0])])[0];

/** What a tap reads of maps with a border [N, H, W, C], for outputs of `height` × `width`. */
export function readBy(
  padded: Tensor,
  { top, left }: Tap,
  strides: ConvParams['strides'],
  height: number,
  width: number,
): Tensor {
  const [images, , , channels] = padded.shape;
  const limit = [images, top + (height - 1) * strides[0] + 1, left + (width - 1) * strides[1] + 1, channels];
  return slice(padded, [0, top, left, 0], limit, [1, strides[0], strides[1], 1]);
}
