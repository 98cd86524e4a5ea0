import { emitAll, nextNodeId } from '../emit.ts';
import { nodesOf, reachableNodes } from '../graph.ts';
import { isOp, type Graph, type Node, type OpName, type OpTable, type Tensor } from '../ir.ts';
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
  // There is nothing to gain where there are no numbers, and rules count on at least one.
  if (rule === undefined || [...node.inputs, ...node.outputs].some(({ shape }) => shape.includes(0))) return undefined;
  return rule(node.params, node.inputs.map(current));
}

/** The same program with others in the place of some nodes, inside loops and calls too; `graph` itself where there are none. */
export function replaceNodes(graph: Graph, replacement: Replacement): Graph {
  return replaceIn(graph, replacement, new Map());
}

type Replaced = Map<Node, readonly Tensor[]>;

const currentOf =
  (replaced: Replaced) =>
  (tensor: Tensor): Tensor =>
    replaced.get(tensor.node)?.[tensor.index] ?? tensor;

/** Replaces what a program or a region computes itself; what it reads from outside is replaced already. */
function replaceIn(graph: Graph, replacement: Replacement, replaced: Replaced): Graph {
  const current = currentOf(replaced);
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

/**
 * A region may read more from outside than before: a rule that looks behind what the region reads, as for the rows that maps were made
 * of, takes that in its place.
 */
function replaceInRegion(region: Graph, replacement: Replacement, replaced: Replaced): Graph {
  const before = new Set([...nodesOf(region), ...region.parameters.map(({ node }) => node)]);
  const since = nextNodeId();
  const other = replaceIn(region, replacement, replaced);
  if (other === region) return region;
  const isOutside = (node: Node): boolean => node.id < since && !before.has(node);
  const nodes = reachableNodes(other.outputs, isOutside);
  const read = [...other.outputs, ...nodes.flatMap(({ inputs }) => inputs)].filter(({ node }) => isOutside(node));
  return { ...other, captures: joined(other.captures, read) };
}

/** The tensors of both lists, each once. */
function joined(first: readonly Tensor[], second: readonly Tensor[]): Tensor[] {
  const all = [...first];
  for (const tensor of second) if (!all.some((one) => isSame(one, tensor))) all.push(tensor);
  return all;
}

const isSame = (a: Tensor, b: Tensor): boolean => a.node === b.node && a.index === b.index;

/** A node once more where its inputs or its regions have changed. */
function remade<K extends OpName>(
  node: Node<K>,
  current: (tensor: Tensor) => Tensor,
  inRegion: (region: Graph) => Graph,
): readonly Tensor[] | undefined {
  const inputs = node.inputs.map(current);
  const params = remadeParams(node, inRegion);
  const unchanged = params === node.params && inputs.every((input, i) => input === node.inputs[i]);
  return unchanged ? undefined : emitAll(node.op, params, withCaptures(inputs, { ...node, params }));
}

/** A loop's or a call's inputs, with all that its regions read from outside. */
function withCaptures(inputs: readonly Tensor[], node: Node): readonly Tensor[] {
  if (isOp(node, 'call')) return joined(inputs, node.params.body.captures);
  if (!isOp(node, 'while')) return inputs;
  const { condition, body, state } = node.params;
  const read = joined(inputs.slice(state), [...condition.captures, ...body.captures]);
  return [...inputs.slice(0, state), ...read];
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
