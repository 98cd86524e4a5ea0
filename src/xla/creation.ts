import type { DType, HostArray } from './dtype.ts';
import { emit } from './emit.ts';
import type { Tensor, TensorType } from './ir.ts';
import type { Shape } from './shape.ts';

/** A tensor with the numbers of a host array, row-major, written into the program. */
export function constant(data: HostArray, shape: Shape, dtype: DType): Tensor {
  return emit('constant', { data, shape, dtype }, []);
}

/** A tensor filled with one value. */
export function full(shape: Shape, value: number, dtype: DType): Tensor {
  return emit('constant', { data: value, shape, dtype }, []);
}

/** A number as a tensor of shape `[]`. */
export const scalar = (value: number, dtype: DType): Tensor => full([], value, dtype);
/** Zeros of a tensor’s shape and dtype. */
export const zerosLike = ({ shape, dtype }: TensorType): Tensor => full(shape, 0, dtype);
/** Ones of a tensor’s shape and dtype. */
export const onesLike = ({ shape, dtype }: TensorType): Tensor => full(shape, 1, dtype);

/** The index along `axis` at every element. */
export function iota(shape: Shape, dtype: DType, axis = 0): Tensor {
  return emit('iota', { shape, dtype, axis }, []);
}

/** A named input of a program that is traced without a function around it. */
export function parameter(name: string, { shape, dtype }: TensorType): Tensor {
  return emit('parameter', { name, shape, dtype }, []);
}
