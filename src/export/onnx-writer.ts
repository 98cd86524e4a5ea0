import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { byteSize, type DType, type HostTensor } from '../xla/index.ts';
import {
  ModelProtoSchema,
  type AttributeProtoSchema,
  type NodeProtoSchema,
  type TensorProtoSchema,
  type ValueInfoProtoSchema,
} from './onnx_pb.ts';

/** Version of ONNX's operators that models are written in; every rule is for this one. */
export const OPSET = 17;
/** Version of the file format that goes with it. */
const IR_VERSION = 8n;

/** Numbers of element types: `TensorProto.DataType`. */
export const DATA_TYPES: Record<DType, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
};

/** Numbers of attributes' kinds: `AttributeProto.AttributeType`. */
const INT = 2;
const INTS = 7;

/** Whole numbers, or one. */
export type Attributes = Readonly<Record<string, number | readonly number[]>>;

/** An input or output of the model; a dimension that is free has a name. */
export interface PortType {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | string)[];
}

/** The nodes and stored tensors of an ONNX model in the making. */
export class OnnxWriter {
  readonly #nodes: MessageInitShape<typeof NodeProtoSchema>[] = [];
  readonly #initializers: MessageInitShape<typeof TensorProtoSchema>[] = [];
  readonly #lists = new Map<string, string>();
  readonly #used = new Set<string>();

  /** A name that nothing else has: `block1/conv/Conv`, `block1/conv/Conv_1`. */
  #fresh(hint: string): string {
    let name = hint;
    for (let i = 1; this.#used.has(name); i++) name = `${hint}_${i}`;
    this.#used.add(name);
    return name;
  }

  /** Reserves a name for an input or output. */
  reserve(name: string): string {
    return this.#fresh(name);
  }

  /** Adds a node of one output; returns the output's name. */
  node(op: string, inputs: readonly string[], attributes: Attributes = {}, scope = '', output?: string): string {
    const name = output ?? this.#fresh(scope === '' ? op : `${scope}/${op}`);
    this.#nodes.push({
      opType: op,
      name,
      input: [...inputs],
      output: [name],
      attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
    });
    return name;
  }

  /** Stores a tensor; returns its name. */
  tensor(hint: string, { shape, dtype, data }: HostTensor): string {
    const name = this.#fresh(hint);
    this.#initializers.push({
      name,
      dims: shape.map(BigInt),
      dataType: DATA_TYPES[dtype],
      rawData: new Uint8Array(data.buffer, data.byteOffset, data.length * byteSize(dtype)),
    });
    return name;
  }

  /** Stores a list of whole numbers, such as a shape; the same list is stored once. */
  list(values: readonly number[]): string {
    const key = values.join(',');
    const known = this.#lists.get(key);
    if (known !== undefined) return known;
    const data = BigInt64Array.from(values, BigInt);
    const name = this.tensor('list', { shape: [values.length], dtype: 'int64', data });
    this.#lists.set(key, name);
    return name;
  }

  /** The whole model as the bytes of a file. */
  toBytes(
    graphName: string,
    inputs: readonly PortType[],
    outputs: readonly PortType[],
    metadata: Readonly<Record<string, string>>,
  ): Uint8Array {
    const model = create(ModelProtoSchema, {
      irVersion: IR_VERSION,
      opsetImport: [{ domain: '', version: BigInt(OPSET) }],
      producerName: 'sepal',
      graph: {
        name: graphName,
        node: this.#nodes,
        initializer: this.#initializers,
        input: inputs.map(port),
        output: outputs.map(port),
      },
      metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    });
    return toBinary(ModelProtoSchema, model);
  }
}

function attribute(name: string, value: number | readonly number[]): MessageInitShape<typeof AttributeProtoSchema> {
  return typeof value === 'number'
    ? { name, type: INT, i: BigInt(value) }
    : { name, type: INTS, ints: value.map(BigInt) };
}

const port = ({ name, dtype, shape }: PortType): MessageInitShape<typeof ValueInfoProtoSchema> => ({
  name,
  type: {
    value: {
      case: 'tensorType',
      value: {
        elemType: DATA_TYPES[dtype],
        shape: {
          dim: shape.map((size) => ({
            value:
              typeof size === 'number'
                ? { case: 'dimValue' as const, value: BigInt(size) }
                : { case: 'dimParam' as const, value: size },
          })),
        },
      },
    },
  },
});
