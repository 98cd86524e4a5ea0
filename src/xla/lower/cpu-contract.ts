import type { Tensor } from '../ir.ts';
import { dotGeneral } from '../linear.ts';

/** A product of two matrices that sums over one axis of each: 1 and 0 is the plain one. */
export const contract = (left: Tensor, right: Tensor, contractLeft: number, contractRight: number): Tensor =>
  dotGeneral(left, right, {
    batchLeft: [],
    batchRight: [],
    contractLeft: [contractLeft],
    contractRight: [contractRight],
  });
