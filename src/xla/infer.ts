import { arrayProblem, byteSize, holds, isFloat, isInteger, isSigned, type DType } from './dtype.ts';
import { ShapeError } from './errors.ts';
import { inferGather, inferScatter } from './infer-gather.ts';
import {
  requireSameDType,
  inferConv,
  inferConvInputGradient,
  inferConvKernelGradient,
  inferWindow,
  inferWindowGradient,
} from './infer-window.ts';
import { BINARY_OPS, UNARY_OPS, type OpName, type OpTable, type Tensor, type TensorType } from './ir.ts';
import { elementCount, formatShape, requireCountable, sameShape } from './shape.ts';

type InferRule<K extends OpName> = (params: OpTable[K], inputs: readonly Tensor[]) => readonly TensorType[];

/** Types of an op's outputs. @throws ShapeError naming the op and both shapes where they don't fit. */
export function infer<K extends OpName>(op: K, params: OpTable[K], inputs: readonly Tensor[]): readonly TensorType[] {
  const outputs = RULES[op](params, inputs);
  for (const { shape } of outputs) requireCountable(op, shape);
  return outputs;
}

const formatType = ({ shape, dtype }: TensorType): string => `${dtype}${formatShape(shape)}`;

function sameTypes(op: string, inputs: readonly TensorType[]): TensorType {
  const [first, ...others] = inputs;
  for (const other of others) {
    requireSameDType(op, first, other);
    if (!sameShape(first.shape, other.shape)) {
      throw new ShapeError(`${op}: shapes ${formatType(first)} and ${formatType(other)} differ`);
    }
  }
  return { shape: first.shape, dtype: first.dtype };
}

function requireStarts(op: string, starts: readonly TensorType[]): void {
  for (const start of starts) {
    if (start.shape.length !== 0 || !isInteger(start.dtype) || start.dtype !== starts[0].dtype) {
      throw new ShapeError(`${op}: start ${formatType(start)} is no integer scalar of one type with the others`);
    }
  }
}

/** Refuses a tensor of another kind of numbers than an op is for. */
export function requireDType(op: string, input: TensorType, accepts: (dtype: DType) => boolean, wanted: string): void {
  if (!accepts(input.dtype)) throw new ShapeError(`${op}: dtype of ${formatType(input)} is not ${wanted}`);
}

const isBool = (dtype: DType): boolean => dtype === 'bool';
const isIntegerOrBool = (dtype: DType): boolean => isInteger(dtype) || isBool(dtype);
const isNumber = (dtype: DType): boolean => !isBool(dtype);

const ACCEPTS: Partial<Record<OpName, [(dtype: DType) => boolean, string]>> = {
  negate: [isNumber, 'a number'],
  abs: [isSigned, 'a number with a sign'],
  sign: [isSigned, 'a number with a sign'],
  not: [isIntegerOrBool, 'an integer or bool'],
  and: [isIntegerOrBool, 'an integer or bool'],
  or: [isIntegerOrBool, 'an integer or bool'],
  xor: [isIntegerOrBool, 'an integer or bool'],
  shiftLeft: [isInteger, 'an integer'],
  shiftRightLogical: [isInteger, 'an integer'],
};
for (const op of [
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
] as const) {
  ACCEPTS[op] = [isFloat, 'a float'];
}
for (const op of ['add', 'subtract', 'multiply', 'divide', 'maximum', 'minimum', 'power', 'remainder'] as const) {
  ACCEPTS[op] = [isNumber, 'a number'];
}

function elementwise<K extends OpName>(op: K): InferRule<K> {
  return (_params, inputs) => {
    const type = sameTypes(op, inputs);
    const accepts = ACCEPTS[op];
    if (accepts !== undefined) requireDType(op, type, accepts[0], accepts[1]);
    return [type];
  };
}

function elementwiseRules<K extends OpName>(ops: readonly K[]): { [P in K]: InferRule<P> } {
  return Object.fromEntries(ops.map((op) => [op, elementwise(op)])) as unknown as { [P in K]: InferRule<P> };
}

const RULES: { [K in OpName]: InferRule<K> } = {
  ...elementwiseRules(UNARY_OPS),
  ...elementwiseRules(BINARY_OPS),

  parameter: ({ shape, dtype }) => [{ shape, dtype }],
  constant({ data, shape, dtype }) {
    if (typeof data === 'number') {
      if (!holds(dtype, data)) throw new ShapeError(`constant: ${data} is no ${dtype}`);
      return [{ shape, dtype }];
    }
    const problem = arrayProblem(data, dtype);
    if (problem !== undefined) throw new ShapeError(`constant: the values are no ${dtype}`, problem);
    if (data.length !== elementCount(shape)) {
      throw new ShapeError(
        `constant: ${data.length} values of ${data.BYTES_PER_ELEMENT} bytes don't fill ${formatType({ shape, dtype })}`,
      );
    }
    return [{ shape, dtype }];
  },
  iota({ shape, dtype, axis }) {
    if (!Number.isInteger(axis) || axis < 0 || axis >= shape.length)
      throw new ShapeError(`iota: axis ${axis} is not in shape ${formatShape(shape)}`);
    requireDType('iota', { shape, dtype }, isNumber, 'a number');
    return [{ shape, dtype }];
  },
  replicaId: () => [{ shape: [], dtype: 'uint32' }],

  compare: (_params, inputs) => [{ shape: sameTypes('compare', inputs).shape, dtype: 'bool' }],
  select(_params, [condition, onTrue, onFalse]) {
    requireDType('select', condition, isBool, 'bool');
    const type = sameTypes('select', [onTrue, onFalse]);
    if (!sameShape(condition.shape, type.shape)) {
      throw new ShapeError(`select: condition ${formatType(condition)} and values ${formatType(type)} differ in shape`);
    }
    return [type];
  },
  isFinite(_params, [x]) {
    requireDType('isFinite', x, isFloat, 'a float');
    return [{ shape: x.shape, dtype: 'bool' }];
  },
  convert: ({ dtype }, [x]) => [{ shape: x.shape, dtype }],
  bitcast({ dtype }, [x]) {
    // A bool is a byte on the host, but one bit to a compiler.
    const isAlike = (from: DType): boolean => byteSize(from) === byteSize(dtype) && isBool(from) === isBool(dtype);
    requireDType('bitcast', x, isAlike, `of the size of ${dtype}`);
    return [{ shape: x.shape, dtype }];
  },

  broadcast({ shape, axes }, [x]) {
    const fits =
      axes.length === x.rank &&
      axes.every(
        (axis, i) =>
          axis >= 0 &&
          axis < shape.length &&
          (x.shape[i] === 1 || x.shape[i] === shape[axis]) &&
          (i === 0 || axis > axes[i - 1]),
      );
    if (!fits) {
      throw new ShapeError(
        `broadcast: ${formatType(x)} doesn't broadcast to ${formatShape(shape)} along axes [${axes.join(',')}]`,
      );
    }
    return [{ shape, dtype: x.dtype }];
  },
  reshape({ shape }, [x]) {
    if (elementCount(shape) !== elementCount(x.shape)) {
      throw new ShapeError(
        `reshape: ${formatType(x)} has ${elementCount(x.shape)} elements, ${formatShape(shape)} ${elementCount(shape)}`,
      );
    }
    return [{ shape, dtype: x.dtype }];
  },
  transpose({ permutation }, [x]) {
    const valid = permutation.length === x.rank && x.shape.every((_, i) => permutation.includes(i));
    if (!valid)
      throw new ShapeError(`transpose: [${permutation.join(',')}] is no permutation of the axes of ${formatType(x)}`);
    return [{ shape: permutation.map((axis) => x.shape[axis]), dtype: x.dtype }];
  },
  reverse: (_params, [x]) => [{ shape: x.shape, dtype: x.dtype }],
  slice({ start, limit, strides }, [x]) {
    if ([start, limit, strides].some(({ length }) => length !== x.rank)) {
      throw new ShapeError(
        `slice: [${start.join(',')}] to [${limit.join(',')}] by [${strides.join(',')}] needs one number an axis of ${formatType(x)}`,
      );
    }
    const shape = x.shape.map((size, i) => {
      const isWhole = [start[i], limit[i], strides[i]].every(Number.isInteger);
      if (!(isWhole && start[i] >= 0 && start[i] <= limit[i] && limit[i] <= size && strides[i] >= 1)) {
        throw new ShapeError(
          `slice: [${start.join(',')}] to [${limit.join(',')}] by [${strides.join(',')}] is not inside ${formatType(x)}`,
        );
      }
      return Math.ceil((limit[i] - start[i]) / strides[i]);
    });
    return [{ shape, dtype: x.dtype }];
  },
  pad({ low, high, interior }, [x, value]) {
    if (value.dtype !== x.dtype || value.rank !== 0)
      throw new ShapeError(`pad: value ${formatType(value)} doesn't pad ${formatType(x)}`);
    if (low.length !== x.rank || high.length !== x.rank || interior.length !== x.rank) {
      throw new ShapeError(
        `pad: padding [${low.join(',')}] [${high.join(',')}] needs one number an axis of ${formatType(x)}`,
      );
    }
    const isWhole = [...low, ...high, ...interior].every(Number.isInteger);
    if (!isWhole || interior.some((gap) => gap < 0)) {
      throw new ShapeError(
        `pad: padding [${low.join(',')}] [${high.join(',')}] with gaps [${interior.join(',')}] is not of whole numbers, gaps from 0`,
      );
    }
    const shape = x.shape.map((size, i) => size + Math.max(size - 1, 0) * interior[i] + low[i] + high[i]);
    if (shape.some((size) => size < 0)) throw new ShapeError(`pad: ${formatType(x)} shrinks to ${formatShape(shape)}`);
    return [{ shape, dtype: x.dtype }];
  },
  concatenate({ axis }, inputs) {
    const [first] = inputs;
    for (const other of inputs) {
      requireSameDType('concatenate', first, other);
      const agrees = other.rank === first.rank && other.shape.every((size, i) => i === axis || size === first.shape[i]);
      if (!agrees) {
        throw new ShapeError(
          `concatenate: ${formatType(first)} and ${formatType(other)} don't join along axis ${axis}`,
        );
      }
    }
    const total = inputs.reduce((sum, input) => sum + input.shape[axis], 0);
    return [{ shape: first.shape.map((size, i) => (i === axis ? total : size)), dtype: first.dtype }];
  },
  dynamicSlice({ sizes }, [x, ...starts]) {
    if (sizes.length !== x.rank || starts.length !== x.rank || sizes.some((size, i) => size > x.shape[i])) {
      throw new ShapeError(
        `dynamicSlice: sizes [${sizes.join(',')}] and ${starts.length} starts are not inside ${formatType(x)}`,
      );
    }
    requireStarts('dynamicSlice', starts);
    return [{ shape: sizes, dtype: x.dtype }];
  },
  dynamicUpdateSlice(_params, [x, update, ...starts]) {
    const fits =
      update.rank === x.rank && starts.length === x.rank && update.shape.every((size, i) => size <= x.shape[i]);
    if (!fits || update.dtype !== x.dtype) {
      throw new ShapeError(`dynamicUpdateSlice: ${formatType(update)} doesn't fit into ${formatType(x)}`);
    }
    requireStarts('dynamicUpdateSlice', starts);
    return [{ shape: x.shape, dtype: x.dtype }];
  },
  gather: (params, [x, indices]) => [inferGather(params, x, indices)],
  scatterAdd: (params, [x, indices, updates]) => [inferScatter(params, x, indices, updates)],

  dot({ batchLeft, batchRight, contractLeft, contractRight }, [left, right]) {
    requireSameDType('dot', left, right);
    const agree = (a: readonly number[], b: readonly number[]) =>
      a.length === b.length && a.every((axis, i) => left.shape[axis] === right.shape[b[i]]);
    const areAxes = (axes: readonly number[], { rank }: Tensor) =>
      axes.every((axis, i) => Number.isInteger(axis) && axis >= 0 && axis < rank && axes.indexOf(axis) === i);
    const fits =
      areAxes([...batchLeft, ...contractLeft], left) &&
      areAxes([...batchRight, ...contractRight], right) &&
      agree(batchLeft, batchRight) &&
      agree(contractLeft, contractRight);
    if (!fits) {
      throw new ShapeError(
        `dot: ${formatType(left)} and ${formatType(right)} don't contract along axes [${contractLeft.join(',')}] and [${contractRight.join(',')}]`,
      );
    }
    const free = (x: Tensor, used: readonly number[]) => x.shape.filter((_, axis) => !used.includes(axis));
    const shape = [
      ...batchLeft.map((axis) => left.shape[axis]),
      ...free(left, [...batchLeft, ...contractLeft]),
      ...free(right, [...batchRight, ...contractRight]),
    ];
    return [{ shape, dtype: left.dtype }];
  },
  conv: (params, [x, kernel]) => [inferConv(params, x, kernel)],
  convInputGradient: (params, [gradient, kernel]) => [inferConvInputGradient(params, gradient, kernel)],
  convKernelGradient: (params, [x, gradient]) => [inferConvKernelGradient(params, x, gradient)],

  reduce({ kind, axes }, [x]) {
    if (kind === 'and' || kind === 'or') requireDType('reduce', x, isBool, 'bool');
    else requireDType('reduce', x, isNumber, 'a number');
    return [{ shape: x.shape.filter((_, axis) => !axes.includes(axis)), dtype: x.dtype }];
  },
  argmax: ({ axis }, [x]) => [{ shape: x.shape.filter((_, i) => i !== axis), dtype: 'int32' }],
  windowSum: (params, [x]) => [inferWindow('windowSum', params, x)],
  windowMax: (params, [x]) => [inferWindow('windowMax', params, x)],
  windowMaxGradient: (params, [x, gradient]) => [inferWindowGradient(params, x, gradient)],

  allReduce: (_params, inputs) => inputs.map(({ shape, dtype }) => ({ shape, dtype })),
  call: ({ body }) => body.outputs.map(({ shape, dtype }) => ({ shape, dtype })),
  while({ condition, body, state }, inputs) {
    const types = inputs.slice(0, state);
    if (body.outputs.length > state) {
      throw new ShapeError(`while: the body gives ${body.outputs.length} tensors for a state of ${state}`);
    }
    for (const [i, type] of types.entries()) {
      const next = body.outputs[i];
      if (next === undefined || !sameShape(type.shape, next.shape) || type.dtype !== next.dtype) {
        throw new ShapeError(
          `while: state ${i} starts as ${formatType(type)}, its body gives ${next === undefined ? 'nothing' : formatType(next)}`,
        );
      }
    }
    const [test] = condition.outputs;
    if (test.dtype !== 'bool' || test.rank !== 0)
      throw new ShapeError(`while: condition is ${formatType(test)}, not bool[]`);
    return types.map(({ shape, dtype }) => ({ shape, dtype }));
  },
  barrier: (_params, inputs) => inputs.map(({ shape, dtype }) => ({ shape, dtype })),
  stopGradient: (_params, [x]) => [{ shape: x.shape, dtype: x.dtype }],
  customGradient: ({ outputs }, inputs) => inputs.slice(0, outputs).map(({ shape, dtype }) => ({ shape, dtype })),
};
