import { optimizationBarrier } from '../control.ts';
import { isOp } from '../ir.ts';
import { concatenate } from '../structure.ts';
import type { Rewrite } from './rewrite.ts';

/**
 * Joins onto what was joined before as it lies in memory. XLA would join all the pieces of both anew: for a DenseNet's layers that is as
 * fast, but each layer's kernel then has a loop for each layer before it, which take 0.7 s of processor time to compile.
 */
export const joinOntoJoined: Rewrite<'concatenate'> = ({ axis }, [first, ...rest]) => {
  if (!isOp(first.node, 'concatenate') || first.node.params.axis !== axis) return undefined;
  const [before] = optimizationBarrier([first]);
  return [concatenate([before, ...rest], axis)];
};
