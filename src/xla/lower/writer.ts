import { assert } from '../../base/index.ts';
import type { DType } from '../dtype.ts';
import { nodesOf } from '../graph.ts';
import { isOp, type Graph, type Node, type Tensor } from '../ir.ts';
import { denseLiteral, tensorType } from './literal.ts';

/** Writes one op of a program with the given writer. */
export type WriteNode = (node: Node, writer: Writer) => void;

/** Lines of a StableHLO function in the making, and the SSA name of every tensor that has one. */
export class Writer {
  readonly replicas: number;
  readonly lines: string[] = [];
  /** The functions that `@main` calls, line by line. */
  readonly functions: string[][] = [];
  /** Whether a call stays one: elsewhere, and inside another call, its body stands in its place. */
  keepsCalls: boolean;
  /** Whether each op says which layer it belongs to. */
  readonly #locations: boolean;
  readonly #names = new Map<Node, string[]>();
  readonly #writeNode: WriteNode;
  #next = 0;

  constructor(replicas: number, writeNode: WriteNode, { locations = false, keepsCalls = false } = {}) {
    this.replicas = replicas;
    this.keepsCalls = keepsCalls;
    this.#locations = locations;
    this.#writeNode = writeNode;
  }

  line(text: string): void {
    this.lines.push(text);
  }

  /** An SSA name that was not used before. */
  fresh(): string {
    return `%${this.#next++}`;
  }

  bind(node: Node, index: number, name: string): void {
    const names = this.#names.get(node) ?? [];
    names[index] = name;
    this.#names.set(node, names);
  }

  /** Makes an output another name of a tensor that is there. */
  alias(node: Node, index: number, tensor: Tensor): void {
    this.bind(node, index, this.nameOf(tensor));
  }

  nameOf(tensor: Tensor): string {
    const name = this.#names.get(tensor.node)?.[tensor.index];
    assert(name !== undefined, `${tensor.node.op} is used before it is written`);
    return name;
  }

  namesOf(tensors: readonly Tensor[]): string {
    return tensors.map((tensor) => this.nameOf(tensor)).join(', ');
  }

  /** Writes `%n = text` and gives the node's outputs their names. */
  assign(node: Node, text: string): void {
    const name = this.fresh();
    if (node.outputs.length === 1) {
      this.bind(node, 0, name);
      this.line(`${name} = ${text}`);
      return;
    }
    for (const index of node.outputs.keys()) this.bind(node, index, `${name}#${index}`);
    this.line(`${name}:${node.outputs.length} = ${text}`);
  }

  /** Writes a line of its own that gives one value, for rules that need more than one op; returns its name. */
  value(text: string): string {
    const name = this.fresh();
    this.line(`${name} = ${text}`);
    return name;
  }

  scalar(value: number, dtype: DType): string {
    const type = { shape: [], dtype };
    return this.value(`stablehlo.constant ${denseLiteral(value, type)} : ${tensorType(type)}`);
  }

  #write(node: Node): void {
    const before = this.lines.length;
    this.#writeNode(node, this);
    // The body that stands in place of a call has said which layers it belongs to.
    if (!this.#locations || node.scope === '' || (isOp(node, 'call') && !this.keepsCalls)) return;
    // The last line ends the op itself; lines before it may be those of its regions, which end the same way.
    const last = this.lines.length - 1;
    if (last >= before) this.lines[last] += ` loc(${JSON.stringify(node.scope)})`;
  }

  /**
   * Writes the nodes of a graph; returns the outputs' names.
   *
   * `bound` names the graph's parameters, and in a region the tensors of the enclosing program that it reads; these have
   * their other names back afterwards.
   */
  graph(graph: Graph, bound: ReadonlyMap<Tensor, string>): string[] {
    const outer = [...bound.keys()].map(({ node }) => [node, this.#names.get(node)] as const);
    for (const [{ node, index }, name] of bound) {
      const names = [...(this.#names.get(node) ?? [])];
      names[index] = name;
      this.#names.set(node, names);
    }
    const parameters = new Set(graph.parameters.map(({ node }) => node));
    for (const node of nodesOf(graph)) {
      if (!parameters.has(node)) this.#write(node);
    }
    const results = graph.outputs.map((output) => this.nameOf(output));
    for (const [node, names] of outer) {
      if (names === undefined) this.#names.delete(node);
      else this.#names.set(node, names);
    }
    return results;
  }
}
