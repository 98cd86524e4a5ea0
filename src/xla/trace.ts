import { emit } from './emit.ts';
import { ShapeError } from './errors.ts';
import { reachableNodes } from './graph.ts';
import type { Graph, Tensor, TensorType } from './ir.ts';

/** Type of a traced function's argument, with a name for listings. */
export interface ArgumentType extends TensorType {
  readonly name?: string;
}

/** Runs `body` on tensors without numbers and records what it computes. */
export function trace(types: readonly ArgumentType[], body: (...parameters: Tensor[]) => readonly Tensor[]): Graph {
  const parameters = types.map(({ name, shape, dtype }, i) =>
    emit('parameter', { name: name ?? `arg${i}`, shape, dtype }, []),
  );
  const outputs = body(...parameters);
  const own = new Set(parameters.map(({ node }) => node));
  const stranger = reachableNodes(outputs).find((node) => node.op === 'parameter' && !own.has(node));
  if (stranger !== undefined) {
    throw new ShapeError('trace: the function reads a tensor of another program', {
      hint: 'pass it as an argument, or write its numbers into the program with constant()',
    });
  }
  return { parameters, outputs, captures: [] };
}
