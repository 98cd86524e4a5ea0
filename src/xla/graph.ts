import type { Graph, Node, Tensor } from './ir.ts';

/** Nodes that `outputs` depend on, inputs before users, in the order they were made; none from `isOutside` on. */
export function reachableNodes(outputs: readonly Tensor[], isOutside: (node: Node) => boolean = () => false): Node[] {
  const seen = new Set<Node>();
  const stack = outputs.map((tensor) => tensor.node);
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (seen.has(node) || isOutside(node)) continue;
    seen.add(node);
    for (const input of node.inputs) stack.push(input.node);
  }
  return [...seen].toSorted((a, b) => a.id - b.id);
}

/** Nodes that a graph computes: those of an enclosing program, which it captures, are not among them. */
export function nodesOf(graph: Graph): Node[] {
  const outside = new Set(graph.captures.map(({ node }) => node));
  return reachableNodes(graph.outputs, (node) => outside.has(node));
}
