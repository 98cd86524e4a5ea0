import { ShapeError } from './errors.ts';
import type { Node, OpName, OpTable, Tensor, TensorType } from './ir.ts';
import { formatShape, sameShape } from './shape.ts';

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

/** Refuses cotangents that a caller gives where they are not one for each tensor, of its type; undefined is zero. */
export function requireCotangents(
  op: string,
  cotangents: readonly (Tensor | undefined)[],
  tensors: readonly TensorType[],
): void {
  const fits = (given: Tensor | undefined, i: number): boolean =>
    given === undefined || (given.dtype === tensors[i].dtype && sameShape(given.shape, tensors[i].shape));
  if (cotangents.length === tensors.length && cotangents.every(fits)) return;
  throw new ShapeError(`${op}: the cotangents are not those of the tensors`, {
    expected: formatTypes(tensors),
    received: formatTypes(cotangents),
  });
}

const formatTypes = (types: readonly (TensorType | undefined)[]): string =>
  `[${types.map((type) => (type === undefined ? 'undefined' : `${type.dtype}${formatShape(type.shape)}`)).join(', ')}]`;
