import type { Node, Tensor } from './ir.ts';

/**
 * Nodes that `outputs` depend on, inputs before users, in the order they were made.
 *
 * Nodes of an enclosing program (id below `since`) are left out.
 */
export function reachableNodes(outputs: readonly Tensor[], since = 0): Node[] {
  const seen = new Set<Node>();
  const stack = outputs.map((tensor) => tensor.node);
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (node.id < since || seen.has(node)) continue;
    seen.add(node);
    for (const input of node.inputs) stack.push(input.node);
  }
  return [...seen].toSorted((a, b) => a.id - b.id);
}
