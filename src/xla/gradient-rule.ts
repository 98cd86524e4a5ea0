import type { Node, OpName, OpTable, Tensor } from './ir.ts';

/** What a gradient rule is given: the node's parameters and values, and a cotangent for every output. */
export interface RuleArguments<K extends OpName> {
  readonly params: OpTable[K];
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly cotangents: readonly Tensor[];
  readonly node: Node<K>;
}

/**
 * How cotangents flow back through an op: one result per input, undefined for zero.
 *
 * `zero`: the op is constant almost everywhere (integers, comparisons, rounding); nothing flows.
 * `unsupported`: a gradient exists but we have no rule; asking for one is an error.
 */
export type GradientRule<K extends OpName> =
  ((rule: RuleArguments<K>) => readonly (Tensor | undefined)[]) | 'zero' | 'unsupported';
