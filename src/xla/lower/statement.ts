import { assert } from '../../base/index.ts';
import type { BinaryOp, GatherParams, Node, OpName, UnaryOp } from '../ir.ts';
import { writeConv, writeConvInputGradient, writeConvKernelGradient } from './convolution.ts';
import { array, compareType, denseLiteral, list, signature, tensorType } from './literal.ts';
import { writeCall } from './call.ts';
import { REDUCTIONS, writeArgmax, writeCombiner, writeSelectAndScatter, writeWhile, writeWindow } from './region.ts';
import type { Writer } from './writer.ts';

/** Writes one op; `alias` says that its outputs are nothing but other names for its first inputs. */
type LowerRule<K extends OpName> = ((node: Node<K>, writer: Writer) => void) | 'alias';

const UNARY: Record<UnaryOp, string> = {
  negate: 'negate',
  abs: 'abs',
  sign: 'sign',
  exp: 'exponential',
  expm1: 'exponential_minus_one',
  log: 'log',
  log1p: 'log_plus_one',
  sqrt: 'sqrt',
  rsqrt: 'rsqrt',
  tanh: 'tanh',
  logistic: 'logistic',
  sin: 'sine',
  cos: 'cosine',
  floor: 'floor',
  ceil: 'ceil',
  round: 'round_nearest_even',
  not: 'not',
};

const BINARY: Record<BinaryOp, string> = {
  add: 'add',
  subtract: 'subtract',
  multiply: 'multiply',
  divide: 'divide',
  maximum: 'maximum',
  minimum: 'minimum',
  power: 'power',
  remainder: 'remainder',
  and: 'and',
  or: 'or',
  xor: 'xor',
  shiftLeft: 'shift_left',
  shiftRightLogical: 'shift_right_logical',
};

function unary<K extends UnaryOp>(op: K): LowerRule<K> {
  return (node, w) =>
    w.assign(node, `stablehlo.${UNARY[op]} ${w.namesOf(node.inputs)} : ${tensorType(node.outputs[0])}`);
}

function binary<K extends BinaryOp>(op: K): LowerRule<K> {
  return (node, w) =>
    w.assign(node, `stablehlo.${BINARY[op]} ${w.namesOf(node.inputs)} : ${tensorType(node.outputs[0])}`);
}

/** How every op is written in StableHLO. Grammar: https://openxla.org/stablehlo/spec */
const RULES: { [K in OpName]: LowerRule<K> } = {
  negate: unary('negate'),
  abs: unary('abs'),
  sign: unary('sign'),
  exp: unary('exp'),
  expm1: unary('expm1'),
  log: unary('log'),
  log1p: unary('log1p'),
  sqrt: unary('sqrt'),
  rsqrt: unary('rsqrt'),
  tanh: unary('tanh'),
  logistic: unary('logistic'),
  sin: unary('sin'),
  cos: unary('cos'),
  floor: unary('floor'),
  ceil: unary('ceil'),
  round: unary('round'),
  not: unary('not'),

  add: binary('add'),
  subtract: binary('subtract'),
  multiply: binary('multiply'),
  divide: binary('divide'),
  maximum: binary('maximum'),
  minimum: binary('minimum'),
  power: binary('power'),
  remainder: binary('remainder'),
  and: binary('and'),
  or: binary('or'),
  xor: binary('xor'),
  shiftLeft: binary('shiftLeft'),
  shiftRightLogical: binary('shiftRightLogical'),

  parameter: (node) => assert(false, `parameter ${node.params.name} is not among the traced function's`),
  constant(node, w) {
    w.assign(node, `stablehlo.constant ${denseLiteral(node.params.data, node.params)} : ${tensorType(node.params)}`);
  },
  iota: (node, w) => w.assign(node, `stablehlo.iota dim = ${node.params.axis} : ${tensorType(node.outputs[0])}`),
  replicaId: (node, w) => w.assign(node, 'stablehlo.replica_id : tensor<ui32>'),

  compare(node, w) {
    const type = compareType(node.inputs[0].dtype);
    w.assign(
      node,
      `stablehlo.compare ${node.params.direction}, ${w.namesOf(node.inputs)}, ${type} : ${signature(node)}`,
    );
  },
  select(node, w) {
    const types = `${tensorType(node.inputs[0])}, ${tensorType(node.outputs[0])}`;
    w.assign(node, `stablehlo.select ${w.namesOf(node.inputs)} : ${types}`);
  },
  isFinite: (node, w) => w.assign(node, `stablehlo.is_finite ${w.namesOf(node.inputs)} : ${signature(node)}`),
  convert: (node, w) => w.assign(node, `stablehlo.convert ${w.namesOf(node.inputs)} : ${signature(node)}`),
  bitcast: (node, w) => w.assign(node, `stablehlo.bitcast_convert ${w.namesOf(node.inputs)} : ${signature(node)}`),

  broadcast(node, w) {
    w.assign(
      node,
      `stablehlo.broadcast_in_dim ${w.namesOf(node.inputs)}, dims = ${list(node.params.axes)} : ${signature(node)}`,
    );
  },
  reshape: (node, w) => w.assign(node, `stablehlo.reshape ${w.namesOf(node.inputs)} : ${signature(node)}`),
  transpose(node, w) {
    w.assign(
      node,
      `stablehlo.transpose ${w.namesOf(node.inputs)}, dims = ${list(node.params.permutation)} : ${signature(node)}`,
    );
  },
  reverse(node, w) {
    w.assign(
      node,
      `stablehlo.reverse ${w.namesOf(node.inputs)}, dims = ${list(node.params.axes)} : ${tensorType(node.outputs[0])}`,
    );
  },
  slice(node, w) {
    const { start, limit, strides } = node.params;
    const ranges = start.map((from, i) => `${from}:${limit[i]}:${strides[i]}`).join(', ');
    w.assign(node, `stablehlo.slice ${w.namesOf(node.inputs)} [${ranges}] : ${signature(node)}`);
  },
  pad(node, w) {
    const { low, high, interior } = node.params;
    const edges = `low = ${list(low)}, high = ${list(high)}, interior = ${list(interior)}`;
    w.assign(node, `stablehlo.pad ${w.namesOf(node.inputs)}, ${edges} : ${signature(node)}`);
  },
  concatenate(node, w) {
    w.assign(node, `stablehlo.concatenate ${w.namesOf(node.inputs)}, dim = ${node.params.axis} : ${signature(node)}`);
  },
  dynamicSlice(node, w) {
    w.assign(
      node,
      `stablehlo.dynamic_slice ${w.namesOf(node.inputs)}, sizes = ${list(node.params.sizes)} : ${signature(node)}`,
    );
  },
  dynamicUpdateSlice(node, w) {
    w.assign(node, `stablehlo.dynamic_update_slice ${w.namesOf(node.inputs)} : ${signature(node)}`);
  },
  gather(node, w) {
    const { offsetDims, collapsedSliceDims, startIndexMap, indexVectorDim, sliceSizes } = node.params;
    const numbers = [
      `offset_dims = ${list(offsetDims)}`,
      `collapsed_slice_dims = ${list(collapsedSliceDims)}`,
      `start_index_map = ${list(startIndexMap)}`,
      `index_vector_dim = ${indexVectorDim}`,
    ];
    const attributes = `dimension_numbers = #stablehlo.gather<${numbers.join(', ')}>, slice_sizes = ${array(sliceSizes)}`;
    w.assign(node, `"stablehlo.gather"(${w.namesOf(node.inputs)}) <{${attributes}}> : ${signature(node)}`);
  },
  scatterAdd(node, w) {
    const attributes = `scatter_dimension_numbers = #stablehlo.scatter<${scatterNumbers(node.params)}>`;
    w.assign(node, `"stablehlo.scatter"(${w.namesOf(node.inputs)}) <{${attributes}}> (`);
    writeCombiner(w, 'add', node.inputs[0].dtype);
    w.line(`) : ${signature(node)}`);
  },

  dot(node, w) {
    const { batchLeft, batchRight, contractLeft, contractRight } = node.params;
    const batch = batchLeft.length > 0 ? `batching_dims = ${list(batchLeft)} x ${list(batchRight)}, ` : '';
    const contract = `contracting_dims = ${list(contractLeft)} x ${list(contractRight)}`;
    w.assign(node, `stablehlo.dot_general ${w.namesOf(node.inputs)}, ${batch}${contract} : ${signature(node)}`);
  },
  conv: writeConv,
  convInputGradient: writeConvInputGradient,
  convKernelGradient: writeConvKernelGradient,

  reduce(node, w) {
    const [x] = node.inputs;
    const { op, start } = REDUCTIONS[node.params.kind];
    const init = w.scalar(start(x.dtype), x.dtype);
    const types = `(${tensorType(x)}, ${tensorType({ shape: [], dtype: x.dtype })}) -> ${tensorType(node.outputs[0])}`;
    w.assign(
      node,
      `stablehlo.reduce(${w.nameOf(x)} init: ${init}) applies stablehlo.${op} across dimensions = ${list(node.params.axes)} : ${types}`,
    );
  },
  argmax: writeArgmax,
  windowSum: (node, w) => writeWindow(node, w, 'sum'),
  windowMax: (node, w) => writeWindow(node, w, 'max'),
  windowMaxGradient: writeSelectAndScatter,

  allReduce(node, w) {
    if (w.replicas === 1) {
      for (const [i, input] of node.inputs.entries()) w.alias(node, i, input);
      return;
    }
    const group = Array.from({ length: w.replicas }, (_, i) => i);
    const groups = `replica_groups = dense<${list(group).replace('[', '[[').replace(']', ']]')}> : tensor<1x${w.replicas}xi64>`;
    // One op a tensor: plugins older than StableHLO's variadic form know no other, and XLA combines them by itself.
    for (const [i, input] of node.inputs.entries()) {
      const name = w.fresh();
      w.bind(node, i, name);
      w.line(`${name} = "stablehlo.all_reduce"(${w.nameOf(input)}) <{${groups}}> (`);
      writeCombiner(w, REDUCTIONS[node.params.kind].op, input.dtype);
      w.line(`) : (${tensorType(input)}) -> ${tensorType(input)}`);
    }
  },
  call: writeCall,
  while: writeWhile,
  barrier(node, w) {
    w.assign(
      node,
      `stablehlo.optimization_barrier ${w.namesOf(node.inputs)} : ${node.outputs.map(tensorType).join(', ')}`,
    );
  },
  stopGradient: 'alias',
  customGradient: 'alias',
};

/** Writes a node with the rule of its op. */
export function writeStatement<K extends OpName>(node: Node<K>, writer: Writer): void {
  const rule = RULES[node.op];
  if (rule === 'alias') for (const i of node.outputs.keys()) writer.alias(node, i, node.inputs[i]);
  else rule(node, writer);
}

function scatterNumbers({ offsetDims, collapsedSliceDims, startIndexMap, indexVectorDim }: GatherParams): string {
  return [
    `update_window_dims = ${list(offsetDims)}`,
    `inserted_window_dims = ${list(collapsedSliceDims)}`,
    `scatter_dims_to_operand_dims = ${list(startIndexMap)}`,
    `index_vector_dim = ${indexVectorDim}`,
  ].join(', ');
}
