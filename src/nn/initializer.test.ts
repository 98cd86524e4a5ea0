import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { glorotUniform, heNormal, initialValues, ones, zeros, type Initializer } from './initializer.ts';

const SHAPE = [3, 3, 64, 100];
const FAN_IN = 3 * 3 * 64;
const FAN_OUT = 3 * 3 * 100;

const draw = (initializer: Initializer, shape = SHAPE, seed = 1, path = 'block/kernel') =>
  initialValues(initializer, shape, seed, path);
const mean = (values: Float32Array) => values.reduce((sum, x) => sum + x, 0) / values.length;
const deviation = (values: Float32Array) => {
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, x) => sum + (x - centre) ** 2, 0) / values.length);
};
const largest = (values: Float32Array) => values.reduce((max, x) => Math.max(max, Math.abs(x)), 0);

/** Of 57,600 draws the deviation lies within 1 % of what it should be (more than three standard errors). */
function assertSpread(values: Float32Array, stddev: number): void {
  assert.ok(Math.abs(mean(values)) < 0.02 * stddev, `mean ${mean(values)}`);
  assert.ok(Math.abs(deviation(values) / stddev - 1) < 0.01, `deviation ${deviation(values)}, not ${stddev}`);
}

suite('initial values', () => {
  test('Glorot uniform lies within ±√(6 / (fan in + fan out)) and fills that range', () => {
    const values = draw(glorotUniform);
    const limit = Math.sqrt(6 / (FAN_IN + FAN_OUT));
    assertSpread(values, limit / Math.sqrt(3));
    assert.ok(largest(values) <= limit && largest(values) > 0.99 * limit);
  });

  test('He normal is cut at two standard deviations and has the variance 2 / fan in all the same', () => {
    const values = draw(heNormal);
    const stddev = Math.sqrt(2 / FAN_IN);
    assertSpread(values, stddev);
    const cut = (2 * stddev) / 0.8796256610342398;
    assert.ok(largest(values) <= cut && largest(values) > 0.98 * cut);
  });

  test('a plain normal distribution is not cut', () => {
    const values = draw({ kind: 'varianceScaling', scale: 2, mode: 'fanOut', distribution: 'normal' });
    assertSpread(values, Math.sqrt(2 / FAN_OUT));
    assert.ok(largest(values) > 3 * Math.sqrt(2 / FAN_OUT));
  });

  test('a truncated normal of given deviation is not scaled up for what is cut', () => {
    const values = draw({ kind: 'truncatedNormal', stddev: 0.02 });
    assertSpread(values, 0.02 * 0.8796256610342398);
    assert.ok(largest(values) <= 0.04);
  });

  test('fans are those of Keras for dense, depthwise and one-dimensional variables', () => {
    const limit = (shape: readonly number[]) => largest(draw(glorotUniform, [...shape]));
    const near = (found: number, fans: number) =>
      assert.ok(Math.abs(found / Math.sqrt(6 / fans) - 1) < 0.02, `${fans}`);
    near(limit([300, 500]), 300 + 500);
    near(limit([5, 5, 200, 1]), 5 * 5 * 200 + 5 * 5);
    near(limit([4000]), 4000 + 4000);
  });

  test('depend on the seed and the path only', () => {
    assert.deepEqual(draw(heNormal), draw(heNormal));
    assert.notDeepEqual(draw(heNormal), draw(heNormal, SHAPE, 2));
    assert.notDeepEqual(draw(heNormal), draw(heNormal, SHAPE, 1, 'other/kernel'));
  });

  test('constants', () => {
    assert.deepEqual(draw(zeros, [2]), Float32Array.of(0, 0));
    assert.deepEqual(draw(ones, [2]), Float32Array.of(1, 1));
  });
});
