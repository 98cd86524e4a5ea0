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

/** What takes the place of a node; undefined where it stays. `current` says what has taken the place of those before it. */
export type Replacement = (node: Node, current: (tensor: Tensor) => Tensor) => readonly Tensor[] | undefined;

/** The same program with every op that a rule applies to in its other form; `graph` itself where no rule does. */
export function rewrite(graph: Graph, rules: RewriteTable): Graph {
  return replaceNodes(graph, (node, current) => applyRule(node, rules, current));
}

function applyRule<K extends OpName>(
  node: Node<K>,
  rules: RewriteTable,
  current: (tensor: Tensor) => Tensor,
): readonly Tensor[] | undefined {
  const rule: Rewrite<K> | undefined = rules[node.op];
  return rule?.(node.params, node.inputs.map(current));
}

/** The same program with others in the place of some nodes, inside loops and calls too; `graph` itself where there are none. */
export function replaceNodes(graph: Graph, replacement: Replacement): Graph {
  return replaceInRegion(graph, replacement, new Map());
}

function replaceInRegion(graph: Graph, replacement: Replacement, replaced: Map<Node, readonly Tensor[]>): Graph {
  const current = (tensor: Tensor): Tensor => replaced.get(tensor.node)?.[tensor.index] ?? tensor;
  for (const node of nodesOf(graph)) {
    const outputs = inScope(node.scope, () => {
      return (
        replacement(node, current) ?? remade(node, current, (region) => replaceInRegion(region, replacement, replaced))
      );
    });
    if (outputs !== undefined) replaced.set(node, outputs);
  }
  // Whatever is replaced changes all that is computed from it, up to the outputs.
  const unchanged = graph.outputs.every((output) => current(output) === output);
  return unchanged
    ? graph
    : { parameters: graph.parameters, outputs: graph.outputs.map(current), captures: graph.captures.map(current) };
}

/** A node once more where its inputs or its regions have changed. */
function remade<K extends OpName>(
  node: Node<K>,
  current: (tensor: Tensor) => Tensor,
  inRegion: (region: Graph) => Graph,
): readonly Tensor[] | undefined {
  const inputs = node.inputs.map(current);
  const params = remadeParams(node, inRegion);
  const unchanged = params === node.params && inputs.every((input, i) => input === node.inputs[i]);
  return unchanged ? undefined : emitAll(node.op, params, inputs);
}

/** A loop's regions, and a call's, are programs of their own. */
function remadeParams<K extends OpName>(node: Node<K>, inRegion: (region: Graph) => Graph): OpTable[K] {
  if (node.op === 'call') {
    const params = node.params as OpTable['call'];
    const body = inRegion(params.body);
    return body === params.body ? node.params : ({ body } as OpTable[K]);
  }
  if (node.op !== 'while') return node.params;
  const params = node.params as OpTable['while'];
  const condition = inRegion(params.condition);
  const body = inRegion(params.body);
  const unchanged = condition === params.condition && body === params.body;
  return unchanged ? node.params : ({ ...params, condition, body } as OpTable[K]);
}
