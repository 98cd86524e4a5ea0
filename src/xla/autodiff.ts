import { assert } from '../base/index.ts';
import { full, zerosLike } from './creation.ts';
import { isFloat } from './dtype.ts';
import { add } from './elementwise.ts';
import { ShapeError } from './errors.ts';
import { requireCotangents, type RuleArguments } from './gradient-rule.ts';
import { GRADIENTS } from './gradients.ts';
import { reachableNodes } from './graph.ts';
import { Tensor, type Node, type OpName } from './ir.ts';
import { inScope } from './scope.ts';
import { formatShape, sameShape } from './shape.ts';

/**
 * Gradients of a scalar with respect to tensors that it was computed from; zeros where it doesn't depend on one.
 *
 * Each gradient has the shape and dtype of its tensor.
 *
 * @throws ShapeError where the loss is no float scalar, a tensor of `wrt` no float, or an op on the way has no gradient.
 */
export function gradient<const Wrt extends readonly Tensor[]>(
  loss: Tensor,
  wrt: Wrt,
): { -readonly [I in keyof Wrt]: Tensor } {
  if (loss.rank !== 0 || !isFloat(loss.dtype)) {
    throw new ShapeError(`gradient: the loss is ${loss.dtype}${formatShape(loss.shape)}`, {
      expected: 'a float scalar',
    });
  }
  const whole = wrt.findIndex(({ dtype }) => !isFloat(dtype));
  if (whole !== -1) {
    const { dtype, shape } = wrt[whole];
    throw new ShapeError(`gradient: tensor ${whole} of wrt is ${dtype}${formatShape(shape)}`, {
      expected: 'float tensors',
      hint: 'convert it to float32 before it is used',
    });
  }
  return vjp([loss], [full([], 1, loss.dtype)], wrt) as { -readonly [I in keyof Wrt]: Tensor };
}

/** Product of `cotangents` (one for each output, of its type) with the Jacobian of `outputs` with respect to `wrt`. */
export function vjp(outputs: readonly Tensor[], cotangents: readonly Tensor[], wrt: readonly Tensor[]): Tensor[] {
  requireCotangents('vjp', cotangents, outputs);
  const sums = new CotangentSums();
  for (const [i, output] of outputs.entries()) sums.add(output, cotangents[i]);
  const nodes = reachableNodes(outputs);
  const wanted = dependents(nodes, wrt);
  for (const node of nodes.toReversed()) {
    if (sums.has(node) && leadsTo(wanted, node)) flowBack(node, sums, wanted);
  }
  return wrt.map((tensor) => sums.get(tensor) ?? zerosLike(tensor));
}

/** The nodes of `wrt`, and those through which a gradient can reach one of them. */
function dependents(nodes: readonly Node[], wrt: readonly Tensor[]): Set<Node> {
  const found = new Set(wrt.map((tensor) => tensor.node));
  for (const node of nodes) if (leadsTo(found, node)) found.add(node);
  return found;
}

/** Whether a gradient flows through `node` to one that is wanted. A tensor of `wrt` may itself be of an op that has no rule. */
function leadsTo(wanted: ReadonlySet<Node>, { op, inputs }: Node): boolean {
  return GRADIENTS[op] !== 'zero' && inputs.some((input) => isFloat(input.dtype) && wanted.has(input.node));
}

function flowBack<K extends OpName>(node: Node<K>, sums: CotangentSums, wanted: ReadonlySet<Node>): void {
  const rule = GRADIENTS[node.op];
  if (rule === 'zero') return;
  if (rule === 'unsupported') throw new ShapeError(`gradient: ${node.op} has no gradient rule`);
  const outputs = node.outputs.map((_, index) => new Tensor(node, index));
  const values: RuleArguments<K> = {
    node,
    params: node.params,
    inputs: node.inputs,
    outputs,
    cotangents: outputs.map((output) => sums.get(output) ?? zerosLike(output)),
  };
  const results = inScope(node.scope, () => rule(values));
  for (const [i, input] of node.inputs.entries()) {
    const result = results[i];
    if (result === undefined || !wanted.has(input.node) || !isFloat(input.dtype)) continue;
    assert(
      result.dtype === input.dtype && sameShape(result.shape, input.shape),
      `gradient of ${node.op} is ${result.dtype}${formatShape(result.shape)} for an input ${input.dtype}${formatShape(input.shape)}`,
    );
    sums.add(input, result);
  }
}

/** What has flowed back to each tensor so far. */
class CotangentSums {
  readonly #sums = new Map<Node, (Tensor | undefined)[]>();

  add(tensor: Tensor, cotangent: Tensor): void {
    const sums = this.#sums.get(tensor.node) ?? [];
    const before = sums[tensor.index];
    sums[tensor.index] = before === undefined ? cotangent : add(before, cotangent);
    this.#sums.set(tensor.node, sums);
  }

  get(tensor: Tensor): Tensor | undefined {
    return this.#sums.get(tensor.node)?.[tensor.index];
  }

  has(node: Node): boolean {
    return this.#sums.has(node);
  }
}
