export { gradient, vjp } from './autodiff.ts';
export {
  allReduce,
  customGradient,
  inOneKernel,
  optimizationBarrier,
  replicaId,
  stopGradient,
  whileLoop,
} from './control.ts';
export { constant, full, iota, onesLike, parameter, scalar, zerosLike } from './creation.ts';
export { arrayProblem, byteSize, DTYPES, hostArray, isFloat, type DType, type HostArray } from './dtype.ts';
export {
  abs,
  add,
  and,
  bitcast,
  broadcastTo,
  ceil,
  clamp,
  convert,
  cos,
  div,
  equal,
  exp,
  expm1,
  floor,
  greater,
  greaterEqual,
  isFinite,
  less,
  lessEqual,
  log,
  log1p,
  maximum,
  minimum,
  mul,
  neg,
  not,
  notEqual,
  oneHot,
  or,
  pow,
  relu,
  rem,
  round,
  rsqrt,
  shiftLeft,
  shiftRight,
  sigmoid,
  sign,
  sin,
  sqrt,
  square,
  sub,
  tanh,
  where,
  xor,
  type Operand,
} from './elementwise.ts';
export { erf } from './erf.ts';
export { ShapeError } from './errors.ts';
export { countFlops } from './flops.ts';
export { channelVector } from './channel-vector.ts';
export { nodesOf, reachableNodes } from './graph.ts';
export {
  isHostTensor,
  isOp,
  isTensorType,
  Tensor,
  type Backward,
  type DotParams,
  type GatherParams,
  type Graph,
  type HostTensor,
  type Node,
  type OpName,
  type OpTable,
  type Padding,
  type TensorType,
} from './ir.ts';
export { fromBfloat16Bits, fromFloat16Bits, toBfloat16Bits, toFloat16Array, toFloat16Bits } from './half-float.ts';
export { conv2d, dotGeneral, matmul, type ConvOptions } from './linear.ts';
export { foldScales } from './fold-scales.ts';
export { splitGraph, type SplitGraph } from './split-graph.ts';
export { joinInPlace } from './lower/cpu-join-in-place.ts';
export { withProducts } from './lower/cpu-products-inference.ts';
export { withShortcutsInPlace } from './lower/cpu-shortcut-inference.ts';
export { withWinograd } from './lower/cpu-winograd-inference.ts';
export { lowerToStableHlo, type LowerOptions, type Platform } from './lower/module.ts';
export { averagePool2d, maxPool2d, type PoolOptions } from './pooling.ts';
export { printGraph } from './print.ts';
export { bernoulli, foldIn, normal, randomBits, randomKey, threefry, uniform } from './random.ts';
export {
  all,
  any,
  argmax,
  logSoftmax,
  logSumExp,
  max,
  mean,
  min,
  softmax,
  sum,
  type ReduceOptions,
} from './reduction.ts';
export { withScope } from './scope.ts';
export { elementCount, formatShape, sameShape, type Shape } from './shape.ts';
export {
  concatenate,
  dynamicSlice,
  dynamicUpdateSlice,
  expandDims,
  gather,
  pad,
  reshape,
  reverse,
  scatterAdd,
  slice,
  sliceAxis,
  stack,
  take,
  transpose,
} from './structure.ts';
export { trace, type ArgumentType } from './trace.ts';
