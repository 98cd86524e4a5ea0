import { ShapeError } from './errors.ts';

interface DTypeInfo {
  /** Name in MLIR types: `tensor<2xf32>`. */
  readonly mlir: string;
  readonly bytes: number;
  readonly kind: 'float' | 'signed' | 'unsigned' | 'bool';
}

const INFO = {
  float32: { mlir: 'f32', bytes: 4, kind: 'float' },
  float64: { mlir: 'f64', bytes: 8, kind: 'float' },
  bfloat16: { mlir: 'bf16', bytes: 2, kind: 'float' },
  float16: { mlir: 'f16', bytes: 2, kind: 'float' },
  int8: { mlir: 'i8', bytes: 1, kind: 'signed' },
  int16: { mlir: 'i16', bytes: 2, kind: 'signed' },
  int32: { mlir: 'i32', bytes: 4, kind: 'signed' },
  int64: { mlir: 'i64', bytes: 8, kind: 'signed' },
  uint8: { mlir: 'ui8', bytes: 1, kind: 'unsigned' },
  uint16: { mlir: 'ui16', bytes: 2, kind: 'unsigned' },
  uint32: { mlir: 'ui32', bytes: 4, kind: 'unsigned' },
  uint64: { mlir: 'ui64', bytes: 8, kind: 'unsigned' },
  bool: { mlir: 'i1', bytes: 1, kind: 'bool' },
} as const satisfies Record<string, DTypeInfo>;

/** Type of a tensor's elements, by NumPy's names. */
export type DType = keyof typeof INFO;

/** Every dtype. */
export const DTYPES = Object.keys(INFO) as readonly DType[];

export const mlirType = (dtype: DType): string => INFO[dtype].mlir;
/** Bytes an element takes on the host and on the device. */
export const byteSize = (dtype: DType): number => INFO[dtype].bytes;
/** Whether it is a floating-point type. */
export const isFloat = (dtype: DType): boolean => INFO[dtype].kind === 'float';
export const isSigned = (dtype: DType): boolean => INFO[dtype].kind === 'float' || INFO[dtype].kind === 'signed';
export const isInteger = (dtype: DType): boolean => INFO[dtype].kind === 'signed' || INFO[dtype].kind === 'unsigned';

/** The type that numbers of a type are added up in: a sum of many would lose all but its first digits in a 16-bit float. */
export const sumType = (dtype: DType): DType => (isFloat(dtype) && byteSize(dtype) < 4 ? 'float32' : dtype);

/** Whether a number is a value of an integer type; any number is one of a float type, rounded. */
export function holds(dtype: DType, value: number): boolean {
  return !isInteger(dtype) || (Number.isInteger(value) && value >= lowest(dtype) && value <= highest(dtype));
}

/** The least value of a type: −∞ for floats. */
export function lowest(dtype: DType): number {
  const { kind, bytes } = INFO[dtype];
  if (kind === 'float') return -Infinity;
  return kind === 'signed' ? -(2 ** (8 * bytes - 1)) : 0;
}

/** The least value of a type that is a number: −∞ is none. */
export function lowestFinite(dtype: DType): number {
  const digits = FLOAT_DIGITS[dtype];
  return digits === undefined ? lowest(dtype) : -(2 - 2 ** -digits.fraction) * 2 ** digits.exponent;
}

/** Bits of a float's fraction, and its greatest exponent. */
const FLOAT_DIGITS: { readonly [K in DType]?: { readonly fraction: number; readonly exponent: number } } = {
  float32: { fraction: 23, exponent: 127 },
  float64: { fraction: 52, exponent: 1023 },
  bfloat16: { fraction: 7, exponent: 127 },
  float16: { fraction: 10, exponent: 15 },
};

/** The greatest value of a type: +∞ for floats. */
export function highest(dtype: DType): number {
  const { kind, bytes } = INFO[dtype];
  if (kind === 'float') return Infinity;
  if (kind === 'bool') return 1;
  return kind === 'signed' ? 2 ** (8 * bytes - 1) - 1 : 2 ** (8 * bytes) - 1;
}

/** Host arrays that hold tensors; 16-bit floats travel as their bits. */
export type HostArray =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** A host array of `length` elements for a dtype; bool takes a byte each, 16-bit floats their bits. */
export function hostArray(dtype: DType, length: number): HostArray;
/** A view of `buffer` as elements of a dtype. */
export function hostArray(dtype: DType, buffer: ArrayBuffer): HostArray;
export function hostArray(dtype: DType, source: number | ArrayBuffer): HostArray {
  // The constructors' overloads differ per source kind, so each call site needs a single one.
  const make = <T>(Type: new (source: ArrayBuffer) => T): T =>
    new Type(typeof source === 'number' ? new ArrayBuffer(source * byteSize(dtype)) : source);
  switch (dtype) {
    case 'float32':
      return make(Float32Array);
    case 'float64':
      return make(Float64Array);
    case 'bfloat16':
    case 'float16':
    case 'uint16':
      return make(Uint16Array);
    case 'int8':
      return make(Int8Array);
    case 'int16':
      return make(Int16Array);
    case 'int32':
      return make(Int32Array);
    case 'int64':
      return make(BigInt64Array);
    case 'uint8':
    case 'bool':
      return make(Uint8Array);
    case 'uint32':
      return make(Uint32Array);
    case 'uint64':
      return make(BigUint64Array);
    default:
      throw new ShapeError(`no host array for dtype ${String(dtype satisfies never)}`);
  }
}

/** What an array on the host is: `Float32Array`, `Array`. Read from its tag, as another realm's arrays are of other classes. */
const kindOf = (data: unknown): string => Object.prototype.toString.call(data).slice('[object '.length, -1);

/**
 * What is wrong with an array on the host as the numbers of a tensor of this dtype; undefined where it is of the right kind. Bits of
 * one of another kind would be read as other numbers: those of an `Int32Array` as floats near 0.
 */
export function arrayProblem(data: unknown, dtype: DType): { expected: string; received: string } | undefined {
  const [expected, received] = [kindOf(hostArray(dtype, 0)), kindOf(data)];
  // New in Node 24; its bits are those that a Uint16Array has.
  if (received === expected || (dtype === 'float16' && received === 'Float16Array')) return undefined;
  return { expected, received };
}
