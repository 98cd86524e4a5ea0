import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostArray } from './dtype.ts';
import { fromBfloat16Bits, fromFloat16Bits, toBfloat16Bits, toFloat16Array, toFloat16Bits } from './half-float.ts';

test('every 16-bit pattern survives the way through a number', () => {
  for (let bits = 0; bits < 0x10000; bits++) {
    const half = fromFloat16Bits(bits);
    if (!Number.isNaN(half)) assert.equal(toFloat16Bits(half), bits);
    const brain = fromBfloat16Bits(bits);
    if (!Number.isNaN(brain)) assert.equal(toBfloat16Bits(brain), bits);
  }
  assert.ok(Number.isNaN(fromFloat16Bits(toFloat16Bits(NaN))));
  assert.ok(Number.isNaN(fromBfloat16Bits(toBfloat16Bits(NaN))));
});

test('numbers between two go to the nearest, and to the even one from the middle', () => {
  for (const [from, to, step, toBits] of [
    [fromFloat16Bits, 'float16', 1, toFloat16Bits],
    [fromBfloat16Bits, 'bfloat16', 1, toBfloat16Bits],
  ] as const) {
    for (let bits = 0; bits < 0x7bff; bits += 37) {
      const [low, high] = [from(bits), from(bits + step)];
      const middle = (low + high) / 2;
      assert.equal(toBits(middle), bits % 2 === 0 ? bits : bits + 1, `${to}, middle above ${low}`);
      assert.equal(toBits(low + (high - low) / 4), bits, `${to}, quarter above ${low}`);
      assert.equal(toBits(-(low + (3 * (high - low)) / 4)), (bits + 1) | 0x8000, `${to}, three quarters above ${low}`);
    }
  }
  assert.equal(fromFloat16Bits(toFloat16Bits(65519)), 65504);
  assert.equal(fromFloat16Bits(toFloat16Bits(65520)), Infinity);
  assert.equal(fromBfloat16Bits(toBfloat16Bits(3.4e38)), Infinity);
});

test('host arrays of 16-bit floats hold their bits', () => {
  const array = hostArray('bfloat16', 2);
  assert.ok(array instanceof Uint16Array);
  array[1] = toBfloat16Bits(-2.5);
  assert.equal(fromBfloat16Bits(array[1]), -2.5);
  assert.equal(hostArray('float16', array.buffer as ArrayBuffer).length, 2);
});

test('whole tensors become float16 as single numbers do', () => {
  const bits = Uint32Array.from({ length: 65_536 }, (_, i) => Math.imul(i, 0x10003) >>> 0);
  const middling = bits.map((value) => ((value & 0x8fffffff) | 0x38000000) >>> 0);
  for (const values of [bits, middling].map(({ buffer }) => new Float32Array(buffer))) {
    assert.deepEqual(toFloat16Array(values), Uint16Array.from(values, toFloat16Bits));
  }
});
