import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import { Random } from '../../base/index.ts';
import type { Backend } from '../../runtime/index.ts';
import {
  clamp,
  concatenate,
  convert,
  full,
  iota,
  mul,
  randomKey,
  rem,
  sub,
  transpose,
  type Tensor,
} from '../../xla/index.ts';
import { testBackend, skipWithoutTestDevice as skip } from '../../../test/backend.ts';
import { evaluate, host, literal } from '../../../test/evaluate.ts';
import { augment, augmentSchema } from './index.ts';
import { resample, samplePositions } from './resample.ts';

const BATCH = 32;
const HEIGHT = 12;
const WIDTH = 19;
const SHAPE = [BATCH, HEIGHT, WIDTH, 3];
const IMAGE = HEIGHT * WIDTH * 3;

const random = new Random(1, 'pictures');
const pictures = host(
  'uint8',
  SHAPE,
  Array.from({ length: BATCH * IMAGE }, () => random.integer(256)),
);
const pixels = [...pictures.data].map(Number);
const at = (n: number, y: number, x: number, c: number) => pixels[((n * HEIGHT + y) * WIDTH + x) * 3 + c];

const change = (images: Tensor, settings: Readonly<Record<string, unknown>>, seed = 1, first = 0): Tensor =>
  augment(images, augmentSchema.parse(settings), { key: randomKey(seed), firstExample: full([], first, 'uint32') });

suite('augmentation', { skip }, () => {
  let backend: Backend | undefined;
  after(() => backend?.close());

  test('of nothing, and a crop of everything, change no pixel', async () => {
    backend ??= await testBackend();
    const [none, whole] = await evaluate(
      backend,
      (images) => [change(images, {}), change(images, { crop: { scale: [1, 1], ratio: 1 } })],
      [pictures],
    );
    assert.deepEqual(none, pixels);
    assert.deepEqual(whole, pixels);
  });

  test('mirrors about half of the images exactly, and leaves the others as they are', async () => {
    backend ??= await testBackend();
    const [flipped] = await evaluate(backend, (images) => [change(images, { flip: true })], [pictures]);
    let mirrored = 0;
    for (let n = 0; n < BATCH; n++) {
      const image = flipped.slice(n * IMAGE, (n + 1) * IMAGE);
      const isMirrored = image[0] === at(n, 0, WIDTH - 1, 0) && image[0] !== at(n, 0, 0, 0);
      if (isMirrored) mirrored++;
      for (let y = 0; y < HEIGHT; y++) {
        for (let x = 0; x < WIDTH; x++) {
          for (let c = 0; c < 3; c++) {
            assert.equal(image[(y * WIDTH + x) * 3 + c], at(n, y, isMirrored ? WIDTH - 1 - x : x, c));
          }
        }
      }
    }
    assert.ok(mirrored >= 8 && mirrored <= 24, `${mirrored} of ${BATCH}`);
  });

  test('cuts boxes of the wanted area and ratio inside the image, and scales them by bilinear interpolation', async () => {
    backend ??= await testBackend();
    const scale = [0.3, 0.6] as const;
    const ratio = 1.5;
    // Two channels that say where a pixel comes from: its column and its row.
    const [result] = await evaluate(backend, () => {
      const side = 64;
      const place = (axis: number) => convert(iota([BATCH, side, side, 1], 'int32', axis), 'float32');
      return [change(concatenate([place(2), place(1), place(1)], 3), { crop: { scale: [...scale], ratio } })];
    });
    const side = 64;
    const boxes = Array.from({ length: BATCH }, (_, n) => {
      const of = (y: number, x: number, c: number) => result[((n * side + y) * side + x) * 3 + c];
      // Output pixel i comes from start + (i + 0.5) · extent − 0.5, or from the border where that lies beyond it.
      const [near, far] = [12, 51];
      const width = (of(0, far, 0) - of(0, near, 0)) / (far - near);
      const height = (of(far, 0, 1) - of(near, 0, 1)) / (far - near);
      const left = of(0, near, 0) + 0.5 - (near + 0.5) * width;
      const top = of(near, 0, 1) + 0.5 - (near + 0.5) * height;
      const expected = (start: number, extent: number, i: number) =>
        Math.max(0, Math.min(side - 1, start + (i + 0.5) * extent - 0.5));
      for (let y = 0; y < side; y += 9) {
        for (let x = 0; x < side; x += 7) {
          assert.ok(Math.abs(of(y, x, 0) - expected(left, width, x)) < 1e-3, `column ${x}`);
          assert.ok(Math.abs(of(y, x, 1) - expected(top, height, y)) < 1e-3, `row ${y}`);
        }
      }
      const tiny = 1e-3;
      assert.ok(left > -tiny && top > -tiny && left + side * width < side + tiny && top + side * height < side + tiny);
      const area = width * height;
      assert.ok(area > scale[0] - tiny && area < scale[1] + tiny, `area ${area}`);
      assert.ok(width / height < ratio + tiny && height / width < ratio + tiny, `ratio ${width / height}`);
      return { left, top, area };
    });
    const spread = (values: readonly number[]) => Math.max(...values) - Math.min(...values);
    assert.ok(spread(boxes.map(({ area }) => area)) > 0.15);
    assert.ok(spread(boxes.map(({ left }) => left)) > 12 && spread(boxes.map(({ top }) => top)) > 12);
  });

  test('bicubic interpolation gives parabolas back, keeps to the range, and leaves pixels that do not move', async () => {
    backend ??= await testBackend();
    const side = 32;
    const [parabola, edge, still] = await evaluate(backend, () => {
      const x = convert(iota([1, side, side, 3], 'int32', 2), 'float32');
      const places = (start: number, extent: number) => {
        const [from, size] = [literal('float32', [1], [start]), literal('float32', [1], [extent])];
        return samplePositions(from, size, side, 'edge');
      };
      const resampled = (image: Tensor, start: number, extent: number) =>
        transpose(clamp(resample(image, places(0, 1), places(start, extent), 'bicubic'), 0, 255), [0, 1, 3, 2]);
      return [
        resampled(mul(mul(x, x), 0.25), 0.25, 0.5),
        resampled(mul(clamp(sub(x, 15), 0, 1), 255), 0.1, 0.7),
        resampled(mul(rem(x, 2), 255), 0, 1),
      ];
    });
    const column = (values: readonly number[], n: number) => values[n * 3];
    for (let i = 0; i < side; i++) {
      const from = 0.25 * side + (i + 0.5) * 0.5 - 0.5;
      assert.ok(Math.abs(column(parabola, i) - 0.25 * from ** 2) < 1e-3, `column ${i}`);
      assert.equal(column(still, i), (i % 2) * 255);
    }
    assert.ok(Math.min(...edge) === 0 && Math.max(...edge) === 255);
  });

  test('depends on the key and the example only', async () => {
    backend ??= await testBackend();
    const settings = { flip: true, crop: { scale: [0.2, 1] } };
    const half = host('uint8', [BATCH / 2, HEIGHT, WIDTH, 3], pixels.slice(pixels.length / 2));
    const [one, again, other, second] = await evaluate(
      backend,
      (images, rest) => [
        change(images, settings),
        change(images, settings),
        change(images, settings, 2),
        change(rest, settings, 1, BATCH / 2),
      ],
      [pictures, half],
    );
    assert.deepEqual(again, one);
    assert.deepEqual(second, one.slice(one.length / 2));
    assert.notDeepEqual(other, one);
    assert.ok(one.every((value) => value >= 0 && value <= 255.001));
  });

  test('of every kind stays in range, keeps its shape, and gives a half of the batch what the whole gets', async () => {
    backend ??= await testBackend();
    const side = 12;
    const settings = {
      flip: true,
      flipVertical: true,
      turn: true,
      crop: { scale: [0.5, 1] },
      rotate: 20,
      shear: 10,
      zoom: [0.8, 1.2],
      shift: 0.1,
      brightness: 0.3,
      contrast: 0.3,
      saturation: 0.3,
      hue: 0.1,
      grayscale: 0.2,
      noise: 0.05,
      blur: {},
      erase: { fill: 'noise' },
      preset: { name: 'randaugment' },
    };
    const all = pixels.slice(0, BATCH * side * side * 3);
    const half = all.slice(all.length / 2);
    const [one, second] = await evaluate(
      backend,
      (images, rest) => [change(images, settings), change(rest, settings, 1, BATCH / 2)],
      [host('uint8', [BATCH, side, side, 3], all), host('uint8', [BATCH / 2, side, side, 3], half)],
    );
    assert.equal(one.length, all.length);
    assert.ok(one.every((value) => value >= 0 && value <= 255));
    const differs = second.findIndex((value, i) => Math.abs(value - one[one.length / 2 + i]) > 1e-3);
    assert.equal(differs, -1);
    assert.ok(one.filter((value, i) => Math.abs(value - all[i]) > 1).length > all.length / 2);
  });
});
