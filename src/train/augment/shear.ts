import {
  abs,
  add,
  convert,
  floor,
  greaterEqual,
  iota,
  mul,
  optimizationBarrier,
  reshape,
  sliceAxis,
  sub,
  where,
  type Tensor,
} from '../../xla/index.ts';
import { WEIGHTS, type Interpolation } from './resample.ts';

/** Which way pixels move: `across`, each row by a distance of its own, or `down`, each column. */
export type ShearWay = 'across' | 'down';

/** Ways that one pass over the image chooses between; more ways take fewer passes. */
const RADIX = 4;

/** Pixels on each side of a place that its value comes from. */
const REACH: Record<Interpolation, number> = { bilinear: 1, bicubic: 2 };

/** How far beyond each side a shear of at most `slope` reads, for lines as far as `size` / 2 from the centre. */
export function shearMargin(slope: number, size: number, interpolation: Interpolation): number {
  return slope === 0 ? 0 : Math.ceil((slope * (size - 1)) / 2) + REACH[interpolation];
}

/**
 * Images [N, H, C, W] sheared about their centres: output (x, y) is input (x + slope · y, y), or (x, y + slope · x) `down`, both
 * counted from the centres. The images must have a `shearMargin` on both sides, which the result lacks.
 *
 * Each line moves by whole pixels first, in passes that choose between a few fixed distances, so that there is no
 * gather: TPUs do a gather an element at a time. Then neighbours are blended.
 */
export function shear(
  images: Tensor,
  slopes: Tensor,
  way: ShearWay,
  margin: number,
  interpolation: Interpolation,
): Tensor {
  if (margin === 0) return images;
  const [batch, height, , width] = images.shape;
  const across = way === 'across';
  const lines = across ? height : width;
  const outputs = (across ? width : height) - 2 * margin;
  const place = iota(across ? [1, lines, 1, 1] : [1, 1, 1, lines], 'float32', across ? 1 : 3);
  const offset = add(mul(sub(place, (lines - 1) / 2), reshape(slopes, [batch, 1, 1, 1])), margin);
  const whole = floor(offset);
  const cut = (x: Tensor, start: number, length: number) => sliceAxis(x, across ? 3 : 1, start, start + length);
  const beside = REACH[interpolation] - 1;
  const length = outputs + 2 * beside + 1;
  const moved = shift(images, sub(convert(whole, 'int32'), beside), 2 * margin - 1 - 2 * beside, length, cut);
  const neighbours = Array.from({ length: 2 * beside + 2 }, (_, i) => cut(moved, i, outputs));
  return BLENDS[interpolation](sub(offset, whole), neighbours);
}

/** What lies between the two neighbours in the middle, by the share of the way from the one to the other. */
const BLENDS: Record<Interpolation, (share: Tensor, neighbours: readonly Tensor[]) => Tensor> = {
  bilinear: (share, [near, far]) => add(near, mul(sub(far, near), share)),
  bicubic: (share, neighbours) =>
    neighbours
      .map((neighbour, i) => mul(neighbour, WEIGHTS.bicubic(abs(sub(share, i - 1)))))
      .reduce((total, part) => add(total, part)),
};

/** Lines moved by their own `distance` from 0 to `most`: the part of `length` that begins there. */
function shift(
  x: Tensor,
  distance: Tensor,
  most: number,
  length: number,
  cut: (x: Tensor, start: number, length: number) => Tensor,
): Tensor {
  let [current] = optimizationBarrier([x]);
  let rest = distance;
  let greatest = most;
  while (greatest > 0) {
    const ways = Math.min(RADIX, greatest + 1);
    const step = Math.floor((greatest + 1) / ways);
    const remaining = greatest - (ways - 1) * step;
    let chosen = cut(current, 0, length + remaining);
    let taken = mul(rest, 0);
    for (let way = 1; way < ways; way++) {
      const isFar = greaterEqual(rest, way * step);
      chosen = where(isFar, cut(current, way * step, length + remaining), chosen);
      taken = where(isFar, way * step, taken);
    }
    rest = sub(rest, taken);
    greatest = remaining;
    // One pass each: fused, every pass would do all earlier ones again for each of its ways.
    [current] = optimizationBarrier([chosen]);
  }
  return current;
}
