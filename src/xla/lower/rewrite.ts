import { emitAll } from '../emit.ts';
import { reachableNodes } from '../graph.ts';
import type { Graph, Node, OpName, OpTable, Tensor } from '../ir.ts';
import { inScope } from '../scope.ts';

/** Another form of an op, made of inputs that are rewritten already; undefined where the plain op is best. */
export type Rewrite<K extends OpName> = (
  params: OpTable[K],
  inputs: readonly Tensor[],
) => readonly Tensor[] | undefined;

/** Rewrites of one platform, by op. */
export type RewriteTable = { readonly [K in OpName]?: Rewrite<K> };

/** The same program with every op that a rule applies to in its other form. */
export function rewrite(graph: Graph, rules: RewriteTable): Graph {
  return rewriteRegion(graph, rules, new Map(), 0);
}

function rewriteRegion(
  graph: Graph,
  rules: RewriteTable,
  replaced: Map<Node, readonly Tensor[]>,
  since: number,
): Graph {
  const current = (tensor: Tensor): Tensor => replaced.get(tensor.node)?.[tensor.index] ?? tensor;
  for (const node of reachableNodes(graph.outputs, since)) {
    const inputs = node.inputs.map(current);
    const outputs = inScope(node.scope, () => rewriteNode(node, inputs, rules, replaced));
    if (outputs !== undefined) replaced.set(node, outputs);
  }
  return { parameters: graph.parameters, outputs: graph.outputs.map(current), captures: graph.captures.map(current) };
}

function rewriteNode<K extends OpName>(
  node: Node<K>,
  inputs: readonly Tensor[],
  rules: RewriteTable,
  replaced: Map<Node, readonly Tensor[]>,
): readonly Tensor[] | undefined {
  const params = rewriteParams(node, rules, replaced);
  const rule: Rewrite<K> | undefined = rules[node.op];
  const better = rule?.(params, inputs);
  if (better !== undefined) return better;
  const unchanged = params === node.params && inputs.every((input, i) => input === node.inputs[i]);
  return unchanged ? undefined : emitAll(node.op, params, inputs);
}

/** A loop's regions are programs of their own. */
function rewriteParams<K extends OpName>(
  node: Node<K>,
  rules: RewriteTable,
  replaced: Map<Node, readonly Tensor[]>,
): OpTable[K] {
  if (node.op !== 'while') return node.params;
  const params = node.params as OpTable['while'];
  const inner = (region: Graph) => {
    const since = Math.min(...region.parameters.map((parameter) => parameter.node.id));
    return rewriteRegion(region, rules, replaced, since);
  };
  return { ...params, condition: inner(params.condition), body: inner(params.body) } as OpTable[K];
}
