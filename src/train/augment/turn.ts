import { floor, equal, greaterEqual, mul, or, transpose, where, type Tensor } from '../../xla/index.ts';
import { perImage } from './draws.ts';

/** Turns by 0, 90, 180 or 270 degrees counter-clockwise, as an exchange of rows and columns and mirrors after it. */
export interface Turn {
  /** Booleans [batch]. */
  readonly exchange: Tensor;
  readonly mirror: Tensor;
  readonly mirrorVertical: Tensor;
}

/** The turn by `quarters` (0 to 3) quarter turns; from a uniform number in [0, 1) by `randomQuarters`. */
export function quarterTurn(quarters: Tensor): Turn {
  const is = (n: number) => equal(quarters, n);
  return {
    exchange: or(is(1), is(3)),
    mirror: greaterEqual(quarters, 2),
    mirrorVertical: or(is(1), is(2)),
  };
}

export const randomQuarters = (unit: Tensor): Tensor => floor(mul(unit, 4));

/** Square images [N, S, S, C] with rows and columns exchanged where wanted. */
export function exchange(images: Tensor, wanted: Tensor): Tensor {
  return where(perImage(wanted), transpose(images, [0, 2, 1, 3]), images);
}
