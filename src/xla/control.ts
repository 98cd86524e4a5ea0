import { emit, emitAll, nextNodeId } from './emit.ts';
import { reachableNodes } from './graph.ts';
import type { Backward, Graph, Node, Tensor, TensorType } from './ir.ts';

/** Traces a function of tensors of these types. Tensors of an enclosing program that it reads become captures. */
function traceRegion(types: readonly TensorType[], body: (...state: Tensor[]) => readonly Tensor[]): Graph {
  const since = nextNodeId();
  const parameters = types.map(({ shape, dtype }, i) => emit('parameter', { name: `state${i}`, shape, dtype }, []));
  const outputs = body(...parameters);
  const isOutside = (node: Node) => node.id < since;
  const captures = new Map<string, Tensor>();
  const capture = (tensor: Tensor) => {
    if (isOutside(tensor.node)) captures.set(`${tensor.node.id}.${tensor.index}`, tensor);
  };
  for (const node of reachableNodes(outputs, isOutside)) node.inputs.forEach(capture);
  outputs.forEach(capture);
  return { parameters, outputs, captures: [...captures.values()] };
}

/** Repeats `body` on a state while `condition` holds; the state's types stay the same. Not differentiable. */
export function whileLoop(
  initial: readonly Tensor[],
  condition: (...state: Tensor[]) => Tensor,
  body: (...state: Tensor[]) => readonly Tensor[],
): Tensor[] {
  const conditionGraph = traceRegion(initial, (...state) => [condition(...state)]);
  const bodyGraph = traceRegion(initial, body);
  const captures = new Set([...conditionGraph.captures, ...bodyGraph.captures]);
  return emitAll('while', { condition: conditionGraph, body: bodyGraph, state: initial.length }, [
    ...initial,
    ...captures,
  ]);
}

/**
 * What `body` computes, as one kernel on CPUs: for many tensors that are small each, where compiling and starting a kernel for every
 * one takes more time than what they do. One processor runs it. Not differentiable.
 */
export function inOneKernel(body: () => readonly Tensor[]): Tensor[] {
  const graph = traceRegion([], body);
  return graph.outputs.length === 0 ? [] : emitAll('call', { body: graph }, graph.captures);
}

/** The same tensors, which the compiler may not move or fuse computations across. */
export function optimizationBarrier(tensors: readonly Tensor[]): Tensor[] {
  return tensors.length === 0 ? [] : emitAll('barrier', {}, tensors);
}

/** The same tensor, through which no gradient flows. */
export const stopGradient = (x: Tensor): Tensor => emit('stopGradient', {}, [x]);

/**
 * `outputs` with a gradient of our own: `backward` gives the cotangents of `inputs` from those of the outputs.
 *
 * The outputs must depend on wanted tensors through `inputs` only: what flows through them otherwise is cut off.
 */
export function customGradient(outputs: readonly Tensor[], inputs: readonly Tensor[], backward: Backward): Tensor[] {
  return emitAll('customGradient', { outputs: outputs.length, backward }, [...outputs, ...inputs]);
}

/** Sum (or greatest, or least) over all replicas, of several tensors at once. */
export function allReduce(tensors: readonly Tensor[], kind: 'sum' | 'max' | 'min' = 'sum'): Tensor[] {
  return tensors.length === 0 ? [] : emitAll('allReduce', { kind }, tensors);
}

/** Index of the replica that runs the program; uint32 scalar. */
export const replicaId = (): Tensor => emit('replicaId', {}, []);
