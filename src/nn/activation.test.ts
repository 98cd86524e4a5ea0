import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate, host } from '../../test/evaluate.ts';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../test/backend.ts';
import { gradient, sum } from '../xla/index.ts';
import { gelu } from './activation.ts';

/** Places with GELU there and its slope, by Python's `math.erf`. */
const EXACT = [
  [-4, -0.00012668496733247991, -0.0005036496612264215],
  [-3.5, -0.0008142017766243903, -0.0028217603536246205],
  [-3, -0.00404969409489031, -0.011945647204183918],
  [-2, -0.04550026389635842, -0.08523180107819692],
  [-1, -0.15865525393145707, -0.08331547058768629],
  [-0.25, -0.10032341857926907, 0.30462664511636395],
  [0.5, 0.34573123063700656, 0.8674951246561629],
  [1, 0.8413447460685429, 1.0833154705876864],
  [3, 2.99595030590511, 1.011945647204184],
] as const;

test('GELU keeps its digits below 0 in each type', { skip }, async () => {
  const backend = await cpuBackend();
  try {
    const places = EXACT.map(([x]) => x);
    // A few units in the last place of 16 bits; what the error function is off by in float32.
    for (const [dtype, tolerance] of [
      ['float32', 3e-3],
      ['bfloat16', 2 ** -6],
      ['float16', 3e-3],
    ] as const) {
      // prettier-ignore
      const found = await evaluate(
        backend,
        (x) => [gelu(x), gradient(sum(gelu(x)), [x])[0]],
        [host(dtype, [places.length], places)],
      );
      for (const [i, exact] of EXACT.entries()) {
        for (const [k, name] of ['value', 'slope'].entries()) {
          const expected = exact[k + 1];
          const error = Math.abs(found[k][i] / expected - 1);
          assert.ok(error <= tolerance, `${dtype}, ${name} at ${exact[0]}: ${found[k][i]}, exactly ${expected}`);
        }
      }
    }
  } finally {
    await backend.close();
  }
});
