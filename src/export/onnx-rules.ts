import type { DType, HostTensor, Node, OpName, Padding, Shape } from '../xla/index.ts';
import { convertHost, foldElementwise, transposeHost } from './host-math.ts';
import { ExportError } from './errors.ts';
import {
  AXIS_IN_FIRST,
  BATCH,
  commonLayout,
  freeShape,
  hostValue,
  nameIn,
  requireWhole,
  type Layout,
  type Value,
} from './onnx-values.ts';
import { DATA_TYPES, type OnnxWriter } from './onnx-writer.ts';

/** Writes one op; gives the values of its outputs. `alias`: they are its first inputs under other names. */
export type OnnxRule<K extends OpName> =
  ((node: Node<K>, inputs: readonly Value[], writer: OnnxWriter) => Value) | 'alias';

const named = (layout: Layout, name: string, shape: Shape, dtype: DType): Value => ({
  shape,
  dtype,
  names: shape.length === 4 && layout === 'first' ? { first: name } : { last: name },
});

/** An op on every element; what is known is computed at once. */
function elementwise<K extends OpName>(op: string | readonly string[]): OnnxRule<K> {
  const chain = typeof op === 'string' ? [op] : op;
  return (node, inputs, writer) => {
    const hosts = inputs.flatMap(({ host }) => host ?? []);
    const folded = hosts.length === inputs.length ? foldElementwise(node.op, hosts) : undefined;
    if (folded !== undefined) return hostValue(folded, node.scope);
    const layout = commonLayout(inputs);
    const [{ dtype, shape: whole }] = node.outputs;
    const shape = whole.map((_, axis) => Math.max(...inputs.map((input) => input.shape[axis])));
    const [first, ...rest] = chain;
    const start = writer.node(first, inputs.map((input) => nameIn(writer, input, layout)), {}, node.scope); // prettier-ignore
    const name = rest.reduce((result, next) => writer.node(next, [result], {}, node.scope), start);
    return named(layout, name, shape, dtype);
  };
}

const COMPARISONS = { EQ: ['Equal'], NE: ['Equal', 'Not'], LT: ['Less'], LE: ['LessOrEqual'], GT: ['Greater'], GE: ['GreaterOrEqual'] } as const; // prettier-ignore

/** The axis of a feature map in a layout. */
const axisIn = (layout: Layout, axis: number, rank: number): number =>
  layout === 'first' && rank === 4 ? AXIS_IN_FIRST[axis] : axis;

/** ONNX's `pads`: all beginnings, then all ends. */
function pads(op: string, edges: readonly Padding[]): number[] {
  const all = [...edges.map(([low]) => low), ...edges.map(([, high]) => high)];
  if (all.some((size) => size < 0)) throw new ExportError('EXPORT_OP', `ONNX: ${op} with negative padding`);
  return all;
}

function pool(kind: 'MaxPool' | 'AveragePool'): OnnxRule<'windowMax' | 'windowSum'> {
  return (node, [x], writer) => {
    const { window, strides, padding } = node.params;
    const spatial = window.length === 4 && window[0] === 1 && window[3] === 1;
    if (!spatial) throw new ExportError('EXPORT_OP', `ONNX: ${node.op} over other axes than height and width`);
    requireWhole(node.op, x, node.inputs[0].shape);
    const attributes = {
      kernel_shape: window.slice(1, 3),
      strides: strides.slice(1, 3),
      pads: pads(node.op, padding.slice(1, 3)),
      ...(kind === 'AveragePool' ? { count_include_pad: 1 } : {}),
    };
    const [{ shape, dtype }] = node.outputs;
    const name = nameIn(writer, x, 'first');
    // ONNX Runtime joins a Pad before a MaxPool with it, whose own padding never wins: zeros would be lost.
    const isPadded = kind === 'MaxPool' && node.inputs[0].node.op === 'pad';
    const whole = isPadded ? writer.node('Max', [name, writer.tensor('lowest', scalar(-65_504, x.dtype))], {}, node.scope) : name; // prettier-ignore
    const pooled = writer.node(kind, [whole], attributes, node.scope);
    if (kind === 'MaxPool') return named('first', pooled, shape, dtype);
    const area = scalar(window[1] * window[2], dtype);
    return named('first', writer.node('Mul', [pooled, writer.tensor('area', area)], {}, node.scope), shape, dtype);
  };
}

const scalar = (value: number, dtype: DType): HostTensor =>
  convertHost({ shape: [], dtype: 'float64', data: Float64Array.of(value) }, dtype);

/** How each op of a program for inference is written in ONNX. */
export const ONNX_RULES: { readonly [K in OpName]?: OnnxRule<K> } = {
  negate: elementwise('Neg'),
  abs: elementwise('Abs'),
  sign: elementwise('Sign'),
  exp: elementwise('Exp'),
  log: elementwise('Log'),
  sqrt: elementwise('Sqrt'),
  rsqrt: elementwise(['Sqrt', 'Reciprocal']),
  tanh: elementwise('Tanh'),
  logistic: elementwise('Sigmoid'),
  sin: elementwise('Sin'),
  cos: elementwise('Cos'),
  floor: elementwise('Floor'),
  ceil: elementwise('Ceil'),
  round: elementwise('Round'),
  add: elementwise('Add'),
  subtract: elementwise('Sub'),
  multiply: elementwise('Mul'),
  divide: elementwise('Div'),
  maximum: elementwise('Max'),
  minimum: elementwise('Min'),
  power: elementwise('Pow'),
  select: elementwise('Where'),
  compare: (node, inputs, writer) => {
    const rule = elementwise<'compare'>(COMPARISONS[node.params.direction]);
    return rule === 'alias' ? inputs[0] : rule(node, inputs, writer);
  },

  constant({ params: { data, shape, dtype } }) {
    if (typeof data !== 'number') return hostValue({ data, shape, dtype });
    return hostValue({ ...scalar(data, dtype), shape: shape.map(() => 1) });
  },
  convert(node, [x], writer) {
    const { dtype } = node.params;
    if (x.host !== undefined) return hostValue(convertHost(x.host, dtype), node.scope);
    const layout = commonLayout([x]);
    const name = writer.node('Cast', [nameIn(writer, x, layout)], { to: DATA_TYPES[dtype] }, node.scope);
    return named(layout, name, x.shape, dtype);
  },

  broadcast(node, [x], writer) {
    const { shape, axes } = node.params;
    const small = shape.map((_, axis) => (axes.includes(axis) ? x.shape[axes.indexOf(axis)] : 1));
    if (x.host !== undefined) return hostValue({ ...x.host, shape: small }, node.scope);
    if (x.shape.length === shape.length) return x;
    const name = nameIn(writer, x, 'last');
    const list = writer.list(freeShape(x.shape, small));
    return named('last', writer.node('Reshape', [name, list], {}, node.scope), small, x.dtype);
  },
  reshape(node, [x], writer) {
    const { shape } = node.params;
    requireWhole('reshape', x, node.inputs[0].shape);
    if (x.host !== undefined) return hostValue({ ...x.host, shape }, node.scope);
    const inputs = [nameIn(writer, x, 'last'), writer.list(freeShape(x.shape, shape))];
    return named('last', writer.node('Reshape', inputs, {}, node.scope), shape, x.dtype);
  },
  transpose(node, [x], writer) {
    const { permutation } = node.params;
    if (x.host !== undefined) return hostValue(transposeHost(x.host, permutation), node.scope);
    const shape = permutation.map((axis) => x.shape[axis]);
    const name = writer.node('Transpose', [nameIn(writer, x, 'last')], { perm: permutation }, node.scope);
    return named('last', name, shape, x.dtype);
  },
  reverse(node, [x], writer) {
    const { axes } = node.params;
    const layout = commonLayout([x]);
    const list = (value: number) => writer.list(axes.map(() => value));
    // From the last element back beyond the first one.
    const places = [list(-1), list(-(2 ** 31)), writer.list(axes.map((axis) => axisIn(layout, axis, 4))), list(-1)];
    const name = writer.node('Slice', [nameIn(writer, x, layout), ...places], {}, node.scope);
    return named(layout, name, x.shape, x.dtype);
  },
  slice(node, [x], writer) {
    const { start, limit, strides } = node.params;
    const [{ shape: whole }] = node.inputs;
    requireWhole('slice', x, whole);
    const layout = commonLayout([x]);
    const axes = whole.flatMap((size, i) => (start[i] !== 0 || limit[i] !== size || strides[i] !== 1 ? [i] : []));
    if (axes.length === 0) return x;
    if (axes.some((axis) => whole[axis] === BATCH)) throw new ExportError('EXPORT_OP', 'ONNX: a slice of the batch');
    const pick = (values: readonly number[]) => writer.list(axes.map((axis) => values[axis]));
    const places = writer.list(axes.map((axis) => axisIn(layout, axis, whole.length)));
    const inputs = [nameIn(writer, x, layout), pick(start), pick(limit), places, pick(strides)];
    const [{ shape, dtype }] = node.outputs;
    return named(layout, writer.node('Slice', inputs, {}, node.scope), shape, dtype);
  },
  pad(node, [x, value], writer) {
    const { low, high, interior } = node.params;
    requireWhole('pad', x, node.inputs[0].shape);
    if (interior.some((size) => size !== 0)) throw new ExportError('EXPORT_OP', 'ONNX: padding between elements');
    const layout = commonLayout([x]);
    const order = low.map((_, axis) => axisIn(layout, axis, low.length));
    const edges: Padding[] = [];
    for (const [axis, place] of order.entries()) edges[place] = [low[axis], high[axis]];
    const inputs = [nameIn(writer, x, layout), writer.list(pads('pad', edges)), nameIn(writer, value, 'last')];
    const [{ shape, dtype }] = node.outputs;
    return named(layout, writer.node('Pad', inputs, {}, node.scope), shape, dtype);
  },
  concatenate(node, inputs, writer) {
    for (const [i, input] of inputs.entries()) requireWhole('concatenate', input, node.inputs[i].shape);
    const layout = commonLayout(inputs);
    const [{ shape, dtype }] = node.outputs;
    const axis = axisIn(layout, node.params.axis, shape.length);
    const names = inputs.map((input) => nameIn(writer, input, layout));
    return named(layout, writer.node('Concat', names, { axis }, node.scope), shape, dtype);
  },

  dot(node, [left, right], writer) {
    const { batchLeft, contractLeft, contractRight } = node.params;
    const plain = contractLeft[0] === left.shape.length - 1 && contractRight[0] === 0 && right.shape.length === 2;
    if (batchLeft.length > 0 || contractLeft.length !== 1 || !plain) {
      throw new ExportError('EXPORT_OP', 'ONNX: a product over other axes than the last and the first');
    }
    const [{ shape, dtype }] = node.outputs;
    const names = [left, right].map((value) => nameIn(writer, value, 'last'));
    return named('last', writer.node('MatMul', names, {}, node.scope), shape, dtype);
  },
  conv(node, [x, kernel], writer) {
    const { strides, padding, dilation, groups } = node.params;
    if (kernel.host === undefined || kernel.shape.length !== 4) {
      throw new ExportError('EXPORT_OP', 'ONNX: a convolution with a kernel that is computed, or not over two axes');
    }
    // [height, width, inputs, outputs] → [outputs, inputs, height, width]
    const weights = writer.tensor(`${node.scope}/kernel`, transposeHost(kernel.host, [3, 2, 0, 1]));
    const attributes = {
      kernel_shape: kernel.shape.slice(0, 2),
      strides,
      pads: pads('conv', padding),
      dilations: dilation,
      group: groups,
    };
    const [{ shape, dtype }] = node.outputs;
    const inputs = [nameIn(writer, x, 'first'), weights];
    return named('first', writer.node('Conv', inputs, attributes, node.scope), shape, dtype);
  },

  reduce(node, [x], writer) {
    const { kind, axes } = node.params;
    const op = { sum: 'ReduceSum', max: 'ReduceMax', min: 'ReduceMin', and: undefined, or: undefined }[kind];
    if (op === undefined) throw new ExportError('EXPORT_OP', `ONNX: reduce of ${kind}`);
    requireWhole('reduce', x, node.inputs[0].shape);
    const rank = x.shape.length;
    // What is left must stand in our order: channels may come last only if nothing spatial is left with them.
    const keepsOrder = axes.includes(3) || (axes.includes(1) && axes.includes(2));
    const layout = rank === 4 && keepsOrder ? commonLayout([x]) : 'last';
    const places = axes.map((axis) => axisIn(layout, axis, rank)).toSorted((a, b) => a - b);
    const name = nameIn(writer, x, layout);
    const [{ shape, dtype }] = node.outputs;
    // Only ReduceSum has its axes as an input in this version.
    const reduced = kind === 'sum' ? writer.node(op, [name, writer.list(places)], { keepdims: 0 }, node.scope) : writer.node(op, [name], { axes: places, keepdims: 0 }, node.scope); // prettier-ignore
    return named('last', reduced, shape, dtype);
  },
  argmax(node, [x], writer) {
    const index = writer.node(
      'ArgMax',
      [nameIn(writer, x, 'last')],
      { axis: node.params.axis, keepdims: 0 },
      node.scope,
    );
    const [{ shape, dtype }] = node.outputs;
    return named('last', writer.node('Cast', [index], { to: DATA_TYPES[dtype] }, node.scope), shape, dtype);
  },
  windowMax: pool('MaxPool'),
  windowSum: pool('AveragePool'),

  barrier: 'alias',
  stopGradient: 'alias',
  customGradient: 'alias',
};
