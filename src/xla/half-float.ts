// One buffer for all calls: these run once for each of millions of weights.
const scratch = new DataView(new ArrayBuffer(8));

/** A number rounded to the nearest float32, as its 32 bits. */
export function toFloat32Bits(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0);
}

/** The value of a float32's 32 bits. */
export function fromFloat32Bits(bits: number): number {
  scratch.setUint32(0, bits);
  return scratch.getFloat32(0);
}

/** A float32 rounded to the nearest bfloat16 (ties to even), as its 16 bits. */
export function toBfloat16Bits(value: number): number {
  const bits = toFloat32Bits(value);
  if (Number.isNaN(value)) return 0x7fc0;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** The value of a bfloat16's 16 bits. */
export function fromBfloat16Bits(bits: number): number {
  return fromFloat32Bits((bits & 0xffff) * 0x10000);
}

/** A number rounded to the nearest float16 (ties to even), as its 16 bits. */
export function toFloat16Bits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  // Half a step above the greatest float16, 65504, rounds to infinity.
  if (size >= 65520) return sign | 0x7c00;
  // A fraction that rounds up to 1024 steps carries into the exponent, as it should.
  const exponent = Math.max(exponentOf(size), -14);
  const fraction = roundToEven(size / 2 ** (exponent - 10));
  return sign | (fraction + (exponent + 14) * 1024);
}

/** The value of a float16's 16 bits. */
export function fromFloat16Bits(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** Exponent of a number's leading bit. */
function exponentOf(size: number): number {
  scratch.setFloat64(0, size);
  return ((scratch.getUint16(0) >> 4) & 0x7ff) - 1023;
}

function roundToEven(value: number): number {
  const rounded = Math.round(value);
  return value % 1 === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded;
}

/** Float32s rounded to float16s as their bits: for whole tensors, by their bits alone. */
export function toFloat16Array(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(bits, float16OfFloat32Bits);
}

function float16OfFloat32Bits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 112;
  const fraction = bits & 0x7fffff;
  if (exponent === 143) return fraction === 0 ? sign | 0x7c00 : 0x7e00;
  if (exponent >= 31) return sign | 0x7c00;
  if (exponent < -10) return sign;
  // Below the smallest normal number the leading bit is written out and shifted down.
  const isNormal = exponent > 0;
  const shift = isNormal ? 13 : 14 - exponent;
  const digits = isNormal ? fraction : fraction | 0x800000;
  const half = (isNormal ? exponent << 10 : 0) | (digits >>> shift);
  const rest = digits & ((1 << shift) - 1);
  const middle = 1 << (shift - 1);
  const up = rest > middle || (rest === middle && (half & 1) === 1);
  // A fraction that rounds up carries into the exponent, as it should.
  return sign | (half + (up ? 1 : 0));
}
