import { full } from '../creation.ts';
import { nodesOf, reachableNodes } from '../graph.ts';
import { isOp, type Graph, type Node, type Tensor } from '../ir.ts';
import { dynamicUpdateSlice, pad, sliceAxis } from '../structure.ts';
import { replaceNodes } from './rewrite.ts';

type Join = Node<'concatenate'>;

/** Joins in a row from which on it pays to make room for all of them: each is a pass over all channels so far. */
const FEWEST_JOINS = 3;

/**
 * The same program with tensors that grow join by join, as in a DenseNet's blocks, written side by side into one that has room for all.
 *
 * XLA joins all pieces anew each time, which takes longer than the normalisation that reads them. Two devices take 68 ms instead of 77
 * for a block of 24 layers on [16, 12, 12], from 256 to 1,024 channels, and 89 instead of 91.5 for one of 12 layers on [16, 24, 24].
 * For programs that only go forward: a gradient reads what each layer was given, which XLA then has to copy.
 */
export function joinInPlace(graph: Graph): Graph {
  const lasts = lastJoins(graph);
  /** The tensor with room for a whole row, by the last join whose pieces are in. */
  const rooms = new Map<Node, Tensor>();
  return replaceNodes(graph, (node, current) => {
    const last = isOp(node, 'concatenate') ? lasts.get(node) : undefined;
    if (last === undefined) return undefined;
    const { axis } = last.params;
    const [first, ...pieces] = node.inputs;
    const isFirst = lasts.get(first.node) !== last;
    let room = isFirst ? withRoom(current(first), axis, last.outputs[0].shape[axis]) : rooms.get(first.node)!;
    let filled = first.shape[axis];
    for (const piece of pieces) {
      const starts = piece.shape.map((_, i) => full([], i === axis ? filled : 0, 'int32'));
      room = dynamicUpdateSlice(room, current(piece), starts);
      filled += piece.shape[axis];
    }
    rooms.set(node, room);
    return [sliceAxis(room, axis, 0, filled)];
  });
}

function withRoom(x: Tensor, axis: number, size: number): Tensor {
  const padding = x.shape.map((length, i) => [0, i === axis ? size - length : 0] as const);
  return pad(x, padding);
}

/** For each join of a row that is long enough the row's last one. */
function lastJoins(graph: Graph): ReadonlyMap<Node, Join> {
  const nodes = nodesOf(graph);
  const uses = nodes.flatMap((user) => user.inputs.map(({ node }) => ({ node, user })));
  const usesOf = Map.groupBy(uses, ({ node }) => node);
  for (const { node } of graph.outputs) usesOf.delete(node); // What is a result has to stay as it is.
  const rows = new Map<Node, Join[]>();
  for (const node of nodes) {
    if (!isOp(node, 'concatenate')) continue;
    const row = rows.get(node.inputs[0].node);
    rows.set(node, row !== undefined && continues(node, row.at(-1)!, usesOf) ? row : []);
    rows.get(node)!.push(node);
  }
  const long = [...rows].filter(([, row]) => row.length >= FEWEST_JOINS);
  return new Map(long.map(([join, row]) => [join, row.at(-1)!]));
}

/**
 * Whether `join` adds to what `before` has joined, and all else that reads that is through when the new pieces are there, so that they
 * can be written beside it.
 */
function continues(join: Join, before: Join, usesOf: ReadonlyMap<Node, readonly { readonly user: Node }[]>): boolean {
  const [first, ...pieces] = join.inputs;
  if (first.node !== before || before.params.axis !== join.params.axis) return false;
  // What is older doesn't read it.
  const earlier = new Set(reachableNodes(pieces, ({ id }) => id <= before.id));
  return usesOf.get(before)?.every(({ user }) => user === join || earlier.has(user)) ?? false;
}
