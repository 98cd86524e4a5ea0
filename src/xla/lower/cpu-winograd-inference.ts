import { optimizationBarrier } from '../control.ts';
import { convShape } from '../infer-window.ts';
import type { Graph, Tensor } from '../ir.ts';
import { dotGeneral } from '../linear.ts';
import type { Shape } from '../shape.ts';
import { reshape, sliceAxis, stack } from '../structure.ts';
import { rewrite, type Rewrite } from './rewrite.ts';
import { fitsTiles, inputTiles, kernelTiles, mapOf, tilesOf } from './winograd-tiles.ts';

/**
 * Whether so many channels are mixed that the products saved are more than the transforms cost: on one core a channel's transform took
 * as long as 125 products there (on the way in) and 33 (on the way out).
 */
function isWorthIt(output: Shape, [, , inputs, outputs]: Shape): boolean {
  const isWhole = output[1] % 2 === 0 && output[2] % 2 === 0;
  return isWhole && 125 / outputs + 33 / inputs < 0.8;
}

/**
 * A 3×3 convolution by Winograd's minimal filtering, for inference with oneDNN, which has no such form and lays kernels out anew in every
 * call. Its 16 products are one call, as each call of oneDNN has its price.
 *
 * [16, 6, 6, 512] to 512 channels takes 9.5 ms on one core instead of 18.3, [16, 12, 12, 256] to 256 10.3 instead of 14.6. The kernel's
 * transform depends on the weights alone.
 */
const winogradConvForInference: Rewrite<'conv'> = (params, [x, kernel]) => {
  if (!fitsTiles(params, x, kernel.shape)) return undefined;
  const output = convShape('conv', params, x.shape, kernel.shape);
  if (!isWorthIt(output, kernel.shape)) return undefined;
  const tiles = tilesOf(output);
  // Without the barriers XLA would transform anew for each of the 16 products, and for each output.
  const [left] = optimizationBarrier([stack(inputTiles(x, params.padding, tiles))]);
  const product = dotGeneral(left, stack(kernelTiles(kernel).flat()), {
    batchLeft: [0],
    batchRight: [0],
    contractLeft: [2],
    contractRight: [1],
  });
  const [products] = optimizationBarrier([product]);
  const parts = Array.from({ length: 16 }, (_, i): Tensor => reshape(sliceAxis(products, 0, i, i + 1), products.shape.slice(1))); // prettier-ignore
  return [mapOf(parts, tiles, output)];
};

/** The same program with large 3×3 convolutions in this form; before what depends on the weights alone is split off. */
export const withWinograd = (graph: Graph): Graph => rewrite(graph, { conv: winogradConvForInference });
