import { broadcastTo } from '../elementwise.ts';
import { emitAll } from '../emit.ts';
import { BINARY_OPS, isOp, UNARY_OPS, type Graph, type Node, type OpName, type Tensor } from '../ir.ts';
import { matmul } from '../linear.ts';
import { elementCount, type Shape } from '../shape.ts';
import { reshape, transpose } from '../structure.ts';
import { contract } from './cpu-contract.ts';
import { pointwiseConvBy, rowsOf } from './cpu-pointwise.ts';
import { isLinearOutput } from './cpu-shortcut-inference.ts';
import { replaceNodes, rewrite, type Rewrite } from './rewrite.ts';

/** Positions at most of which a product is faster than a convolution: 16 maps of 12 × 12. */
const FEW_POSITIONS = 2400;

/** Numbers of a kernel from which on oneDNN multiplies faster by its transpose: 2 MiB, what a core's own cache holds. */
const LARGE_KERNEL = 2 ** 19;

/**
 * A 1×1 convolution of few positions as a matrix product.
 *
 * For a convolution oneDNN lays the kernel out anew in every call, for a product it reads it as it is: [1, 12, 12, 728] to 728 channels
 * takes 0.66 ms on two cores instead of 0.90, [1, 6, 6, 2048] to 512 0.49 instead of 0.82. Where two devices share the threads, laying out
 * 728 × 728 takes 1.3 ms instead of 0.24, as half of it waits behind the other device's ops: with up to 2,304 positions instead of 576 as
 * products a batch of Xception takes 5 % less, of ResNet50 1 %, of smaller networks the same. Of more the convolution is as fast or faster.
 *
 * A matrix that it is given transposed it packs, a few rows at a time. On a Xeon that pays for large ones only: 728 × 728 takes 0.88 to 0.90
 * of the time at 2,304 positions and 0.89 to 0.92 at 288, 1024 × 1536 0.86 to 0.90, 512 × 2048 and 2048 × 512 0.93 to 0.99; 256 × 1024 as
 * long, 992 × 128 1.03 to 1.09, 480 × 80 up to 1.18.
 */
const pointwiseConvOfFewPositions: Rewrite<'conv'> = (params, [x, kernel]) => {
  const [batch, ...sizes] = x.shape.slice(0, -1);
  const positions = sizes.reduce((product, size, i) => product * Math.ceil(size / params.strides[i]), batch);
  return positions > FEW_POSITIONS ? undefined : pointwiseConvBy(multiply)(params, [x, kernel]);
};

function multiply(rows: Tensor, weights: Tensor): Tensor {
  const isLarge = elementCount(weights.shape) >= LARGE_KERNEL;
  return isLarge ? contract(rows, transpose(weights, [1, 0]), 1, 1) : matmul(rows, weights);
}

const ELEMENTWISE: ReadonlySet<OpName> = new Set<OpName>([...UNARY_OPS, ...BINARY_OPS]);

/**
 * The same program with 1×1 convolutions of few positions as products, for inference with oneDNN; before what depends on the weights alone
 * is split off. What is done to a product's elements is done to its rows, too: between rows that are laid out as maps and rows again XLA
 * copies all of them, once for each shortcut.
 */
export function withProducts(graph: Graph): Graph {
  const products = rewrite(graph, { conv: pointwiseConvOfFewPositions });
  return replaceNodes(products, (node, current) => {
    // The gradient is not asked for; what stands for it reads what its outputs were made of.
    if (isOp(node, 'customGradient')) return node.inputs.slice(0, node.params.outputs).map(current);
    return onRows(node, node.inputs.map(current));
  });
}

/** An op on maps that are a product's rows, on those rows. */
function onRows(node: Node, inputs: readonly Tensor[]): readonly Tensor[] | undefined {
  if (!ELEMENTWISE.has(node.op) || !inputs.some(isProductAsMaps)) return undefined;
  const { shape } = inputs[0];
  const rows = inputs.map((input) => toRows(input, rowsOf(shape))).filter((input) => input !== undefined);
  if (rows.length < inputs.length) return undefined;
  return [reshape(emitAll(node.op, node.params, rows)[0], shape)];
}

const isProductAsMaps = ({ node, rank, shape }: Tensor): boolean =>
  isOp(node, 'reshape') && rank > 2 && node.inputs[0].rank === 2 && node.inputs[0].shape[1] === shape[rank - 1];

/** A tensor as rows; undefined where that takes something from it: the sum of a convolution, which oneDNN adds up as maps, or what is repeated. */
function toRows(x: Tensor, shape: Shape): Tensor | undefined {
  if (isProductAsMaps(x)) return x.node.inputs[0];
  if (isLinearOutput(x.node)) return undefined;
  if (!isOp(x.node, 'broadcast')) return reshape(x, shape);
  const [source] = x.node.inputs;
  const { axes } = x.node.params;
  const isOfChannels = axes.length === 1 && axes[0] === x.rank - 1;
  return source.rank === 0 || isOfChannels ? broadcastTo(source, shape) : undefined;
}
