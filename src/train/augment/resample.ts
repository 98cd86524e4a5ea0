import {
  abs,
  add,
  clamp,
  div,
  dotGeneral,
  iota,
  less,
  maximum,
  minimum,
  mul,
  reshape,
  sub,
  sum,
  where,
  greater,
  rem,
  type Tensor,
} from '../../xla/index.ts';

/** What lies outside of an image. */
export type Border = 'reflect' | 'edge' | 'black';
/** How the value between pixels is found: from the two beside it, or from four, which leaves what is sharp sharper. */
export type Interpolation = 'bilinear' | 'bicubic';

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
 * Interpolation as two products with sparse matrices, which every platform does fast: `[N, H, W, C]` gives
 * `[N, rows, C, columns]`, the form that the second product has. Beside an edge a cubic goes beyond the values that it joins.
 */
export function resample(images: Tensor, rows: Tensor, columns: Tensor, how: Interpolation): Tensor {
  const [batch, height, width, channels] = images.shape;
  const weights = (positions: Tensor, size: number) => WHOLE[how](WEIGHTS[how](distances(positions, size)));
  const vertical = dotGeneral(weights(rows, height), reshape(images, [batch, height, width * channels]), {
    batchLeft: [0],
    batchRight: [0],
    contractLeft: [2],
    contractRight: [1],
  });
  return dotGeneral(reshape(vertical, [batch, rows.shape[1], width, channels]), weights(columns, width), {
    batchLeft: [0],
    batchRight: [0],
    contractLeft: [2],
    contractRight: [2],
  });
}

/** Distance in pixels of each source position from each output position; [batch, outputs, size]. */
function distances(positions: Tensor, size: number): Tensor {
  const [batch, outputs] = positions.shape;
  const source = iota([1, 1, size], 'float32', 2);
  return abs(sub(reshape(positions, [batch, outputs, 1]), source));
}

/** Weight of a pixel by its distance from the place whose value is wanted. */
export const WEIGHTS: Record<Interpolation, (distance: Tensor) => Tensor> = {
  bilinear: (distance) => maximum(sub(1, distance), 0),
  /** The cubic of Keys (1981) with a = -1/2: the nearer pixels and the farther ones have a polynomial each. */
  bicubic: (distance) => {
    const d = minimum(distance, 2);
    const near = add(mul(mul(sub(mul(d, 1.5), 2.5), d), d), 1);
    const far = add(mul(sub(mul(add(mul(d, -0.5), 2.5), d), 4), d), 2);
    return where(less(d, 1), near, far);
  },
};

/** Where the border takes pixels away whose weights were below 0, the others would be too bright. */
const WHOLE: Record<Interpolation, (weights: Tensor) => Tensor> = {
  bilinear: (weights) => weights,
  bicubic: (weights) => div(weights, maximum(sum(weights, { axes: [2], keepDims: true }), 1)),
};
