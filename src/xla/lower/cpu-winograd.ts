import { optimizationBarrier } from '../control.ts';
import { byteSize, isFloat } from '../dtype.ts';
import { add, mul, sub } from '../elementwise.ts';
import { convShape } from '../infer-window.ts';
import type { ConvParams, Graph, Tensor } from '../ir.ts';
import { dotGeneral } from '../linear.ts';
import type { Shape } from '../shape.ts';
import { concatenate, reshape, slice, stack } from '../structure.ts';
import { barredPad } from './cpu-window.ts';
import { rewrite, type Rewrite } from './rewrite.ts';

/** Tensors by row and column. */
type Grid = readonly (readonly Tensor[])[];
/** A small fixed matrix times a vector of tensors. */
type Transform = (values: readonly Tensor[]) => readonly Tensor[];

/** The three transforms of F(2, 3): two outputs of three taps by four products instead of six. */
const ofInput: Transform = ([a, b, c, d]) => [sub(a, c), add(b, c), sub(c, b), sub(b, d)];
const ofOutput: Transform = ([a, b, c, d]) => [add(add(a, b), c), sub(sub(b, c), d)];
const ofKernel: Transform = ([a, b, c]) => {
  const even = mul(add(a, c), 0.5);
  const odd = mul(b, 0.5);
  return [a, add(even, odd), sub(even, odd), c];
};

const transposed = (grid: Grid): Grid => grid[0].map((_, column) => grid.map((row) => row[column]));
const inBothAxes = (grid: Grid, transform: Transform): Grid =>
  transposed(transposed(grid).map(transform)).map(transform);
const square = (size: number, at: (row: number, column: number) => Tensor): Grid =>
  Array.from({ length: size }, (_, row) => Array.from({ length: size }, (__, column) => at(row, column)));

/**
 * 3×3 kernels of stride 1 that mix so many channels that the products saved are more than the transforms cost: on one core a
 * channel's transform took as long as 125 products there (on the way in) and 33 (on the way out).
 */
function isWorthIt(params: ConvParams, output: Shape, kernel: Shape): boolean {
  const { strides, dilation, groups } = params;
  const [height, width, inputs, outputs] = kernel;
  const isPlain = groups === 1 && [...strides, ...dilation].every((step) => step === 1);
  const isWhole = output[1] % 2 === 0 && output[2] % 2 === 0;
  return height === 3 && width === 3 && isPlain && isWhole && 125 / outputs + 33 / inputs < 0.8;
}

/**
 * A 3×3 convolution by Winograd's minimal filtering (Lavin and Gray 2015): tiles of 2×2 outputs by 16 products of matrices,
 * with 4 multiplications an output and channel instead of 9.
 *
 * For inference with oneDNN, which has no such form and lays kernels out anew in every call: [16, 6, 6, 512] to 512 channels takes
 * 9.5 ms on one core instead of 18.3, [16, 12, 12, 256] to 256 10.3 instead of 14.6. Rounding errors are about twice those
 * of the plain form. The kernel's transform depends on the weights alone.
 */
export const winogradConv: Rewrite<'conv'> = (params, [x, kernel]) => {
  // 16-bit floats have no digits to spare.
  if (x.rank !== 4 || !isFloat(x.dtype) || byteSize(x.dtype) < 4) return undefined;
  const output = convShape('conv', params, x.shape, kernel.shape);
  if (!isWorthIt(params, output, kernel.shape)) return undefined;
  const [batch, height, width, outputs] = output;
  const inputs = x.shape[3];
  const [rows, columns] = [height / 2, width / 2];

  const padded = barredPad(x, params.padding);
  const seen = square(4, (row, column) => {
    const limit = [batch, row + height - 1, column + width - 1, inputs];
    return slice(padded, [0, row, column, 0], limit, [1, 2, 2, 1]);
  });
  const taps = square(3, (row, column) =>
    reshape(slice(kernel, [row, column, 0, 0], [row + 1, column + 1, inputs, outputs]), [inputs, outputs]),
  );
  const tiles = inBothAxes(seen, ofInput).flat().map((each) => reshape(each, [1, batch * rows * columns, inputs])); // prettier-ignore
  // Without the barriers XLA would transform anew for each of the 16 products, and for each output.
  const [left] = optimizationBarrier([concatenate(tiles, 0)]);
  const product = dotGeneral(left, stack(inBothAxes(taps, ofKernel).flat()), {
    batchLeft: [0],
    batchRight: [0],
    contractLeft: [2],
    contractRight: [1],
  });
  const [products] = optimizationBarrier([reshape(product, [16, batch, rows, columns, outputs])]);
  const part = (at: number): Tensor =>
    reshape(slice(products, [at, 0, 0, 0, 0], [at + 1, batch, rows, columns, outputs]), [
      batch,
      rows,
      columns,
      outputs,
    ]);
  const places = inBothAxes(
    square(4, (row, column) => part(4 * row + column)),
    ofOutput,
  );
  return [
    reshape(
      stack(
        places.map((row) => stack(row, 3)),
        2,
      ),
      output,
    ),
  ];
};

/** The same program with large 3×3 convolutions in this form; before what depends on the weights alone is split off. */
export const withWinograd = (graph: Graph): Graph => rewrite(graph, { conv: winogradConv });
