import { ShapeError } from './errors.ts';

/** Sizes of a tensor's dimensions; `[]` is a scalar. */
export type Shape = readonly number[];

/** Number of elements. */
export const elementCount = (shape: Shape): number => shape.reduce((product, size) => product * size, 1);

/** Whether two shapes have the same axes. */
export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((size, i) => size === b[i]);

/** `[2,3]`, as shapes are written in messages. */
export const formatShape = (shape: Shape): string => `[${shape.join(',')}]`;

/** More elements than any memory has, and few enough to count their bytes. */
const MOST_ELEMENTS = 2 ** 49;

/** Refuses a shape that there can't be: a compiler may end the process over one. */
export function requireCountable(op: string, shape: Shape): void {
  if (shape.every((size) => Number.isSafeInteger(size) && size >= 0) && elementCount(shape) <= MOST_ELEMENTS) return;
  throw new ShapeError(`${op}: there can't be a tensor of shape ${formatShape(shape)}`, {
    expected: 'whole numbers from 0, and at most 2^49 elements',
  });
}

/** Axis counted from the front; a negative one counts from the back, as in NumPy. */
export function normalizeAxis(op: string, axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || normal < 0 || normal >= rank) {
    throw new ShapeError(`${op}: axis ${axis} is not in a tensor of rank ${rank}`);
  }
  return normal;
}

/** Axes in ascending order without repeats; all of them where none are given. */
export function normalizeAxes(op: string, axes: readonly number[] | undefined, rank: number): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, i) => i);
  const normal = axes.map((axis) => normalizeAxis(op, axis, rank));
  if (new Set(normal).size !== normal.length)
    throw new ShapeError(`${op}: an axis stands twice in [${axes.join(',')}]`);
  return normal.toSorted((a, b) => a - b);
}

/** The shape that two shapes broadcast to by NumPy's rule. */
export function broadcastShapes(op: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const sizeA = a[i - rank + a.length] ?? 1;
    const sizeB = b[i - rank + b.length] ?? 1;
    if (sizeA !== sizeB && sizeA !== 1 && sizeB !== 1) {
      throw new ShapeError(`${op}: shapes ${formatShape(a)} and ${formatShape(b)} don't broadcast`);
    }
    return sizeA === 1 ? sizeB : sizeA;
  });
}
