import {
  elementCount,
  fromBfloat16Bits,
  fromFloat16Bits,
  hostArray,
  type DType,
  type HostArray,
  type HostTensor,
  type Shape,
  type TensorType,
} from '../../xla/index.ts';

/** A tensor in a file: its type is known, its numbers are read when they are asked for. */
export interface StoredTensor extends TensorType {
  read(): HostTensor;
}

/** Little-endian bytes as a host array of their own. */
export function arrayOf(dtype: DType, bytes: Uint8Array): HostArray {
  // A copy, as a view of a wide type must start at a multiple of its element size.
  const copy = new Uint8Array(bytes.byteLength);
  copy.set(bytes);
  return hostArray(dtype, copy.buffer);
}

/** The numbers of a tensor of any dtype as float32, which is what variables are. */
export function float32Of({ dtype, data }: HostTensor): Float32Array {
  if (dtype === 'float32' && data instanceof Float32Array) return data;
  const decode = dtype === 'float16' ? fromFloat16Bits : dtype === 'bfloat16' ? fromBfloat16Bits : Number;
  return Float32Array.from(data as ArrayLike<number>, decode);
}

/** What lies `strides` elements apart from `offset` on, in rows. */
export function gatherStrided(
  data: HostArray,
  dtype: DType,
  { shape, strides, offset }: { readonly shape: Shape; readonly strides: readonly number[]; readonly offset: number },
): HostArray {
  const count = elementCount(shape);
  if (isRowMajor(shape, strides)) return data.slice(offset, offset + count);
  const result = hostArray(dtype, count);
  const index = shape.map(() => 0);
  let from = offset;
  for (let to = 0; to < count; to++) {
    result[to] = data[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return result;
}

/** Steps between neighbours of each axis of a tensor that lies in rows. */
function rowMajorStrides(shape: Shape): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
}

function isRowMajor(shape: Shape, strides: readonly number[]): boolean {
  const rows = rowMajorStrides(shape);
  return shape.every((size, axis) => size === 1 || strides[axis] === rows[axis]);
}

/** A tensor with its axes in another order: axis `i` of the result is axis `order[i]`. */
export function transposeHost({ shape, dtype, data }: HostTensor, order: readonly number[]): HostTensor {
  const strides = rowMajorStrides(shape);
  const target = { shape: order.map((axis) => shape[axis]), strides: order.map((axis) => strides[axis]), offset: 0 };
  return { shape: target.shape, dtype, data: gatherStrided(data, dtype, target) };
}
