import { constant, full, iota } from './creation.ts';
import type { DType } from './dtype.ts';
import {
  add,
  bitcast,
  convert,
  cos,
  less,
  log,
  minimum,
  mul,
  neg,
  or,
  shiftLeft,
  shiftRight,
  sqrt,
  sub,
  xor,
} from './elementwise.ts';
import { ShapeError } from './errors.ts';
import {
  fromBfloat16Bits,
  fromFloat16Bits,
  fromFloat32Bits,
  toBfloat16Bits,
  toFloat16Bits,
  toFloat32Bits,
} from './half-float.ts';
import type { Tensor } from './ir.ts';
import { elementCount, type Shape } from './shape.ts';
import { concatenate, reshape, sliceAxis } from './structure.ts';

// Threefry-2x32 with 20 rounds: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
const ROTATIONS = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const;
const PARITY = 0x1bd11bda;

/** The block of two random words for every counter (two uint32 tensors of one shape) under a key, uint32[2]. */
export function threefry(key: Tensor, first: Tensor, second: Tensor): [Tensor, Tensor] {
  const [low, high] = words(key);
  const keys = [low, high, xor(xor(low, high), PARITY)];
  let x = add(first, keys[0]);
  let y = add(second, keys[1]);
  for (let group = 0; group < 5; group++) {
    for (const distance of ROTATIONS[group % 2]) {
      x = add(x, y);
      y = xor(or(shiftLeft(y, distance), shiftRight(y, 32 - distance)), x);
    }
    x = add(x, keys[(group + 1) % 3]);
    y = add(add(y, keys[(group + 2) % 3]), group + 1);
  }
  return [x, y];
}

const words = (key: Tensor): [Tensor, Tensor] => [
  reshape(sliceAxis(key, 0, 0, 1), []),
  reshape(sliceAxis(key, 0, 1, 2), []),
];

/** A random key, uint32[2], from a seed known when tracing. */
export function randomKey(seed: number): Tensor {
  return constant(Uint32Array.of(Math.floor(seed / 2 ** 32) >>> 0, seed >>> 0), [2], 'uint32');
}

/** A key of its own for each number: streams of different keys are independent. `data` is a number or a uint32 scalar. */
export function foldIn(key: Tensor, data: Tensor | number): Tensor {
  const word = typeof data === 'number' ? full([], data, 'uint32') : convert(data, 'uint32');
  // The first word is one that no counter of randomBits reaches, so that a key may be folded and drawn from.
  const [x, y] = threefry(key, full([], 0xffffffff, 'uint32'), word);
  return concatenate([reshape(x, [1]), reshape(y, [1])], 0);
}

/** Uniform 32-bit integers: element i of the first half and of the second come from one block, counter i. */
export function randomBits(key: Tensor, shape: Shape): Tensor {
  const count = elementCount(shape);
  const half = Math.ceil(count / 2);
  const index = iota([half], 'uint32');
  const [x, y] = threefry(key, index, add(index, half));
  return reshape(sliceAxis(concatenate([x, y], 0), 0, 0, count), shape);
}

/** Random bits in a uniform float: no more than its fraction has, so that none is rounded up to 1. */
const FRACTION_BITS: Partial<Record<DType, number>> = { float64: 23, float32: 23, float16: 10, bfloat16: 7 };

/** Uniform floats in [low, high), with 23 random bits each; 10 for float16 and 7 for bfloat16. */
export function uniform(key: Tensor, shape: Shape, low = 0, high = 1, dtype: DType = 'float32'): Tensor {
  const bits = FRACTION_BITS[dtype];
  if (bits === undefined) throw new ShapeError(`uniform: ${dtype} is no float`);
  // The bits as the fraction of a float in [1, 2).
  const fraction = or(shiftLeft(shiftRight(randomBits(key, shape), 32 - bits), 23 - bits), 0x3f800000);
  const unit = convert(sub(bitcast(fraction, 'float32'), 1), dtype);
  if (low === 0 && high === 1) return unit;
  const numbers = add(mul(unit, high - low), low);
  // Rounded, the greatest may be the bound itself: often in 16 bits, and in 32 where the numbers lie far from 0.
  return dtype === 'float64' ? numbers : minimum(numbers, below(high, dtype));
}

const SIXTEEN_BITS: { readonly [K in DType]?: readonly [typeof toFloat16Bits, typeof fromFloat16Bits] } = {
  bfloat16: [toBfloat16Bits, fromBfloat16Bits],
  float16: [toFloat16Bits, fromFloat16Bits],
};

/** The greatest number of a float type, of at most 32 bits, under a bound. */
function below(bound: number, dtype: DType): number {
  const [toBits, fromBits] = SIXTEEN_BITS[dtype] ?? [toFloat32Bits, fromFloat32Bits];
  const bits = toBits(bound);
  const nearest = fromBits(bits);
  if (nearest < bound) return nearest;
  // No subnormal number, which processors may take for 0.
  if (nearest === 0) return dtype === 'float16' ? -(2 ** -14) : -(2 ** -126);
  return fromBits(nearest > 0 ? bits - 1 : bits + 1);
}

/** True with probability `p` at every element. */
export const bernoulli = (key: Tensor, p: number, shape: Shape): Tensor => less(uniform(key, shape), p);

/** Floats from the normal distribution with mean 0 and standard deviation 1, by Box and Muller's method. */
export function normal(key: Tensor, shape: Shape, dtype: DType = 'float32'): Tensor {
  const radius = sqrt(mul(log(sub(1, uniform(foldIn(key, 0), shape))), -2));
  const angle = mul(uniform(foldIn(key, 1), shape), 2 * Math.PI);
  return convert(mul(radius, neg(cos(angle))), dtype);
}
