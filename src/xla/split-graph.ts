import { emit } from './emit.ts';
import { nodesOf } from './graph.ts';
import { Tensor, type Graph, type Node, type OpName } from './ir.ts';
import { replaceNodes } from './lower/rewrite.ts';

/** A program in two parts. */
export interface SplitGraph {
  /** What is computed of some parameters alone; its parameters are those that it needs. */
  readonly early: Graph;
  /** The rest; the outputs of the first part are its last parameters. */
  readonly late: Graph;
  /** Which of the program's parameters each part takes, in order. */
  readonly earlyParameters: readonly number[];
  readonly lateParameters: readonly number[];
}

/** Ops that stay where their results are read: they cost nothing there, and their results could take much memory. */
const STAYS: ReadonlySet<OpName> = new Set<OpName>(['broadcast', 'reshape']);

/**
 * Takes what depends on parameters alone that `isEarly` names (a model's weights) out of a program, so that it need not be
 * computed anew for each value of the others; undefined where there is nothing to take out.
 */
export function splitGraph(graph: Graph, isEarly: (parameter: number) => boolean): SplitGraph | undefined {
  const nodes = nodesOf(graph);
  const roots = (which: boolean): Node[] =>
    graph.parameters.flatMap(({ node }, i) => (isEarly(i) === which ? [node] : []));
  const early = dependents(nodes, roots(true));
  const others = dependents(nodes, roots(false));
  // Constants depend on nothing, and are written into both parts.
  const isMade = (node: Node): boolean => early.has(node) && !others.has(node) && node.op !== 'parameter';
  const taken = new Set<Node>();
  const take = (node: Node): void => {
    if (!isMade(node)) return;
    if (STAYS.has(node.op)) for (const input of node.inputs) take(input.node);
    else taken.add(node);
  };
  for (const { node } of [
    ...nodes.filter((each) => others.has(each)).flatMap(({ inputs }) => inputs),
    ...graph.outputs,
  ])
    take(node);
  if (taken.size === 0) return undefined;

  const sources = [...taken].flatMap((node) => node.outputs.map((_, index) => new Tensor(node, index)));
  const prepared = sources.map(({ shape, dtype }, i) => emit('parameter', { name: `prepared${i}`, shape, dtype }, []));
  const replaced = new Map<Node, Tensor[]>();
  for (const [i, { node }] of sources.entries()) replaced.set(node, [...(replaced.get(node) ?? []), prepared[i]]);
  const { outputs } = replaceNodes(graph, (node) => replaced.get(node));
  const earlyParameters = neededParameters(graph, sources);
  const lateParameters = neededParameters(graph, outputs);
  const parametersAt = (indices: readonly number[]): Tensor[] => indices.map((i) => graph.parameters[i]);
  return {
    early: { parameters: parametersAt(earlyParameters), outputs: sources, captures: [] },
    late: { parameters: [...parametersAt(lateParameters), ...prepared], outputs, captures: [] },
    earlyParameters,
    lateParameters,
  };
}

/** Some nodes and all that is computed from them. */
function dependents(nodes: readonly Node[], roots: readonly Node[]): Set<Node> {
  const found = new Set(roots);
  for (const node of nodes) if (node.inputs.some((input) => found.has(input.node))) found.add(node);
  return found;
}

/** Which parameters outputs depend on. */
function neededParameters(graph: Graph, outputs: readonly Tensor[]): number[] {
  const nodes = new Set(nodesOf({ ...graph, outputs }));
  return graph.parameters.flatMap(({ node }, i) => (nodes.has(node) ? [i] : []));
}
