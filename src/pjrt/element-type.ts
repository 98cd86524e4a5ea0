import { PjrtError } from './error.ts';

/** The element types of buffers: their number in the C API and their size in bytes. */
const TYPES = {
  pred: { number: 1, size: 1 },
  i8: { number: 2, size: 1 },
  i16: { number: 3, size: 2 },
  i32: { number: 4, size: 4 },
  i64: { number: 5, size: 8 },
  u8: { number: 6, size: 1 },
  u16: { number: 7, size: 2 },
  u32: { number: 8, size: 4 },
  u64: { number: 9, size: 8 },
  f16: { number: 10, size: 2 },
  f32: { number: 11, size: 4 },
  f64: { number: 12, size: 8 },
  bf16: { number: 13, size: 2 },
  c64: { number: 14, size: 8 },
  c128: { number: 15, size: 16 },
} as const;

/** Element type of a buffer, with NumPy’s names. */
export type ElementType = keyof typeof TYPES;

/** Element types that buffers may have. */
export const ELEMENT_TYPES = Object.keys(TYPES) as readonly ElementType[];

const BY_NUMBER = new Map<number, ElementType>(ELEMENT_TYPES.map((type) => [TYPES[type].number, type]));

/** Bytes of one element on the host. */
export function elementSize(type: ElementType): number {
  return TYPES[type].size;
}

export function elementTypeNumber(type: ElementType): number {
  return TYPES[type].number;
}

export function elementTypeOf(number: number): ElementType {
  const type = BY_NUMBER.get(number);
  if (type === undefined) throw new PjrtError('UNIMPLEMENTED', `element type ${number} of the PJRT C API is not known`);
  return type;
}

/** Bytes of a dense array on the host. @throws PjrtError for a type or a size that there can't be. */
export function byteLengthOf(type: ElementType, shape: readonly number[]): number {
  if (!Object.hasOwn(TYPES, type)) {
    throw new PjrtError('INVALID_ARGUMENT', `there is no element type "${type as string}"`, {
      expected: ELEMENT_TYPES.join(', '),
    });
  }
  const senseless = shape.find((size) => !Number.isSafeInteger(size) || size < 0);
  if (senseless !== undefined) {
    throw new PjrtError('INVALID_ARGUMENT', `an array can't have the shape [${shape.join(',')}]`, {
      expected: 'whole numbers from 0',
      received: String(senseless),
    });
  }
  return shape.reduce((product, size) => product * size, elementSize(type));
}
