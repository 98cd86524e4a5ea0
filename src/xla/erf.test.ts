import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testBackend, skipWithoutTestDevice as skip } from '../../test/backend.ts';
import { evaluate, host } from '../../test/evaluate.ts';
import { erf, gradient, sum } from './index.ts';

const backend = skip === false ? await testBackend() : undefined;
after(() => backend?.close());

const density = (x: number) => (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x);

/** The integral itself, by Simpson's rule. */
function integral(x: number): number {
  const parts = 2000;
  const step = x / parts;
  let total = density(0) + density(x);
  for (let i = 1; i < parts; i++) total += (i % 2 === 1 ? 4 : 2) * density(i * step);
  return (total * step) / 3;
}

const POINTS = Array.from({ length: 1201 }, (_, i) => Math.fround((i - 600) / 100));

test('erf is the integral within 1e-6, near 0 in proportion', { skip }, async () => {
  assert.ok(backend);
  const [values] = await evaluate(backend, (x) => [erf(x)], [host('float32', [POINTS.length], POINTS)]);
  for (const [i, x] of POINTS.entries()) {
    const truth = integral(x);
    assert.ok(Math.abs(values[i] - truth) <= 1e-6 * Math.abs(truth), `erf(${x}) is ${values[i]}, not ${truth}`);
  }
});

test('the gradient of erf is the density', { skip }, async () => {
  assert.ok(backend);
  const [values] = await evaluate(backend, (x) => gradient(sum(erf(x)), [x]), [
    host('float32', [POINTS.length], POINTS),
  ]);
  for (const [i, x] of POINTS.entries()) assert.ok(Math.abs(values[i] - density(x)) <= 1e-6, `at ${x}`);
});

test('erf of numbers far out and of no numbers', { skip }, async () => {
  assert.ok(backend);
  const [values] = await evaluate(backend, (x) => [erf(x)], [host('float32', [4], [Infinity, -Infinity, 1e30, NaN])]);
  assert.deepEqual(values, [1, -1, 1, NaN]);
});

test('erf in bfloat16 is rounded once', { skip }, async () => {
  assert.ok(backend);
  const points = [-2, -0.5, 0.25, 1];
  const [values] = await evaluate(backend, (x) => [erf(x)], [host('bfloat16', [4], points)]);
  for (const [i, x] of points.entries()) assert.ok(Math.abs(values[i] - integral(x)) <= 2 ** -9, `erf(${x})`);
});
