import { isOp, type Tensor } from './ir.ts';

/** The vector that a tensor repeats along all axes but the last: [channels]. Undefined where it repeats none. */
export function channelVector({ node, rank, shape }: Tensor): Tensor | undefined {
  if (!isOp(node, 'broadcast')) return undefined;
  const { axes } = node.params;
  const [vector] = node.inputs;
  const last = rank - 1;
  return axes.length === 1 && axes[0] === last && vector.shape[0] === shape[last] ? vector : undefined;
}
