import { infer } from './infer.ts';
import { Tensor, type Node, type OpName, type OpTable } from './ir.ts';
import { currentScope } from './scope.ts';

let nextId = 0;

/** The id that the next node will get: nodes made from here on have this id or more. */
export const nextNodeId = (): number => nextId;

/** Adds an op after checking shapes and dtypes; one tensor per output. */
export function emitAll<K extends OpName>(op: K, params: OpTable[K], inputs: readonly Tensor[]): Tensor[] {
  const outputs = infer(op, params, inputs);
  const node: Node<K> = { id: nextId++, op, params, inputs, outputs, scope: currentScope() };
  return outputs.map((_, index) => new Tensor(node, index));
}

/** Adds an op that has one output. */
export function emit<K extends OpName>(op: K, params: OpTable[K], inputs: readonly Tensor[]): Tensor {
  return emitAll(op, params, inputs)[0];
}
