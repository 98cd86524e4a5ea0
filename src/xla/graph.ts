import type { Graph, Node, Tensor } from './ir.ts';

/** Nodes that `outputs` depend on, inputs before users, in the order they were made; none from `isOutside` on. */
export function reachableNodes(outputs: readonly Tensor[], isOutside: (node: Node) => boolean = () => false): Node[] {
  const seen = new Map<number, Node>();
  const stack = outputs.map((tensor) => tensor.node);
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (seen.has(node.id) || isOutside(node)) continue;
    seen.set(node.id, node);
    for (const input of node.inputs) stack.push(input.node);
  }
  // Plain numbers are sorted without a call for each comparison.
  const ids = Float64Array.from(seen.keys()).toSorted();
  return Array.from(ids, (id) => seen.get(id)!);
}

/** Nodes that a graph computes: those of an enclosing program, which it captures, are not among them. */
export function nodesOf(graph: Graph): Node[] {
  const outside = new Set(graph.captures.map(({ node }) => node));
  return reachableNodes(graph.outputs, (node) => outside.has(node));
}
