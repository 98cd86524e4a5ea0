import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import { testBackend, skipWithoutTestDevice as skip } from '../../test/backend.ts';
import { assertClose, evaluate, host } from '../../test/evaluate.ts';
import { aroundCenter, centerCrop } from './center-crop.ts';
import { preprocess, preprocessWhole, SYMMETRIC } from './preprocess.ts';

const [HEIGHT, WIDTH] = [12, 16];

/** An image of two channels whose values are functions of a place in pixels. */
function picture(channels: readonly ((y: number, x: number) => number)[]): number[] {
  const places = Array.from({ length: HEIGHT * WIDTH }, (_, i) => [Math.floor(i / WIDTH), i % WIDTH]);
  return places.flatMap(([y, x]) => channels.map((value) => value(y, x)));
}

suite('the centre of pictures', { skip }, () => {
  let backend: Awaited<ReturnType<typeof testBackend>> | undefined;
  after(() => backend?.close());

  test('is magnified about the middle: slopes and parabolas stay what they are', async () => {
    backend ??= await testBackend();
    const slope = (y: number, x: number) => 20 + 3 * x + 5 * y;
    const parabola = (_y: number, x: number) => 0.5 * (x - 6) ** 2;
    const share = 0.75;
    const from = (place: number, size: number) => (place + 0.5) * share + (size * (1 - share)) / 2 - 0.5;
    const magnified = (value: typeof slope) => (y: number, x: number) => value(from(y, HEIGHT), from(x, WIDTH));
    const [found] = await evaluate(backend, (images) => [centerCrop(images, share)], [
      host('float32', [1, HEIGHT, WIDTH, 2], picture([slope, parabola])),
    ]);
    assertClose(found, picture([magnified(slope), magnified(parabola)]), 'magnified', 1e-5);
  });

  test('goes beyond no value that a pixel may have', async () => {
    backend ??= await testBackend();
    const stripes = picture([(_y, x) => (x % 4 < 2 ? 255 : 0)]);
    const [found] = await evaluate(backend, (images) => [centerCrop(images, 0.6)], [
      host('uint8', [1, HEIGHT, WIDTH, 1], stripes),
    ]);
    assert.equal(Math.max(...found), 255);
    assert.equal(Math.min(...found), 0);
  });

  test('is what predictions are given, and training is not', async () => {
    backend ??= await testBackend();
    const settings = { ...SYMMETRIC, centerCrop: 0.75 };
    const pixels = picture([(y, x) => x * y, (y) => 20 * y, (_y, x) => 15 * x]);
    const [whole, magnified, expected, training, plain] = await evaluate(
      backend,
      (images) => [
        preprocessWhole(images, SYMMETRIC),
        preprocessWhole(images, settings),
        preprocess(centerCrop(images, 0.75), SYMMETRIC),
        preprocess(images, settings),
        preprocess(images, SYMMETRIC),
      ],
      [host('uint8', [1, HEIGHT, WIDTH, 3], pixels)],
    );
    assert.deepEqual(magnified, expected);
    assert.notDeepEqual(magnified, whole);
    assert.deepEqual(training, plain);
    assert.deepEqual(whole, plain);
  });

  test('is where its maps are put back, with nothing around', async () => {
    backend ??= await testBackend();
    const ones = host('float32', [1, 1, 8, 8], new Float32Array(64).fill(1));
    const ramp = host(
      'float32',
      [1, 1, 8, 8],
      Float32Array.from({ length: 64 }, (_, i) => 1 + (i % 8)),
    );
    const [square, slope, same] = await evaluate(
      backend,
      (a, b) => [aroundCenter(a, 0.5), aroundCenter(b, 0.5), aroundCenter(b, 1)],
      [ones, ramp],
    );
    const inside = (i: number) => i % 8 > 1 && i % 8 < 6 && i > 15 && i < 48;
    assert.deepEqual(
      square,
      Array.from({ length: 64 }, (_, i) => Number(inside(i))),
    );
    assert.deepEqual(slope.slice(16, 24), [0, 0, 1.5, 3.5, 5.5, 7.5, 0, 0]);
    assert.deepEqual(same, [...ramp.data].map(Number));
  });
});
