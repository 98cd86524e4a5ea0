import { optimizationBarrier } from '../control.ts';
import { byteSize, isFloat } from '../dtype.ts';
import { add, mul, neg, sub } from '../elementwise.ts';
import type { ConvParams, Padding, Tensor } from '../ir.ts';
import type { Shape } from '../shape.ts';
import { reshape, slice, stack } from '../structure.ts';
import { barredPad } from './cpu-window.ts';

/** Tensors by row and column. */
export type Grid = readonly (readonly Tensor[])[];
/** A small fixed matrix times a vector of tensors. */
type Transform = (values: readonly Tensor[]) => readonly Tensor[];

/** How many tiles of 2×2 places cover a map; one of an odd size sticks out. */
export interface Tiles {
  readonly batch: number;
  readonly rows: number;
  readonly columns: number;
}

/** The transforms of F(2, 3) of Lavin and Gray 2015: two outputs of three taps by four products instead of six. */
const ofInput: Transform = ([a, b, c, d]) => [sub(a, c), add(b, c), sub(c, b), sub(b, d)];
const ofKernel: Transform = ([a, b, c]) => {
  const even = mul(add(a, c), 0.5);
  const odd = mul(b, 0.5);
  return [a, add(even, odd), sub(even, odd), c];
};
const toOutput: Transform = ([a, b, c, d]) => [add(add(a, b), c), sub(sub(b, c), d)];
/** Those on the way back, to the kernel: the transposed matrices. */
const ofSlope: Transform = ([a, b]) => [a, add(a, b), sub(a, b), neg(b)];
const toKernel: Transform = ([a, b, c, d]) => {
  const even = mul(add(b, c), 0.5);
  return [add(a, even), mul(sub(b, c), 0.5), add(even, d)];
};

const range = (size: number): number[] => Array.from({ length: size }, (_, i) => i);
const transposed = (grid: Grid): Grid => grid[0].map((_, column) => grid.map((row) => row[column]));
const inBothAxes = (grid: Grid, transform: Transform): Grid =>
  transposed(transposed(grid).map(transform)).map(transform);
const square = (size: number, at: (row: number, column: number) => Tensor): Grid =>
  range(size).map((row) => range(size).map((column) => at(row, column)));

/** Whether it is a convolution by 3×3 kernels of stride 1; 16-bit floats have no digits to spare. */
export function fitsTiles({ strides, dilation, groups }: ConvParams, x: Tensor, kernel: Shape): boolean {
  const isPlain = groups === 1 && [...strides, ...dilation].every((step) => step === 1);
  return x.rank === 4 && kernel[0] === 3 && kernel[1] === 3 && isPlain && isFloat(x.dtype) && byteSize(x.dtype) >= 4;
}

/** The tiles that cover a map of this shape. */
export const tilesOf = ([batch, height, width]: Shape): Tiles => ({
  batch,
  rows: Math.ceil(height / 2),
  columns: Math.ceil(width / 2),
});

/**
 * A transform along one axis, then along the other, with a barrier between: 8 kernels to compile instead of 16, as each of the
 * second ones serves four times.
 */
function inTwoSteps(
  columns: readonly Tensor[],
  rowsOf: (column: Tensor) => readonly Tensor[],
  transform: Transform,
): Grid {
  return transposed(optimizationBarrier(transform(columns)).map((column) => transform(rowsOf(column))));
}

/** What the tiles' windows of `size` × `size` see of `x`, transformed: tensors of [batch, rows, columns, channels]. */
function transformedPlaces(
  x: Tensor,
  edges: readonly Padding[],
  tiles: Tiles,
  size: number,
  transform: Transform,
): Grid {
  const { batch, rows, columns } = tiles;
  const channels = x.shape[3];
  const seen = [2 * rows + size - 2, 2 * columns + size - 2];
  const padded = barredPad(
    x,
    edges.map(([low], axis): Padding => [low, seen[axis] - low - x.shape[axis + 1]]),
  );
  const steps = range(size);
  const columnsSeen = steps.map((column) => {
    const limit = [batch, seen[0], column + 2 * columns - 1, channels];
    return slice(padded, [0, 0, column, 0], limit, [1, 1, 2, 1]);
  });
  const rowsOf = (one: Tensor): Tensor[] =>
    steps.map((row) => slice(one, [0, row, 0, 0], [batch, row + 2 * rows - 1, columns, channels], [1, 2, 1, 1]));
  return inTwoSteps(columnsSeen, rowsOf, transform);
}

const flat = (grid: Grid, { batch, rows, columns }: Tiles): Tensor[] =>
  grid.flat().map((each) => reshape(each, [batch * rows * columns, each.shape[3]]));

/** What the tiles' windows of 4×4 see of `x`, transformed: 16 × [tiles, channels]. */
export function inputTiles(x: Tensor, edges: readonly Padding[], tiles: Tiles): Tensor[] {
  return flat(transformedPlaces(x, edges, tiles, 4, ofInput), tiles);
}

/** The tiles of an output's gradient, transformed: 16 × [tiles, channels]. */
export function slopeTiles(gradient: Tensor, tiles: Tiles): Tensor[] {
  return flat(transformedPlaces(gradient, [[0, 0], [0, 0]], tiles, 2, ofSlope), tiles); // prettier-ignore
}

/** A kernel of 3×3, transformed: 4×4 matrices of [inputs, outputs]. */
export function kernelTiles(kernel: Tensor): Grid {
  const [inputs, outputs] = kernel.shape.slice(2);
  const columns = range(3).map((column) => slice(kernel, [0, column, 0, 0], [3, column + 1, inputs, outputs]));
  const rowsOf = (one: Tensor): Tensor[] =>
    range(3).map((row) => reshape(slice(one, [row, 0, 0, 0], [row + 1, 1, inputs, outputs]), [inputs, outputs]));
  return inTwoSteps(columns, rowsOf, ofKernel);
}

/** The transform of the kernel that is turned by half a circle: the same matrices in another order. */
export function turnedKernelTiles(kernel: Tensor): Grid {
  const grid = kernelTiles(kernel);
  const order = [3, 1, 2, 0];
  return order.map((row) => order.map((column) => grid[row][column]));
}

/** A map of this shape from the 16 products of its tiles, each [tiles, channels]. */
export function mapOf(products: readonly Tensor[], { batch, rows, columns }: Tiles, shape: Shape): Tensor {
  const [, height, width, channels] = shape;
  const parts = square(4, (row, column) => reshape(products[4 * row + column], [batch, rows, columns, channels]));
  const lines = inBothAxes(parts, toOutput).map((row) => stack(row, 3));
  const whole = reshape(stack(lines, 2), [batch, 2 * rows, 2 * columns, channels]);
  return slice(whole, [0, 0, 0, 0], [batch, height, width, channels]);
}

/** A kernel [3, 3, inputs, outputs] from its 16 products. */
export function kernelOf(products: readonly Tensor[]): Tensor {
  const parts = square(4, (row, column) => products[4 * row + column]);
  return stack(inBothAxes(parts, toKernel).map((row) => stack(row)));
}
