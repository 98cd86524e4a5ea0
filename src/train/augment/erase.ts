import { and, greaterEqual, iota, less, mul, reshape, add, where, type Operand, type Tensor } from '../../xla/index.ts';
import type { Box } from './crop.ts';

/** Which pixels lie in a box by their centres: booleans [N, H, 1, W]. */
export function insideBox({ top, left, height, width }: Box, rows: number, columns: number): Tensor {
  const within = (start: Tensor, extent: Tensor, size: number, axis: 1 | 3): Tensor => {
    const [batch] = start.shape;
    const centre = add(iota(axis === 1 ? [1, size, 1, 1] : [1, 1, 1, size], 'float32', axis), 0.5);
    const low = reshape(mul(start, size), [batch, 1, 1, 1]);
    const high = reshape(mul(add(start, extent), size), [batch, 1, 1, 1]);
    return and(greaterEqual(centre, low), less(centre, high));
  };
  return and(within(top, height, rows, 1), within(left, width, columns, 3));
}

/** Images with a box covered where wanted, booleans [N]. */
export function erase(images: Tensor, box: Box, wanted: Tensor, fill: Operand): Tensor {
  const [batch, height, , width] = images.shape;
  const covered = and(insideBox(box, height, width), reshape(wanted, [batch, 1, 1, 1]));
  return where(covered, fill, images);
}
