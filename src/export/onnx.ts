import { applyNetwork } from '../nn/index.ts';
import { preprocessWhole, type ExportedModel } from '../models/index.ts';
import {
  convert,
  mul,
  nodesOf,
  softmax,
  trace,
  type Graph,
  type Node,
  type OpName,
  type Tensor,
} from '../xla/index.ts';
import { ExportError } from './errors.ts';
import { ONNX_RULES, type OnnxRule } from './onnx-rules.ts';
import { BATCH, hostValue, nameIn, type Value } from './onnx-values.ts';
import { OnnxWriter, OPSET } from './onnx-writer.ts';

/** What layers compute in, and what weights are stored in. */
export const ONNX_PRECISIONS = ['float32', 'float16'] as const;
/** What layers of an ONNX model compute in. */
export type OnnxPrecision = (typeof ONNX_PRECISIONS)[number];

/** Names of the model's input and outputs. */
export const ONNX_PORTS = { images: 'images', logits: 'logits', probabilities: 'probabilities' } as const;

/**
 * A trained model as the bytes of an ONNX file.
 *
 * Input `images`: RGB 0..255, uint8 [batch, height, width, 3], any batch; preprocessing is inside. Outputs `logits` and
 * `probabilities`: float32 [batch, classes], at the run's temperature. Classes, size and licence stand in the metadata.
 *
 * @throws ExportError `EXPORT_OP` for a network with an op that ONNX lacks.
 */
export function onnxModel(exported: ExportedModel, precision: OnnxPrecision = 'float32'): Uint8Array {
  const { model, classNames, licence, temperature } = exported;
  const { height, width } = model.size;
  const graph = traceInference(exported, precision);
  const writer = new OnnxWriter();
  const images = writer.reserve(ONNX_PORTS.images);
  const outputs = [ONNX_PORTS.logits, ONNX_PORTS.probabilities].map((name) => writer.reserve(name));
  const values = translate(graph, exported, images, writer);
  for (const [i, output] of outputs.entries()) {
    writer.node('Identity', [nameIn(writer, values[i], 'last')], {}, '', output);
  }
  return writer.toBytes(
    model.name,
    [{ name: images, dtype: 'uint8', shape: ['batch', height, width, 3] }],
    outputs.map((name) => ({ name, dtype: 'float32', shape: ['batch', model.classes] })),
    {
      model: model.name,
      classes: JSON.stringify(classNames),
      size: JSON.stringify([height, width]),
      opset: String(OPSET),
      ...(licence === undefined ? {} : { licence }),
      ...(temperature === undefined ? {} : { temperature: String(temperature) }),
    },
  );
}

function traceInference(
  { model, preprocess: pixels, temperature = 1 }: ExportedModel,
  precision: OnnxPrecision,
): Graph {
  const { variables, network, size } = model;
  const images = { name: 'images', shape: [BATCH, size.height, size.width, 3], dtype: 'uint8' } as const;
  const types = variables.map(({ path, shape, dtype }) => ({ name: path, shape, dtype }));
  return trace([images, ...types], (input, ...tensors) => {
    const byPath = Object.fromEntries(variables.map(({ path }, i) => [path, tensors[i]]));
    const { output } = applyNetwork(network, byPath, preprocessWhole(input, pixels, precision), { training: false });
    const logits = convert(output, 'float32');
    return [logits, softmax(temperature === 1 ? logits : mul(logits, 1 / temperature))];
  });
}

/** Writes a program's nodes; its first parameter is the model's input, the others are variables by their paths. */
function translate(graph: Graph, { values: trained }: ExportedModel, images: string, writer: OnnxWriter): Value[] {
  const [input, ...variables] = graph.parameters;
  const known = new Map<Node, Value>([
    [input.node, { shape: input.shape, dtype: input.dtype, names: { last: images } }],
  ]);
  for (const { node } of variables) {
    const { name } = (node as Node<'parameter'>).params;
    const value = trained.get(name);
    if (value === undefined) throw new ExportError('EXPORT_VALUES', `the run has no values of ${name}`);
    known.set(node, hostValue(value, name));
  }
  const valueOf = ({ node }: Tensor): Value => {
    const value = known.get(node);
    if (value === undefined) throw new ExportError('EXPORT_OP', `ONNX: ${node.op} is used before it is written`);
    return value;
  };
  for (const node of nodesOf(graph)) {
    if (!known.has(node)) known.set(node, writeNode(node, node.inputs.map(valueOf), writer));
  }
  return graph.outputs.map(valueOf);
}

function writeNode<K extends OpName>(node: Node<K>, inputs: readonly Value[], writer: OnnxWriter): Value {
  const rule: OnnxRule<K> | undefined = ONNX_RULES[node.op];
  if (rule === undefined) {
    throw new ExportError(
      'EXPORT_OP',
      `ONNX: there is no rule for ${node.op}${node.scope === '' ? '' : ` in ${node.scope}`}`,
    );
  }
  return rule === 'alias' ? inputs[0] : rule(node, inputs, writer);
}
