import { add, div, exp, full, minimum, mul, sqrt, sub, type Tensor } from '../../xla/index.ts';
import type { AugmentSettings } from './settings.ts';

/** A part of an image; all as shares of its height or width, [batch]. */
export interface Box {
  readonly top: Tensor;
  readonly left: Tensor;
  readonly height: Tensor;
  readonly width: Tensor;
}

export function wholeImage(batch: number): Box {
  const [zero, one] = [full([batch], 0, 'float32'), full([batch], 1, 'float32')];
  return { top: zero, left: zero, height: one, width: one };
}

/** A box of random area and ratio at a random place (Szegedy et al. 2015). */
export function randomBox({ scale, ratio }: NonNullable<AugmentSettings['crop']>, draw: (i: number) => Tensor): Box {
  const area = add(mul(draw(2), scale[1] - scale[0]), scale[0]);
  const limit = Math.log(ratio);
  const shape = exp(sub(mul(draw(3), 2 * limit), limit));
  const height = minimum(sqrt(div(area, shape)), 1);
  const width = minimum(sqrt(mul(area, shape)), 1);
  return { top: mul(draw(0), sub(1, height)), left: mul(draw(1), sub(1, width)), height, width };
}

/** The box of which a magnified and moved image is made: smaller by `zoom`, and moved by shares of its own sides. */
export function moveBox({ top, left, height, width }: Box, zoom: Tensor, moveX: Tensor, moveY: Tensor): Box {
  const [newHeight, newWidth] = [div(height, zoom), div(width, zoom)];
  return {
    top: add(add(top, div(sub(height, newHeight), 2)), mul(moveY, height)),
    left: add(add(left, div(sub(width, newWidth), 2)), mul(moveX, width)),
    height: newHeight,
    width: newWidth,
  };
}
