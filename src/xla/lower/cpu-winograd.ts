import { optimizationBarrier } from '../control.ts';
import { byteSize } from '../dtype.ts';
import { convShape } from '../infer-window.ts';
import type { ConvParams, Padding, Tensor } from '../ir.ts';
import type { Shape } from '../shape.ts';
import { transpose } from '../structure.ts';
import { contract } from './cpu-contract.ts';
import type { Rewrite } from './rewrite.ts';
import {
  fitsTiles,
  inputTiles,
  kernelOf,
  kernelTiles,
  mapOf,
  slopeTiles,
  tilesOf,
  turnedKernelTiles,
  type Tiles,
} from './winograd-tiles.ts';

/** Bytes of both sides' tiles that the processor's cache still holds. */
const CACHED = 40e6;
/** What it costs to transform a place's channel, in multiplications of a product. */
const COST = 140;
const COST_BEYOND_CACHE = 300;
/** Tiles up to which a product is faster if one side is transposed before. */
const FEW_TILES = 600;

/** Whether the multiplications saved, of which 4 are left of 9, are more than the transforms cost. */
function isWorthIt(params: ConvParams, x: Tensor, output: Shape, kernel: Shape): boolean {
  if (!fitsTiles(params, x, kernel)) return false;
  const [, , inputs, outputs] = kernel;
  const { batch, rows, columns } = tilesOf(output);
  const places = 4 * rows * columns;
  const saved = 9 * output[1] * output[2] - 4 * places;
  const isCached = 4 * batch * places * (inputs + outputs) * byteSize(x.dtype) <= CACHED;
  return saved > places * (isCached ? COST : COST_BEYOND_CACHE) * (1 / inputs + 1 / outputs);
}

/** 16 products, none of which waits for another; without the barriers XLA would transform anew for each number of each product. */
function products(tiles: readonly Tensor[], kernels: readonly Tensor[], contractKernel: 0 | 1): readonly Tensor[] {
  const left = optimizationBarrier(tiles);
  return optimizationBarrier(left.map((tile, i) => contract(tile, kernels[i], 1, contractKernel)));
}

/** The same with the kernels' other axis: where they are larger than the tiles, a product is faster if they are transposed before. */
function productsOfTurned(tiles: readonly Tensor[], kernels: readonly Tensor[]): readonly Tensor[] {
  if (tiles[0].shape[0] >= Math.min(...kernels[0].shape)) return products(tiles, kernels, 1);
  return products(tiles, optimizationBarrier(kernels.map((kernel) => transpose(kernel, [1, 0]))), 0);
}

/**
 * A 3×3 convolution by Winograd's minimal filtering (Lavin and Gray 2015): tiles of 2×2 outputs by 16 products of matrices.
 *
 * On two cores [16, 6, 6, 512] to 512 channels takes 4.8 ms instead of 7.2, [16, 12, 12, 256] to 256 3.6 instead of 6.1,
 * [16, 24, 24, 128] to 128 4.5 instead of 7.0, [16, 24, 24, 512] to 512 60 instead of 108. Rounding errors are about twice
 * those of the plain form.
 */
export const winogradConv: Rewrite<'conv'> = (params, [x, kernel]) => {
  if (x.rank !== 4) return undefined;
  const output = convShape('conv', params, x.shape, kernel.shape);
  if (!isWorthIt(params, x, output, kernel.shape)) return undefined;
  const tiles = tilesOf(output);
  return [mapOf(products(inputTiles(x, params.padding, tiles), kernelTiles(kernel).flat(), 0), tiles, output)];
};

/** Its input's gradient: the same with the kernel turned, whose transform is that of the way forward in another order. */
export const winogradInputGradient: Rewrite<'convInputGradient'> = (params, [gradient, kernel]) => {
  const { padding, inputShape } = params;
  if (!isWorthIt(params, gradient, inputShape, kernel.shape)) return undefined;
  const edges = padding.map(([low, high]): Padding => [2 - low, 2 - high]);
  const tiles = tilesOf(inputShape);
  return [
    mapOf(productsOfTurned(inputTiles(gradient, edges, tiles), turnedKernelTiles(kernel).flat()), tiles, inputShape),
  ];
};

/**
 * Its kernel's gradient: the transposed transforms around products over all tiles.
 *
 * [16, 6, 6, 512] by 512 channels takes 4.2 ms instead of 8.4, [16, 12, 12, 256] by 256 4.8 instead of 9.2, [16, 24, 24, 256] by 256 24 instead of 31.
 */
export const winogradKernelGradient: Rewrite<'convKernelGradient'> = (params, [x, gradient]) => {
  const { padding, kernelShape } = params;
  if (!isWorthIt(params, x, gradient.shape, kernelShape)) return undefined;
  const tiles = tilesOf(gradient.shape);
  // Tied to the gradient, its tiles are made on the way back: those of the way forward, four times `x`, need not be kept for it.
  const [own] = optimizationBarrier([x, gradient]);
  const all = optimizationBarrier([...inputTiles(own, padding, tiles), ...slopeTiles(gradient, tiles)]);
  const [left, right] = [all.slice(0, 16), all.slice(16)];
  return [kernelOf(optimizationBarrier(kernelProducts(left, right, tiles)))];
};

function kernelProducts(left: readonly Tensor[], right: readonly Tensor[], tiles: Tiles): Tensor[] {
  if (tiles.batch * tiles.rows * tiles.columns > FEW_TILES)
    return left.map((tile, i) => contract(tile, right[i], 0, 0));
  const turned = optimizationBarrier(left.map((tile) => transpose(tile, [1, 0])));
  return turned.map((tile, i) => contract(tile, right[i], 1, 0));
}
