import { emitAll } from '../emit.ts';
import { nodesOf } from '../graph.ts';
import type { Graph, Node, OpName, OpTable, Tensor } from '../ir.ts';
import { inScope } from '../scope.ts';

/** Another form of an op, made of inputs that are rewritten already; undefined where the plain op is best. */
export type Rewrite<K extends OpName> = (
  params: OpTable[K],
  inputs: readonly Tensor[],
) => readonly Tensor[] | undefined;

/** Rewrites of one platform, by op. */
export type RewriteTable = { readonly [K in OpName]?: Rewrite<K> };

/** The first rule that applies. */
export const firstOf =
  <K extends OpName>(...rules: readonly Rewrite<K>[]): Rewrite<K> =>
  (params, inputs) => {
    for (const rule of rules) {
      const better = rule(params, inputs);
      if (better !== undefined) return better;
    }
    return undefined;
  };

/** The same program with every op that a rule applies to in its other form; `graph` itself where no rule does. */
export function rewrite(graph: Graph, rules: RewriteTable): Graph {
  return rewriteRegion(graph, rules, new Map());
}

/** The same program with what the outputs of some nodes are replaced by. */
export function replaceNodes(graph: Graph, replaced: ReadonlyMap<Node, readonly Tensor[]>): Graph {
  return rewriteRegion(graph, {}, new Map(replaced));
}

function rewriteRegion(graph: Graph, rules: RewriteTable, replaced: Map<Node, readonly Tensor[]>): Graph {
  const current = (tensor: Tensor): Tensor => replaced.get(tensor.node)?.[tensor.index] ?? tensor;
  for (const node of nodesOf(graph)) {
    if (replaced.has(node)) continue;
    const inputs = node.inputs.map(current);
    const outputs = inScope(node.scope, () => rewriteNode(node, inputs, rules, replaced));
    if (outputs !== undefined) replaced.set(node, outputs);
  }
  // Whatever is replaced changes all that is computed from it, up to the outputs.
  const unchanged = graph.outputs.every((output) => current(output) === output);
  return unchanged
    ? graph
    : { parameters: graph.parameters, outputs: graph.outputs.map(current), captures: graph.captures.map(current) };
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

/** A loop's regions, and a call's, are programs of their own. */
function rewriteParams<K extends OpName>(
  node: Node<K>,
  rules: RewriteTable,
  replaced: Map<Node, readonly Tensor[]>,
): OpTable[K] {
  if (node.op === 'call') {
    const params = node.params as OpTable['call'];
    const body = rewriteRegion(params.body, rules, replaced);
    return body === params.body ? node.params : ({ body } as OpTable[K]);
  }
  if (node.op !== 'while') return node.params;
  const params = node.params as OpTable['while'];
  const condition = rewriteRegion(params.condition, rules, replaced);
  const body = rewriteRegion(params.body, rules, replaced);
  const unchanged = condition === params.condition && body === params.body;
  return unchanged ? node.params : ({ ...params, condition, body } as OpTable[K]);
}
