import { full, zerosLike } from './creation.ts';
import { highest } from './dtype.ts';
import { and, clamp, greaterEqual, lessEqual, where } from './elementwise.ts';
import { emit } from './emit.ts';
import type { GatherParams, Tensor } from './ir.ts';
import { all } from './reduction.ts';
import { concatenate, gather, scatterAdd } from './structure.ts';

/** A gather clamps its indices, but a scatter leaves out what is out of bounds: so clamp before. */
export function gatherGradient(params: GatherParams, x: Tensor, indices: Tensor, g: Tensor): Tensor {
  return scatterAdd(zerosLike(x), clamp(indices, 0, lastStarts(params, x, indices)), g, params);
}

/** Cotangents of a scatter's updates: none for those that were out of bounds. */
export function scatterUpdatesGradient(params: GatherParams, x: Tensor, indices: Tensor, g: Tensor): Tensor {
  const taken = gather(g, indices, params);
  let inside = and(greaterEqual(indices, 0), lessEqual(indices, lastStarts(params, x, indices)));
  if (params.indexVectorDim < indices.rank) inside = all(inside, { axes: [params.indexVectorDim] });
  const batchAxes = taken.shape.flatMap((_, axis) => (params.offsetDims.includes(axis) ? [] : [axis]));
  const wide = emit('broadcast', { shape: taken.shape, axes: batchAxes }, [inside]);
  return where(wide, taken, 0);
}

/** The greatest start at which a slice is inside, for every number of `indices`. */
function lastStarts({ startIndexMap, sliceSizes, indexVectorDim }: GatherParams, x: Tensor, indices: Tensor): Tensor {
  // An index type too small for the axis can't leave it.
  const limits = startIndexMap.map((axis) => Math.min(x.shape[axis] - sliceSizes[axis], highest(indices.dtype)));
  // Of no axes there are no numbers, whose limit doesn't matter.
  if (limits.length === 0) return zerosLike(indices);
  if (indexVectorDim === indices.rank) return full(indices.shape, limits[0], indices.dtype);
  const column = indices.shape.toSpliced(indexVectorDim, 1, 1);
  return concatenate(
    limits.map((limit) => full(column, limit, indices.dtype)),
    indexVectorDim,
  );
}
