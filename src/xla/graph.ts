import type { Graph, Node, Tensor } from './ir.ts';

/** Nodes that `outputs` depend on, inputs before users, in the order they were made; none from `isOutside` on. */
export function reachableNodes(outputs: readonly Tensor[], isOutside: (node: Node) => boolean = () => false): Node[] {
  const seen = new Set<number>();
  const found: Node[] = [];
  const stack = outputs.map((tensor) => tensor.node);
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (isOutside(node)) continue;
    // One look-up for each use of a node, not two.
    const before = seen.size;
    if (seen.add(node.id).size === before) continue;
    found.push(node);
    for (const input of node.inputs) stack.push(input.node);
  }
  // Plain numbers are sorted without a call for each comparison: a node's id with its place behind it, exact up to 2^53.
  const places = 2 ** Math.ceil(Math.log2(found.length + 1));
  const order = Float64Array.from(found, (node, place) => node.id * places + place).toSorted();
  return Array.from(order, (key) => found[key % places]);
}

/** Nodes that a graph computes: those of an enclosing program, which it captures, are not among them. */
export function nodesOf(graph: Graph): Node[] {
  const outside = new Set(graph.captures.map(({ node }) => node));
  return reachableNodes(graph.outputs, (node) => outside.has(node));
}
