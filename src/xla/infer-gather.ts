import { isInteger } from './dtype.ts';
import { ShapeError } from './errors.ts';
import type { GatherParams, Tensor, TensorType } from './ir.ts';
import { formatShape, sameShape, type Shape } from './shape.ts';

/** Shape of what a gather takes: batch axes from the indices, offset axes from the slices. */
function gatherShape(op: string, params: GatherParams, operand: Shape, indices: Shape): Shape {
  const { offsetDims, collapsedSliceDims, startIndexMap, indexVectorDim, sliceSizes } = params;
  const where = `${op}: operand ${formatShape(operand)} and indices ${formatShape(indices)}`;
  const isEnd = indexVectorDim === indices.length;
  if (!isEnd && indices[indexVectorDim] === undefined) {
    throw new ShapeError(`${where}: axis ${indexVectorDim} of the indices can't hold the numbers of an index`);
  }
  if (sliceSizes.length !== operand.length || sliceSizes.some((size, i) => size < 0 || size > operand[i])) {
    throw new ShapeError(`${where}: slices ${formatShape(sliceSizes)} are not inside the operand`);
  }
  const indexSize = isEnd ? 1 : indices[indexVectorDim];
  if (indexSize !== startIndexMap.length) {
    throw new ShapeError(`${where}: an index has ${indexSize} numbers for ${startIndexMap.length} axes`);
  }
  requireAxes(where, 'startIndexMap', startIndexMap, operand.length);
  requireAxes(where, 'collapsedSliceDims', collapsedSliceDims, operand.length, true);
  const wide = collapsedSliceDims.find((axis) => sliceSizes[axis] > 1);
  if (wide !== undefined) {
    throw new ShapeError(`${where}: slices ${formatShape(sliceSizes)} don't collapse along axis ${wide}`);
  }
  const batch = indices.filter((_, i) => i !== indexVectorDim);
  const offsets = sliceSizes.filter((_, i) => !collapsedSliceDims.includes(i));
  if (offsets.length !== offsetDims.length) {
    throw new ShapeError(`${where}: ${offsets.length} slice axes for ${offsetDims.length} offset axes`);
  }
  requireAxes(where, 'offsetDims', offsetDims, batch.length + offsets.length, true);
  let nextBatch = 0;
  let nextOffset = 0;
  return Array.from({ length: batch.length + offsets.length }, (_, axis) =>
    offsetDims.includes(axis) ? offsets[nextOffset++] : batch[nextBatch++],
  );
}

/** Refuses numbers that are not axes of a tensor of this rank, each once; ascending ones where the order means nothing. */
function requireAxes(where: string, name: string, axes: readonly number[], rank: number, ascending = false): void {
  const fits = axes.every(
    (axis, i) =>
      Number.isInteger(axis) &&
      axis >= 0 &&
      axis < rank &&
      (ascending ? i === 0 || axis > axes[i - 1] : axes.indexOf(axis) === i),
  );
  if (fits) return;
  throw new ShapeError(
    `${where}: ${name} [${axes.join(',')}] are not different axes of a tensor of rank ${rank}${ascending ? ', in order' : ''}`,
  );
}

export function inferGather(params: GatherParams, operand: Tensor, indices: Tensor): TensorType {
  if (!isInteger(indices.dtype)) throw new ShapeError(`gather: indices are ${indices.dtype}, not integers`);
  return { shape: gatherShape('gather', params, operand.shape, indices.shape), dtype: operand.dtype };
}

/** Updates have the shape that a gather with the same parameters would give. */
export function inferScatter(params: GatherParams, operand: Tensor, indices: Tensor, updates: Tensor): TensorType {
  if (!isInteger(indices.dtype)) throw new ShapeError(`scatterAdd: indices are ${indices.dtype}, not integers`);
  const expected = gatherShape('scatterAdd', params, operand.shape, indices.shape);
  if (!sameShape(expected, updates.shape) || updates.dtype !== operand.dtype) {
    throw new ShapeError(
      `scatterAdd: updates ${updates.dtype}${formatShape(updates.shape)} should be ${operand.dtype}${formatShape(expected)}`,
    );
  }
  return { shape: operand.shape, dtype: operand.dtype };
}
