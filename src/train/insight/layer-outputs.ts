import { reachableNodes, Tensor, isFloat } from '../../xla/index.ts';

/** What a layer gives in a traced program. */
export interface LayerOutput {
  /** Path of the layer, such as `block1/conv`. */
  readonly layer: string;
  readonly output: Tensor;
}

/** The last tensor that each layer computes on the way to `result`, in the order in which they are computed. */
export function layerOutputs(result: Tensor): LayerOutput[] {
  const last = new Map<string, Tensor>();
  for (const node of reachableNodes([result])) {
    const output = new Tensor(node, 0);
    if (node.scope !== '' && isFloat(output.dtype)) last.set(node.scope, output);
  }
  return [...last]
    .map(([layer, output]) => ({ layer, output }))
    .toSorted((a, b) => a.output.node.id - b.output.node.id);
}
