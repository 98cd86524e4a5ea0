import {
  elementCount,
  fromFloat16Bits,
  hostArray,
  isFloat,
  sameShape,
  toBfloat16Bits,
  toFloat16Array,
  toFloat16Bits,
  type DType,
  type HostTensor,
  type OpName,
  type Shape,
} from '../xla/index.ts';

/** Ops whose value is known once their inputs' are, so that no program has to compute them again. */
const FOLDED: Partial<Record<OpName, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  negate: (a) => -a,
  sqrt: (a) => Math.sqrt(a),
  rsqrt: (a) => 1 / Math.sqrt(a),
};

const isSingle = ({ shape }: HostTensor): boolean => elementCount(shape) === 1;

/** The op on float32 numbers, rounded as float32 hardware does; undefined for other ops, dtypes and shapes. */
export function foldElementwise(op: OpName, inputs: readonly HostTensor[]): HostTensor | undefined {
  const compute = FOLDED[op];
  const [a, b = a] = inputs;
  if (compute === undefined || a.dtype !== 'float32' || b.dtype !== 'float32') return undefined;
  if (!isSingle(a) && !isSingle(b) && !sameShape(a.shape, b.shape)) return undefined;
  const { shape } = isSingle(a) ? b : a;
  const data = new Float32Array(elementCount(shape));
  for (let i = 0; i < data.length; i++) {
    data[i] = compute(Number(a.data[isSingle(a) ? 0 : i]), Number(b.data[isSingle(b) ? 0 : i]));
  }
  return { shape, dtype: 'float32', data };
}

/** Numbers on the host as another dtype. */
export function convertHost({ shape, dtype, data }: HostTensor, to: DType): HostTensor {
  if (dtype === to) return { shape, dtype, data };
  if (to === 'float16' && data instanceof Float32Array) return { shape, dtype: to, data: toFloat16Array(data) };
  const read = dtype === 'float16' ? fromFloat16Bits : Number;
  const write = to === 'float16' ? toFloat16Bits : to === 'bfloat16' ? toBfloat16Bits : isFloat(to) ? Number : Math.trunc; // prettier-ignore
  const result = hostArray(to, data.length);
  for (let i = 0; i < data.length; i++) {
    const value = write(read(Number(data[i])));
    result[i] = (to.endsWith('int64') ? BigInt(value) : value) as never;
  }
  return { shape, dtype: to, data: result };
}

/** Axis `i` of the result is axis `order[i]`. */
export function transposeHost({ shape, dtype, data }: HostTensor, order: readonly number[]): HostTensor {
  const target: Shape = order.map((axis) => shape[axis]);
  const strides = order.map((axis) => elementCount(shape.slice(axis + 1)));
  const result = hostArray(dtype, data.length);
  const index = target.map(() => 0);
  let from = 0;
  for (let to = 0; to < data.length; to++) {
    result[to] = data[from];
    for (let axis = target.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < target[axis]) break;
      from -= strides[axis] * target[axis];
      index[axis] = 0;
    }
  }
  return { shape: target, dtype, data: result };
}
