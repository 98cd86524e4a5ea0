import { nodesOf } from './graph.ts';
import { isOp, type Graph, type Node, type OpName, type Tensor, type TensorType } from './ir.ts';
import { formatShape } from './shape.ts';

const formatType = ({ dtype, shape }: TensorType): string => `${dtype}${formatShape(shape)}`;

/** A traced program for people: one line an op, numbered from 0, with parameters, types and the layer. */
export function printGraph(graph: Graph): string {
  const names = new Map<Node, string>();
  let parameters = 0;
  let values = 0;
  const nameOf = (tensor: Tensor): string => {
    const name = names.get(tensor.node) ?? '?';
    return tensor.node.outputs.length === 1 ? name : `${name}.${tensor.index}`;
  };

  const printRegion = (region: Graph): string[] => {
    for (const { node } of region.parameters) names.set(node, `arg${parameters++}`);
    const types = region.parameters.map((parameter) => `${nameOf(parameter)}: ${formatType(parameter)}`);
    const lines = nodesOf(region)
      .filter((node) => !names.has(node))
      .flatMap((node) => printNode(node));
    return [`(${types.join(', ')}) {`, ...indent([...lines, `return ${region.outputs.map(nameOf).join(', ')}`]), '}'];
  };

  const printNode = (node: Node): string[] => {
    const inputs = node.inputs.map(nameOf).join(', ');
    names.set(node, `v${values++}`);
    const scope = node.scope === '' ? '' : `  // ${node.scope}`;
    const types = node.outputs.map(formatType).join(', ');
    const line = `${names.get(node)}: ${types} = ${node.op}${printParams(node)}(${inputs})${scope}`;
    if (isOp(node, 'call')) return [line, ...indent(printRegion(node.params.body))];
    if (!isOp(node, 'while')) return [line];
    const [condition, ...test] = printRegion(node.params.condition);
    const [body, ...step] = printRegion(node.params.body);
    return [line, ...indent([`while ${condition}`, ...test, `do ${body}`, ...step])];
  };

  return printRegion(graph).join('\n');
}

const indent = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);

function printParams<K extends OpName>({ params }: Node<K>): string {
  const texts = Object.entries(params).flatMap(([name, value]: [string, unknown]) => {
    // Shape and dtype stand in the type; a function and a loop's programs are no settings.
    if (name === 'shape' || name === 'dtype' || name === 'condition' || name === 'body') return [];
    if (typeof value === 'function') return [];
    if (ArrayBuffer.isView(value)) return [`${name}: ${value.byteLength} bytes`];
    // JSON has no NaN and no infinities.
    return [`${name}: ${typeof value === 'number' ? String(value) : JSON.stringify(value)}`];
  });
  return texts.length === 0 ? '' : ` {${texts.join(', ')}} `;
}
