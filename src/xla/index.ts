export { gradient, vjp } from './autodiff.ts';
export { allReduce, customGradient, optimizationBarrier, replicaId, stopGradient, whileLoop } from './control.ts';
export { constant, full, iota, onesLike, parameter, scalar, zerosLike } from './creation.ts';
export {
  byteSize,
  DTYPES,
  fromBfloat16Bits,
  hostArray,
  isFloat,
  toBfloat16Bits,
  type DType,
  type HostArray,
} from './dtype.ts';
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
export { ShapeError } from './errors.ts';
export type { GatherParams, Graph, Node, Padding, TensorType } from './ir.ts';
export { Tensor } from './ir.ts';
export { conv2d, dotGeneral, matmul, type ConvOptions } from './linear.ts';
export { lowerToStableHlo, type LowerOptions, type Platform } from './lower/module.ts';
export { averagePool2d, maxPool2d, type PoolOptions } from './pooling.ts';
export { printGraph } from './print.ts';
export { bernoulli, foldIn, normal, randomBits, randomKey, uniform } from './random.ts';
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
