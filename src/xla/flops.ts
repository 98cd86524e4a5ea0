import { nodesOf } from './graph.ts';
import { isOp, type Graph, type Node } from './ir.ts';
import { elementCount, type Shape } from './shape.ts';

/**
 * Floating-point operations of a program's convolutions and matrix products, a multiply-add counted as two.
 *
 * All else is left out, as in the figures of the literature. A loop's body counts once.
 */
export function countFlops(graph: Graph): number {
  return nodesOf(graph).reduce((sum, node) => sum + flopsOf(node), 0);
}

function flopsOf(node: Node): number {
  const [left, right] = node.inputs;
  if (isOp(node, 'conv')) return convFlops(node.outputs[0].shape, right.shape);
  if (isOp(node, 'convInputGradient')) return convFlops(left.shape, right.shape);
  if (isOp(node, 'convKernelGradient')) return convFlops(right.shape, node.params.kernelShape);
  if (isOp(node, 'dot')) {
    const contracted = node.params.contractLeft.map((axis) => left.shape[axis]);
    return 2 * elementCount(node.outputs[0].shape) * elementCount(contracted);
  }
  if (isOp(node, 'call')) return countFlops(node.params.body);
  if (isOp(node, 'while')) return countFlops(node.params.condition) + countFlops(node.params.body);
  return 0;
}

/** Every output element is a sum over the kernel [spatial…, C / groups]. */
const convFlops = (output: Shape, kernel: Shape): number =>
  2 * elementCount(output) * elementCount(kernel.slice(0, -1));
