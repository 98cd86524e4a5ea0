import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import type { Backend } from '../../runtime/index.ts';
import { full, randomKey, type Tensor } from '../../xla/index.ts';
import { testBackend, skipWithoutTestDevice as skip } from '../../../test/backend.ts';
import { evaluate, host } from '../../../test/evaluate.ts';
import { lesserQuantiles } from './beta.ts';
import { augmentSchema, mixExamples, type MixedExamples } from './index.ts';

const BATCH = 64;
const SIDE = 16;
// Image n is full of the value n, and so is its label.
const values = Array.from({ length: BATCH * SIDE * SIDE }, (_, i) => Math.floor(i / (SIDE * SIDE)));
const images = host('float32', [BATCH, SIDE, SIDE, 1], values);
const labels = host(
  'int32',
  [BATCH],
  Array.from({ length: BATCH }, (_, n) => n),
);

const mix = (
  x: Tensor,
  y: Tensor,
  settings: Readonly<Record<string, unknown>>,
  first = 0,
  mask = full(y.shape, 1, 'float32'),
): MixedExamples =>
  mixExamples(x, y, mask, augmentSchema.parse(settings), {
    key: randomKey(3),
    firstExample: full([], first, 'uint32'),
  })!;
const outputs = ({ images: x, partners, share }: MixedExamples) => [x, partners, share];

suite('mixing of examples', { skip }, () => {
  let backend: Backend | undefined;
  after(() => backend?.close());

  test('mixup blends neighbours by shares of at least a half, and CutMix lays in a box of the same share', async () => {
    backend ??= await testBackend();
    const [blend, partners, share, cut, , cutShare, each, , eachShare] = await evaluate(
      backend,
      (x, y) =>
        [{ mixup: 1 }, { cutmix: 1 }, { mixup: 1, cutmix: 1 }].flatMap((settings) => outputs(mix(x, y, settings))),
      [images, labels],
    );
    assert.deepEqual(
      partners,
      Array.from({ length: BATCH }, (_, n) => n ^ 1),
    );
    let blended = 0;
    for (let n = 0; n < BATCH; n++) {
      const pixels = (from: readonly number[]) => from.slice(n * SIDE * SIDE, (n + 1) * SIDE * SIDE);
      assert.ok(share[n] >= 0.5 && share[n] <= 1);
      const expected = share[n] * n + (1 - share[n]) * (n ^ 1);
      assert.ok(pixels(blend).every((value) => Math.abs(value - expected) < 1e-4));
      const own = pixels(cut).filter((value) => value === n).length;
      assert.equal(own + pixels(cut).filter((value) => value === (n ^ 1)).length, SIDE * SIDE);
      assert.ok(Math.abs(own / (SIDE * SIDE) - cutShare[n]) < 1e-6 && cutShare[n] >= 0.45);
      const isBlended = pixels(each).some((value) => value !== n && value !== (n ^ 1));
      if (isBlended) blended++;
      assert.equal(eachShare[n], isBlended ? share[n] : cutShare[n]);
    }
    assert.ok(blended > 16 && blended < 48, `${blended} of ${BATCH} blended`);
    // With alpha 1 shares are uniform from a half to 1.
    const mean = share.reduce((sum, value) => sum + value, 0) / BATCH;
    assert.ok(mean > 0.68 && mean < 0.82, `mean share ${mean}`);
  });

  test('an image beside one that could not be decoded stays as it is', async () => {
    backend ??= await testBackend();
    // Every fourth image is none.
    const mask = host(
      'float32',
      [BATCH],
      Array.from({ length: BATCH }, (_, n) => (n % 4 === 1 ? 0 : 1)),
    );
    const [blend, , share, cut, , cutShare, , , eachShare] = await evaluate(
      backend,
      (x, y, m) =>
        [{ mixup: 1 }, { cutmix: 1 }, { mixup: 1, cutmix: 1 }].flatMap((settings) =>
          outputs(mix(x, y, settings, 0, m)),
        ),
      [images, labels, mask],
    );
    for (let n = 0; n < BATCH; n++) {
      if (n % 4 !== 0) continue;
      assert.deepEqual([share[n], cutShare[n], eachShare[n]], [1, 1, 1]);
      for (const pixels of [blend, cut]) {
        assert.ok(pixels.slice(n * SIDE * SIDE, (n + 1) * SIDE * SIDE).every((value) => value === n));
      }
    }
    assert.ok(share.some((value) => value < 1) && cutShare.some((value) => value < 1));
  });

  test('a replica that has the second half of a batch mixes it as one that has all of it', async () => {
    backend ??= await testBackend();
    const half = host('float32', [BATCH / 2, SIDE, SIDE, 1], values.slice(values.length / 2));
    const halfLabels = host(
      'int32',
      [BATCH / 2],
      Array.from({ length: BATCH / 2 }, (_, n) => n + BATCH / 2),
    );
    const settings = { mixup: 0.4, cutmix: 1 };
    const [whole, , share, part, , partShare] = await evaluate(
      backend,
      (x, y, z, w) => [...outputs(mix(x, y, settings)), ...outputs(mix(z, w, settings, BATCH / 2))],
      [images, labels, half, halfLabels],
    );
    assert.deepEqual(part, whole.slice(whole.length / 2));
    assert.deepEqual(partShare, share.slice(BATCH / 2));
  });

  test('an odd number of rows is refused', () => {
    assert.throws(() => mix(full([3, 4, 4, 3], 0, 'float32'), full([3], 0, 'int32'), { mixup: 1 }), {
      code: 'BATCH_SIZE',
      received: '3 a replica',
    });
  });
});

test('quantiles of the Beta distribution agree with scipy', () => {
  // scipy.stats.beta(a, a).ppf(p / 2), for the lesser of t and 1 - t.
  const cases = [
    [0.2, 0.5, 0.023815],
    [1, 0.5, 0.25],
    [0.4, 0.75, 0.27954],
    [4, 0.25, 0.299199],
  ];
  for (const [alpha, probability, expected] of cases) {
    const found = lesserQuantiles(alpha)[Math.round(probability * 256)];
    assert.ok(Math.abs(found - expected) < 1e-4, `${alpha}, ${probability}: ${found}, ${expected}`);
  }
});
