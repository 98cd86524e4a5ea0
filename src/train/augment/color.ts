import {
  add,
  clamp,
  concatenate,
  div,
  equal,
  greaterEqual,
  maximum,
  mean,
  minimum,
  mul,
  rem,
  sliceAxis,
  sub,
  where,
  type Tensor,
} from '../../xla/index.ts';
import { perImage } from './draws.ts';

// Images are [N, H, 3, W] in 0..255, factors and turns [N]. Each is torchvision's operation of that name on floats.

/** Brightness of red, green and blue (ITU-R 601). */
const LUMA = [0.2989, 0.587, 0.114] as const;

/** One channel of how bright each pixel is. */
export function luma(images: Tensor): Tensor {
  return channels(images)
    .map((channel, i) => mul(channel, LUMA[i]))
    .reduce((a, b) => add(a, b));
}

const channels = (images: Tensor): Tensor[] => [0, 1, 2].map((c) => sliceAxis(images, 2, c, c + 1));

/** From `base` (factor 0) through the image itself (factor 1) to beyond, within the range. */
function blend(images: Tensor, base: Tensor | 0, factor: Tensor): Tensor {
  const scale = perImage(factor);
  const scaled = mul(images, scale);
  return clamp(base === 0 ? scaled : add(scaled, mul(base, sub(1, scale))), 0, 255);
}

export const adjustBrightness = (images: Tensor, factor: Tensor): Tensor => blend(images, 0, factor);

export const adjustContrast = (images: Tensor, factor: Tensor): Tensor =>
  blend(images, mean(luma(images), { axes: [1, 2, 3], keepDims: true }), factor);

export const adjustSaturation = (images: Tensor, factor: Tensor): Tensor => blend(images, luma(images), factor);

/** Images without colour where wanted, booleans [N]. */
export const toGrayscale = (images: Tensor, wanted: Tensor): Tensor => where(perImage(wanted), luma(images), images);

/** The hue moved around the circle of hues by `turn`, as a share of it; value and saturation (of HSV) stay. */
export function adjustHue(images: Tensor, turn: Tensor): Tensor {
  const [red, green, blue] = channels(images);
  const value = maximum(maximum(red, green), blue);
  const chroma = sub(value, minimum(minimum(red, green), blue));
  const divisor = where(equal(chroma, 0), 1, chroma);
  const sector = where(
    equal(value, red),
    div(sub(green, blue), divisor),
    where(equal(value, green), add(div(sub(blue, red), divisor), 2), add(div(sub(red, green), divisor), 4)),
  );
  // In sixths of the circle, made positive before the remainder: sectors begin at −1, turns at −3.
  const hue = add(add(sector, mul(perImage(turn), 6)), 12);
  const channel = (offset: number): Tensor => {
    const k = rem(add(hue, offset), 6);
    return sub(value, mul(chroma, clamp(minimum(k, sub(4, k)), 0, 1)));
  };
  return concatenate([channel(5), channel(3), channel(1)], 2);
}

/** Values from `threshold` on as their negatives. */
export const solarize = (images: Tensor, threshold: Tensor): Tensor =>
  where(greaterEqual(images, perImage(threshold)), sub(255, images), images);
