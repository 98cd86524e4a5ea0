import { add, clamp, full, mul, neg, reshape, sin, cos, div, sub, where, type Tensor } from '../../xla/index.ts';
import type { Box } from './crop.ts';
import { resample, samplePositions, type Border, type Interpolation } from './resample.ts';
import { shear, shearMargin } from './shear.ts';

/**
 * A turn and slant of an image as three shears, each [batch]: `first` and `last` across, `middle` down.
 *
 * Output (x, y), from the centre, is what the box shows at S(first) · D(middle) · S(last) · (x, y), where S(k) is
 * (x + k · y, y) and D(k) is (x, y + k · x).
 */
export interface Shears {
  readonly first: Tensor;
  readonly middle: Tensor;
  readonly last: Tensor;
  /** The greatest values that they can have; they decide how much is computed around the image. */
  readonly greatest: { readonly first: number; readonly middle: number; readonly last: number };
}

const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** A turn counter-clockwise by angles [batch] in degrees up to `greatest` to either side (Paeth 1986). */
export function rotation(degrees: Tensor, greatest: number): Shears {
  const angle = mul(degrees, Math.PI / 180);
  const half = mul(angle, 0.5);
  const outer = neg(div(sin(half), cos(half)));
  const limit = radians(greatest);
  return {
    first: outer,
    middle: sin(angle),
    last: outer,
    greatest: { first: Math.tan(limit / 2), middle: Math.sin(limit), last: Math.tan(limit / 2) },
  };
}

/** A slant by slopes up to `greatest`: rows move by `across` times their distance from the middle, then columns by `down`. */
export function slant(across: Tensor, down: Tensor | undefined, greatest: number): Shears {
  return {
    first: across,
    middle: down ?? full(across.shape, 0, 'float32'),
    last: full(across.shape, 0, 'float32'),
    greatest: { first: greatest, middle: down === undefined ? 0 : greatest, last: 0 },
  };
}

/** Both, in one resample; they follow each other exactly where one of them does nothing, and nearly otherwise. */
export const joinShears = (a: Shears, b: Shears): Shears => combine(a, b, (x, y) => x + y);

/** Both, where no image has more than one of them. */
export const eitherShears = (a: Shears, b: Shears): Shears => combine(a, b, Math.max);

function combine(a: Shears, b: Shears, limit: (x: number, y: number) => number): Shears {
  return {
    first: add(a.first, b.first),
    middle: add(a.middle, b.middle),
    last: add(a.last, b.last),
    greatest: {
      first: limit(a.greatest.first, b.greatest.first),
      middle: limit(a.greatest.middle, b.greatest.middle),
      last: limit(a.greatest.last, b.greatest.last),
    },
  };
}

export interface Placement {
  /** The part of the source that is shown. */
  readonly box: Box;
  /** Booleans [batch]: mirrored left and right, or top and bottom. */
  readonly mirror?: Tensor;
  readonly mirrorVertical?: Tensor;
  readonly shears?: Shears;
  readonly border: Border;
  /** Default: bilinear. */
  readonly interpolation?: Interpolation;
}

/**
 * All that moves pixels done at once: one product each for rows and columns (crop, zoom, shift and mirror), then shears
 * across, down and across. Images `[N, H, W, C]` float32 give `[N, H, C, W]`.
 */
export function place(
  images: Tensor,
  { box, mirror, mirrorVertical, shears, border, interpolation = 'bilinear' }: Placement,
): Tensor {
  const [, height, width] = images.shape;
  const { first = 0, middle = 0, last = 0 } = shears?.greatest ?? {};
  // From the last shear back: each one needs what it reads beyond the sides to be there.
  const margin = (slope: number, size: number) => shearMargin(slope, size, interpolation);
  const lastMargin = margin(last, height);
  const middleMargin = margin(middle, width + 2 * lastMargin);
  const firstMargin = margin(first, height + 2 * middleMargin);
  const rows = samplePositions(box.top, box.height, height, border, middleMargin);
  const columns = samplePositions(box.left, box.width, width, border, firstMargin + lastMargin);
  let placed = resample(
    images,
    mirrored(rows, mirrorVertical, height),
    mirrored(columns, mirror, width),
    interpolation,
  );
  if (shears !== undefined) {
    placed = shear(placed, shears.first, 'across', firstMargin, interpolation);
    placed = shear(placed, shears.middle, 'down', middleMargin, interpolation);
    placed = shear(placed, shears.last, 'across', lastMargin, interpolation);
  }
  return interpolation === 'bicubic' ? clamp(placed, 0, 255) : placed;
}

function mirrored(positions: Tensor, mirror: Tensor | undefined, size: number): Tensor {
  if (mirror === undefined) return positions;
  return where(reshape(mirror, [mirror.shape[0], 1]), sub(size - 1, positions), positions);
}
