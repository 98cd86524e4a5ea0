import { reachableNodes } from './graph.ts';
import type { Graph, Node, OpName, Tensor, TensorType } from './ir.ts';
import { formatShape } from './shape.ts';

const formatType = ({ dtype, shape }: TensorType): string => `${dtype}${formatShape(shape)}`;

/** A traced program for people: one line an op, numbered from 0, with parameters, types and the layer. */
export function printGraph(graph: Graph): string {
  const names = new Map<Node, string>();
  const nameOf = (tensor: Tensor): string => {
    const name = names.get(tensor.node) ?? '?';
    return tensor.node.outputs.length === 1 ? name : `${name}.${tensor.index}`;
  };
  for (const [i, { node }] of graph.parameters.entries()) names.set(node, `arg${i}`);
  const parameters = graph.parameters.map((parameter, i) => `arg${i}: ${formatType(parameter)}`);
  const lines = [`(${parameters.join(', ')}) {`];
  for (const node of reachableNodes(graph.outputs)) {
    if (names.has(node)) continue;
    names.set(node, `v${names.size - graph.parameters.length}`);
    const settings = printParams(node);
    const inputs = node.inputs.map(nameOf).join(', ');
    const types = node.outputs.map(formatType).join(', ');
    const scope = node.scope === '' ? '' : `  // ${node.scope}`;
    lines.push(`  ${names.get(node)}: ${types} = ${node.op}${settings}(${inputs})${scope}`);
  }
  lines.push(`  return ${graph.outputs.map(nameOf).join(', ')}`, '}');
  return lines.join('\n');
}

function printParams<K extends OpName>({ params }: Node<K>): string {
  const texts = Object.entries(params).flatMap(([name, value]) => {
    if (name === 'shape' || name === 'dtype' || typeof value === 'function') return [];
    if (ArrayBuffer.isView(value)) return [`${name}: ${value.byteLength} bytes`];
    if (name === 'condition' || name === 'body') return [];
    return [`${name}: ${JSON.stringify(value)}`];
  });
  return texts.length === 0 ? '' : ` {${texts.join(', ')}} `;
}
