import type { ElementType } from '../pjrt/index.ts';
import type { DType } from '../xla/index.ts';

const ELEMENT_TYPES: Record<DType, ElementType> = {
  float32: 'f32',
  float64: 'f64',
  bfloat16: 'bf16',
  float16: 'f16',
  int8: 'i8',
  int16: 'i16',
  int32: 'i32',
  int64: 'i64',
  uint8: 'u8',
  uint16: 'u16',
  uint32: 'u32',
  uint64: 'u64',
  bool: 'pred',
};

/** PJRT's name of a dtype. */
export const elementType = (dtype: DType): ElementType => ELEMENT_TYPES[dtype];
