import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import type { Backend } from '../runtime/index.ts';
import { convert, reshape, sliceAxis, type Tensor } from '../xla/index.ts';
import { testBackend, skipWithoutTestDevice as skip } from '../../test/backend.ts';
import { evaluate, host } from '../../test/evaluate.ts';
import { predictViews, TTA } from './tta.ts';

const SIDE = 8;
const values = Array.from({ length: 2 * SIDE * SIDE }, (_, i) => (i * 37) % 251);
const images = host('uint8', [2, SIDE, SIDE, 1], values);
const at = (n: number, y: number, x: number) => values[(n * SIDE + y) * SIDE + x];
const END = SIDE - 1;

suite('test-time augmentation', { skip }, () => {
  let backend: Backend | undefined;
  after(() => backend?.close());

  test('averages what a model says of every view', async () => {
    backend ??= await testBackend();
    // A model that looks at one pixel off the middle.
    const corner = (x: Tensor) => reshape(sliceAxis(sliceAxis(convert(x, 'float32'), 1, 0, 1), 2, 1, 2), [-1, 1]);
    const results = await evaluate(backend, (x) => TTA.map((tta) => predictViews(x, tta, corner)), [images]);
    const mean = (parts: readonly number[]) => parts.reduce((sum, part) => sum + part, 0) / parts.length;
    for (const n of [0, 1]) {
      const [none, flip, zoom, dihedral] = results.map((result) => result[n]);
      assert.equal(none, at(n, 0, 1));
      assert.equal(flip, mean([at(n, 0, 1), at(n, 0, END - 1)]));
      const places = [
        [0, 1],
        [0, END - 1],
        [END, 1],
        [END, END - 1],
      ];
      const expected = mean(places.flatMap(([y, x]) => [at(n, y, x), at(n, x, y)]));
      assert.ok(Math.abs(dihedral - expected) < 1e-3, `${dihedral}, ${expected}`);
      assert.ok(Number.isFinite(zoom) && zoom !== flip);
    }
  });
});
