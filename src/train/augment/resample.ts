import {
  abs,
  add,
  clamp,
  dotGeneral,
  iota,
  maximum,
  mul,
  reshape,
  sub,
  where,
  greater,
  rem,
  type Tensor,
} from '../../xla/index.ts';

/** What lies outside of an image. */
export type Border = 'reflect' | 'edge' | 'black';

/**
 * Where in the source each output row or column is taken from, in pixels; [batch, size + 2 · margin].
 *
 * `start` and `extent` say, as shares of the size, which part of the source fills the output without its margin.
 */
export function samplePositions(start: Tensor, extent: Tensor, size: number, border: Border, margin = 0): Tensor {
  const [batch] = start.shape;
  // Scaled in this order, the whole image gives whole numbers: pixels that are not cropped stay as they are.
  const centre = add(iota([1, size + 2 * margin], 'float32', 1), 0.5 - margin);
  const position = add(mul(reshape(start, [batch, 1]), size), mul(centre, reshape(extent, [batch, 1])));
  if (border === 'black') return sub(position, 0.5);
  return clamp(sub(border === 'edge' ? position : reflect(position, size), 0.5), 0, size - 1);
}

/** Positions outside of 0..size as in a row of mirrors. */
function reflect(position: Tensor, size: number): Tensor {
  const period = 2 * size;
  // The remainder has its dividend's sign.
  const within = rem(add(rem(position, period), period), period);
  return where(greater(within, size), sub(period, within), within);
}

/**
 * Bilinear interpolation as two products with sparse matrices, which every platform does fast: `[N, H, W, C]` gives
 * `[N, rows, C, columns]`, the form that the second product has.
 */
export function resample(images: Tensor, rows: Tensor, columns: Tensor): Tensor {
  const [batch, height, width, channels] = images.shape;
  const vertical = dotGeneral(interpolation(rows, height), reshape(images, [batch, height, width * channels]), {
    batchLeft: [0],
    batchRight: [0],
    contractLeft: [2],
    contractRight: [1],
  });
  return dotGeneral(reshape(vertical, [batch, rows.shape[1], width, channels]), interpolation(columns, width), {
    batchLeft: [0],
    batchRight: [0],
    contractLeft: [2],
    contractRight: [2],
  });
}

/** Weight of each source position for each output position; [batch, outputs, size], at most two weights a row. */
function interpolation(positions: Tensor, size: number): Tensor {
  const [batch, outputs] = positions.shape;
  const source = iota([1, 1, size], 'float32', 2);
  return maximum(sub(1, abs(sub(reshape(positions, [batch, outputs, 1]), source))), 0);
}
