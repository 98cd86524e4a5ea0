import { byteSize, isFloat, isSigned, mlirType, type DType, type HostArray } from '../dtype.ts';
import { toBfloat16Bits, toFloat16Bits } from '../half-float.ts';
import type { Node, TensorType } from '../ir.ts';
import { elementCount, type Shape } from '../shape.ts';

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
export function denseLiteral(data: HostArray | number, { shape, dtype }: TensorType): string {
  if (typeof data === 'number') return `dense<${numberLiteral(data, dtype)}>`;
  if (data.length === 0) return 'dense<>';
  // MLIR packs raw booleans into bits, so they are spelled out.
  if (dtype === 'bool') return `dense<${nested(data, shape)}>`;
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return `dense<"0x${bytes.toString('hex').toUpperCase()}">`;
}

/** Booleans in brackets as their shape has them. */
function nested(data: ArrayLike<number | bigint>, shape: Shape, start = 0): string {
  if (shape.length === 0) return data[start] ? 'true' : 'false';
  const [size, ...inner] = shape;
  const step = elementCount(inner);
  return `[${Array.from({ length: size }, (_, i) => nested(data, inner, start + i * step)).join(', ')}]`;
}

function numberLiteral(value: number, dtype: DType): string {
  if (dtype === 'bool') return value === 0 ? 'false' : 'true';
  if (!isFloat(dtype)) {
    // 2^63 − 1 and 2^64 − 1 are no doubles; the double nearest to them is one more.
    const most = BigInt.asUintN(8 * byteSize(dtype) - (isSigned(dtype) ? 1 : 0), -1n);
    const exact = BigInt(value);
    return String(exact > most ? most : exact);
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
  else view.setUint16(0, toFloat16Bits(value));
  return Buffer.from(view.buffer, 0, size).toString('hex').toUpperCase();
}
