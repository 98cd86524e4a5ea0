import { byteSize, isFloat, isSigned, mlirType, toBfloat16Bits, type DType, type HostArray } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import type { Node, TensorType } from '../ir.ts';

/** `tensor<2x3xf32>`. */
export function tensorType({ shape, dtype }: TensorType): string {
  return `tensor<${[...shape, mlirType(dtype)].join('x')}>`;
}

export const list = (numbers: readonly number[]): string => `[${numbers.join(', ')}]`;
export const array = (numbers: readonly number[]): string =>
  `array<i64${numbers.length > 0 ? `: ${numbers.join(', ')}` : ''}>`;
export const compareType = (dtype: DType): string =>
  isFloat(dtype) ? 'FLOAT' : isSigned(dtype) ? 'SIGNED' : 'UNSIGNED';

/** `(operand types) -> result types` */
export function signature(node: Node, inputs: readonly TensorType[] = node.inputs): string {
  const results = node.outputs.map(tensorType);
  const to = results.length === 1 ? results[0] : `(${results.join(', ')})`;
  return `(${inputs.map(tensorType).join(', ')}) -> ${to}`;
}

/** A `dense<…>` attribute: one number for all elements, or an array with one for each. */
export function denseLiteral(data: HostArray | number, dtype: DType): string {
  if (typeof data === 'number') return `dense<${numberLiteral(data, dtype)}>`;
  // MLIR packs raw booleans into bits, so they are spelled out.
  if (dtype === 'bool') return `dense<[${[...data].map((value) => (value ? 'true' : 'false')).join(', ')}]>`;
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return `dense<"0x${bytes.toString('hex').toUpperCase()}">`;
}

function numberLiteral(value: number, dtype: DType): string {
  if (dtype === 'bool') return value === 0 ? 'false' : 'true';
  if (!isFloat(dtype)) {
    if (!Number.isInteger(value)) throw new ShapeError(`constant: ${value} is no ${dtype}`);
    return BigInt(value).toString();
  }
  if (Number.isFinite(value) && !Object.is(value, -0)) {
    const text = value.toExponential();
    return text.includes('.') ? text : text.replace('e', '.0e');
  }
  return `0x${specialBits(value, dtype)}`;
}

function specialBits(value: number, dtype: DType): string {
  const size = byteSize(dtype);
  const view = new DataView(new ArrayBuffer(8));
  if (dtype === 'float64') view.setFloat64(0, value);
  else if (dtype === 'float32') view.setFloat32(0, value);
  else if (dtype === 'bfloat16') view.setUint16(0, toBfloat16Bits(value));
  else
    view.setUint16(
      0,
      (value < 0 || Object.is(value, -0) ? 0x8000 : 0) | (value === 0 ? 0 : Number.isNaN(value) ? 0x7e00 : 0x7c00),
    );
  return Buffer.from(view.buffer, 0, size).toString('hex').toUpperCase();
}
