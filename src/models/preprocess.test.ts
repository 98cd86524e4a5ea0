import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import { convert } from '../xla/index.ts';
import { testBackend, skipWithoutTestDevice as skip } from '../../test/backend.ts';
import { evaluate, host } from '../../test/evaluate.ts';
import { CAFFE, IMAGENET, preprocess, SYMMETRIC } from './preprocess.ts';

/** Two pixels. */
const PIXELS = host('uint8', [1, 1, 2, 3], [0, 255, 100, 10, 20, 30]);

suite('preprocessing', { skip }, () => {
  let backend: Awaited<ReturnType<typeof testBackend>> | undefined;
  after(() => backend?.close());

  test('is that of keras.applications: modes tf, torch and caffe, from bytes and from floats', async () => {
    backend ??= await testBackend();
    const expected = [
      // x / 127.5 − 1
      [-1, 1, -0.2156862745, -0.9215686275, -0.8431372549, -0.7647058824],
      // (x / 255 − mean) / std
      [-2.1179039301, 2.4285714286, -0.0615250545, -1.9466563917, -1.6855742297, -1.2815686275],
      // Blue, green, red, less their means.
      [-3.939, 138.221, -123.68, -73.939, -96.779, -113.68],
    ];
    const modes = [SYMMETRIC, IMAGENET, CAFFE];
    const results = await evaluate(
      backend,
      (bytes) => [
        ...modes.map((mode) => preprocess(bytes, mode)),
        ...modes.map((mode) => preprocess(convert(bytes, 'float32'), mode)),
      ],
      [PIXELS],
    );
    for (const [i, values] of [...expected, ...expected].entries()) {
      for (const [at, value] of values.entries()) {
        assert.ok(Math.abs(results[i][at] - value) < 2e-5, `mode ${i}, ${at}: ${results[i][at]}, ${value}`);
      }
    }
  });
});
