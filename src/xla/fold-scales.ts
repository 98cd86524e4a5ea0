import { channelVector } from './channel-vector.ts';
import { add, broadcastTo, mul } from './elementwise.ts';
import { emitAll } from './emit.ts';
import { nodesOf } from './graph.ts';
import { isOp, type Graph, type Node, type Tensor } from './ir.ts';
import { replaceNodes } from './lower/rewrite.ts';
import { inScope } from './scope.ts';

/** A linear op and what its channels are multiplied by and have added behind it. */
interface Chain {
  /** The convolution or product whose outputs are scaled. */
  readonly source: Node<'conv'> | Node<'dot'>;
  /** [channels]; undefined where there is none. */
  readonly scale: Tensor | undefined;
  readonly shift: Tensor | undefined;
  /** The op before the last one. */
  readonly before: Node | undefined;
}

type ScaledChain = Chain & { readonly scale: Tensor };
const isScaled = (chain: Chain): chain is ScaledChain => chain.scale !== undefined;

/**
 * The same program with the factors on the channels of a convolution, or of a product with a matrix, multiplied into its
 * kernel: batch normalisation by moving statistics becomes one addition of a vector.
 *
 * For programs without gradients to come. Numbers are those of the plain program up to rounding; a kernel is scaled in
 * each run, until `splitGraph` takes what depends on the weights alone out of it.
 */
export function foldScales(graph: Graph): Graph {
  const nodes = nodesOf(graph);
  const chains = findChains(nodes, countUses(nodes, graph.outputs));
  return replaceNodes(graph, (node, current) => {
    const chain = chains.get(node);
    return chain === undefined ? undefined : [inScope(chain.source.scope, () => folded(chain, current))];
  });
}

/** Linear ops with all the factors and summands behind them, by the last op of each. */
function findChains(nodes: readonly Node[], uses: ReadonlyMap<Node, number>): ReadonlyMap<Node, ScaledChain> {
  const known = new Map<Node, Chain>();
  const followed = new Set<Node>();
  for (const node of nodes) {
    const chain = chainOf(node, known, uses);
    if (chain === undefined) continue;
    known.set(node, chain);
    if (chain.before !== undefined) followed.add(chain.before);
  }
  const ends = new Map<Node, ScaledChain>();
  for (const [node, chain] of known) if (!followed.has(node) && isScaled(chain)) ends.set(node, chain);
  return ends;
}

function countUses(nodes: readonly Node[], outputs: readonly Tensor[]): Map<Node, number> {
  const uses = new Map<Node, number>();
  for (const { node } of [...nodes.flatMap(({ inputs }) => inputs), ...outputs]) {
    uses.set(node, (uses.get(node) ?? 0) + 1);
  }
  return uses;
}

function chainOf(node: Node, known: ReadonlyMap<Node, Chain>, uses: ReadonlyMap<Node, number>): Chain | undefined {
  if (isLinear(node)) return { source: node, scale: undefined, shift: undefined, before: undefined };
  if (node.op !== 'multiply' && node.op !== 'add') return undefined;
  for (const [x, other] of [node.inputs, node.inputs.toReversed()]) {
    const chain = known.get(x.node);
    const vector = channelVector(other) ?? repeatedNumber(other);
    // What others read too has to be there unscaled.
    if (chain === undefined || vector === undefined || uses.get(x.node) !== 1) continue;
    return inScope(node.scope, () => extended(chain, node, vector, x.node));
  }
  return undefined;
}

function extended({ source, scale, shift }: Chain, { op }: Node, vector: Tensor, before: Node): Chain {
  if (op === 'add') return { source, before, scale, shift: shift === undefined ? vector : add(shift, vector) };
  return {
    source,
    before,
    scale: scale === undefined ? vector : mul(scale, vector),
    shift: shift === undefined ? undefined : mul(shift, vector),
  };
}

/** Convolutions, and products of rows with a matrix; their kernel's last axis is that of their outputs. */
function isLinear(node: Node): node is Node<'conv'> | Node<'dot'> {
  if (isOp(node, 'conv')) return true;
  if (!isOp(node, 'dot')) return false;
  const { batchLeft, contractLeft, contractRight } = node.params;
  const [left, right] = node.inputs;
  const isPlain = batchLeft.length === 0 && contractLeft.length === 1 && contractRight.length === 1;
  return isPlain && contractLeft[0] === left.rank - 1 && right.rank === 2 && contractRight[0] === 0;
}

/** A number that a tensor repeats everywhere, once for each channel. */
function repeatedNumber({ node, rank, shape }: Tensor): Tensor | undefined {
  if (!isOp(node, 'broadcast')) return undefined;
  const [number] = node.inputs;
  return number.rank === 0 ? broadcastTo(number, [shape[rank - 1]]) : undefined;
}

function folded({ source, scale, shift }: ScaledChain, current: (tensor: Tensor) => Tensor): Tensor {
  const [x, kernel] = source.inputs.map(current);
  const scaled = mul(kernel, broadcastTo(current(scale), kernel.shape));
  const [y] = emitAll<'conv' | 'dot'>(source.op, source.params, [x, scaled]);
  return shift === undefined ? y : add(y, broadcastTo(current(shift), y.shape));
}
