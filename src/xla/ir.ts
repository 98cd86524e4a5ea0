import { DTYPES, type DType, type HostArray } from './dtype.ts';
import type { Shape } from './shape.ts';

/** Zeros added (or, where negative, elements cut) before and after a spatial dimension. */
export type Padding = readonly [low: number, high: number];

/** A convolution over [N, spatial…, C] with a kernel [spatial…, C / groups, outputs]; output channels are grouped alike. */
export interface ConvParams {
  readonly strides: readonly number[];
  readonly padding: readonly Padding[];
  /** Steps between a kernel's taps; 1 is a plain kernel. */
  readonly dilation: readonly number[];
  readonly groups: number;
}

/** Sliding windows over every dimension of a tensor. */
export interface WindowParams {
  readonly window: readonly number[];
  readonly strides: readonly number[];
  readonly padding: readonly Padding[];
}

export interface DotParams {
  readonly batchLeft: readonly number[];
  readonly batchRight: readonly number[];
  readonly contractLeft: readonly number[];
  readonly contractRight: readonly number[];
}

/** Where slices are taken from and laid to, by the names of the StableHLO specification. */
export interface GatherParams {
  readonly offsetDims: readonly number[];
  readonly collapsedSliceDims: readonly number[];
  readonly startIndexMap: readonly number[];
  readonly indexVectorDim: number;
  readonly sliceSizes: readonly number[];
}

export type CompareDirection = 'EQ' | 'NE' | 'LT' | 'LE' | 'GT' | 'GE';
export type ReduceKind = 'sum' | 'max' | 'min' | 'and' | 'or';

/** Cotangents of a custom-gradient node's primal inputs, given those of its outputs; undefined is zero. */
export type Backward = (cotangents: readonly Tensor[]) => readonly (Tensor | undefined)[];

/** Parameters of an op that has none. */
type None = Readonly<Record<string, never>>;

export const UNARY_OPS = [
  'negate',
  'abs',
  'sign',
  'exp',
  'expm1',
  'log',
  'log1p',
  'sqrt',
  'rsqrt',
  'tanh',
  'logistic',
  'sin',
  'cos',
  'floor',
  'ceil',
  'round',
  'not',
] as const;
export type UnaryOp = (typeof UNARY_OPS)[number];

export const BINARY_OPS = [
  'add',
  'subtract',
  'multiply',
  'divide',
  'maximum',
  'minimum',
  'power',
  'remainder',
  'and',
  'or',
  'xor',
  'shiftLeft',
  'shiftRightLogical',
] as const;
export type BinaryOp = (typeof BINARY_OPS)[number];

/**
 * Every op with its parameters. Inference, gradients and lowering are tables over these names, so a new op without a
 * rule fails to type-check.
 */
export type OpTable = Record<UnaryOp, None> &
  Record<BinaryOp, None> & {
    parameter: { readonly name: string; readonly shape: Shape; readonly dtype: DType };
    constant: { readonly data: HostArray | number; readonly shape: Shape; readonly dtype: DType };
    iota: { readonly shape: Shape; readonly dtype: DType; readonly axis: number };
    replicaId: None;

    compare: { readonly direction: CompareDirection };
    select: None;
    isFinite: None;
    convert: { readonly dtype: DType };
    bitcast: { readonly dtype: DType };

    broadcast: { readonly shape: Shape; readonly axes: readonly number[] };
    reshape: { readonly shape: Shape };
    transpose: { readonly permutation: readonly number[] };
    reverse: { readonly axes: readonly number[] };
    slice: {
      readonly start: readonly number[];
      readonly limit: readonly number[];
      readonly strides: readonly number[];
    };
    pad: { readonly low: readonly number[]; readonly high: readonly number[]; readonly interior: readonly number[] };
    concatenate: { readonly axis: number };
    dynamicSlice: { readonly sizes: readonly number[] };
    dynamicUpdateSlice: None;
    gather: GatherParams;
    scatterAdd: GatherParams;

    dot: DotParams;
    conv: ConvParams;
    convInputGradient: ConvParams & { readonly inputShape: Shape };
    convKernelGradient: ConvParams & { readonly kernelShape: Shape };

    reduce: { readonly kind: ReduceKind; readonly axes: readonly number[] };
    argmax: { readonly axis: number };
    windowSum: WindowParams;
    windowMax: WindowParams;
    windowMaxGradient: WindowParams;

    allReduce: { readonly kind: 'sum' | 'max' | 'min' };
    /** The body's captures are its inputs. */
    call: { readonly body: Graph };
    while: { readonly condition: Graph; readonly body: Graph; readonly state: number };
    barrier: None;
    stopGradient: None;
    customGradient: { readonly outputs: number; readonly backward: Backward };
  };

/** Name of an op. */
export type OpName = keyof OpTable;

/** Shape and dtype of a tensor that may not exist yet. */
export interface TensorType {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Numbers on the host with their shape, row-major. */
export interface HostTensor extends TensorType {
  readonly data: HostArray;
}

/** Tells tensors' types from the branches of a tree. */
export function isTensorType(value: unknown): value is TensorType {
  if (typeof value !== 'object' || value === null || !('dtype' in value) || !('shape' in value)) return false;
  return Array.isArray(value.shape) && DTYPES.some((dtype) => dtype === value.dtype);
}

/** Tells tensors on the host from the branches of a tree. */
export const isHostTensor = (value: unknown): value is HostTensor => isTensorType(value) && 'data' in value;

/** One op of a traced program, with typed parameters. */
export interface Node<K extends OpName = OpName> {
  /** Grows with every node that is made, so an input's id is always below its user's. */
  readonly id: number;
  readonly op: K;
  readonly params: OpTable[K];
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly TensorType[];
  /** The layer it belongs to, such as `block1/conv`; empty outside any. */
  readonly scope: string;
}

/** A value of a program that is being traced: it has a shape and a dtype but no numbers. */
export class Tensor implements TensorType {
  readonly node: Node;
  /** Which output of the node. */
  readonly index: number;
  readonly shape: Shape;
  readonly dtype: DType;

  constructor(node: Node, index: number) {
    this.node = node;
    this.index = index;
    this.shape = node.outputs[index].shape;
    this.dtype = node.outputs[index].dtype;
  }

  get rank(): number {
    return this.shape.length;
  }
}

/** Narrows a node to one op, so that its parameters have that op's type. */
export function isOp<K extends OpName>(node: Node, op: K): node is Node<K> {
  return node.op === op;
}

/** A traced function: parameters in, outputs out. Nodes may also read tensors from outside (`captures`). */
export interface Graph {
  readonly parameters: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** Tensors of an enclosing program that the nodes read; empty for a whole program. */
  readonly captures: readonly Tensor[];
}
