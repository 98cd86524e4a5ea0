import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import type { Backend } from '../../runtime/index.ts';
import { add, clamp, concatenate, convert, iota, mul, sub, transpose, type Tensor } from '../../xla/index.ts';
import { testBackend, skipWithoutTestDevice as skip } from '../../../test/backend.ts';
import { evaluate, host, literal } from '../../../test/evaluate.ts';
import { place, rotation, slant, type Placement, type Shears } from './affine.ts';
import { gaussianBlur } from './blur.ts';
import { adjustBrightness, adjustContrast, adjustHue, adjustSaturation, solarize, toGrayscale } from './color.ts';
import { moveBox, wholeImage, type Box } from './crop.ts';
import { erase } from './erase.ts';
import { perImage } from './draws.ts';
import { smoothed } from './sharpness.ts';
import { exchange, quarterTurn } from './turn.ts';

/** Made by scripts/augment/reference.py. */
const REFERENCE = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', '..', '..', 'test', 'augment', 'reference.json'), 'utf8'),
) as { side: number; image: string; cases: Record<string, string> };
const SIDE = REFERENCE.side;

const picture = host('uint8', [1, SIDE, SIDE, 3], Buffer.from(REFERENCE.image, 'base64'));
const expected = (name: string): number[] => {
  const bytes = Buffer.from(REFERENCE.cases[name], 'base64');
  return Array.from({ length: SIDE * SIDE * 3 }, (_, i) => bytes.readUInt16LE(2 * i) / 256);
};

const one = (value: number): Tensor => literal('float32', [1], [value]);
const yes = (): Tensor => literal('bool', [1], [1]);
const part = (top: number, left: number, height: number, width: number): Box => ({
  top: one(top / SIDE),
  left: one(left / SIDE),
  height: one(height / SIDE),
  width: one(width / SIDE),
});
/** From [N, H, W, C] to [N, H, C, W], which most changes work on, or back. */
const exchangeForm = (image: Tensor): Tensor => transpose(image, [0, 1, 3, 2]);
const placed = (image: Tensor, placement: Partial<Placement>): Tensor =>
  place(exchangeForm(image), { box: wholeImage(1), border: 'black', ...placement });
const turned = (image: Tensor, quarters: number): Tensor => {
  const turn = quarterTurn(one(quarters));
  return placed(exchangeForm(exchange(exchangeForm(image), turn.exchange)), turn);
};
/** From blurred (factor 0) through the image itself (factor 1) to sharper, as PIL does it with the blurred one. */
const adjustSharpness = (images: Tensor, factor: Tensor): Tensor => {
  const blurred = smoothed(images);
  return clamp(add(blurred, mul(sub(images, blurred), perImage(factor))), 0, 255);
};
const moved = (zoom: number, x: number, y: number): Box =>
  moveBox(wholeImage(1), one(zoom), one(x / SIDE), one(y / SIDE));

/** Half of the rounding in the file, and float32's. */
const EXACT = 0.01;

/** Ours, the greatest difference, and the mean one; in 0..255. */
const CASES: Record<string, readonly [(image: Tensor) => Tensor, greatest: number, mean?: number]> = {
  'brightness 0.6': [(image) => adjustBrightness(image, one(0.6)), EXACT],
  'brightness 1.4': [(image) => adjustBrightness(image, one(1.4)), EXACT],
  'contrast 0.5': [(image) => adjustContrast(image, one(0.5)), EXACT],
  'contrast 1.5': [(image) => adjustContrast(image, one(1.5)), EXACT],
  'saturation 0.3': [(image) => adjustSaturation(image, one(0.3)), EXACT],
  'saturation 1.7': [(image) => adjustSaturation(image, one(1.7)), EXACT],
  'hue 0.1': [(image) => adjustHue(image, one(0.1)), EXACT],
  'hue -0.35': [(image) => adjustHue(image, one(-0.35)), EXACT],
  grayscale: [(image) => toGrayscale(image, yes()), EXACT],
  'sharpness 0': [(image) => adjustSharpness(image, one(0)), EXACT],
  'sharpness 1.8': [(image) => adjustSharpness(image, one(1.8)), EXACT],
  'solarize 0.5': [(image) => solarize(image, one(127.5)), EXACT],
  'blur 1.5': [(image) => gaussianBlur(image, one(1.5), 6), EXACT],
  flip: [(image) => placed(image, { mirror: yes() }), EXACT],
  'flip vertical': [(image) => placed(image, { mirrorVertical: yes() }), EXACT],
  'turn 90': [(image) => turned(image, 1), EXACT],
  'turn 180': [(image) => turned(image, 2), EXACT],
  'turn 270': [(image) => turned(image, 3), EXACT],
  // Three linear interpolations in a row beside one in two directions: noise and the black border come out differently.
  'rotate 20': [(image) => placed(image, { shears: rotation(one(20), 20) }), 60, 2.5],
  'rotate -33': [(image) => placed(image, { shears: rotation(one(-33), 45) }), 60, 2.5],
  'slant across 15': [(image) => placed(image, { shears: slant(one(Math.tan(Math.PI / 12)), undefined, 0.3) }), 1],
  'zoom 1.3': [(image) => placed(image, { box: moved(1.3, 0, 0) }), EXACT],
  'zoom 0.7': [(image) => placed(image, { box: moved(0.7, 0, 0) }), EXACT],
  'shift 4 -2.5': [(image) => placed(image, { box: moved(1, -4, 2.5) }), EXACT],
  // torchvision repeats the box's outermost pixels; ours go on into what lies beside the box.
  crop: [(image) => placed(image, { box: part(5, 8, 16, 12), border: 'edge' }), 30, 0.5],
  'crop, bicubic': [
    (image) => placed(image, { box: part(5, 8, 16, 12), border: 'edge', interpolation: 'bicubic' }),
    40,
    0.7,
  ],
  erase: [(image) => erase(image, part(4, 10, 9, 6), yes(), 0), EXACT],
};

suite('augmentation beside torchvision', { skip }, () => {
  let backend: Backend | undefined;
  after(() => backend?.close());

  test('agrees at fixed parameters', async () => {
    backend ??= await testBackend();
    assert.deepEqual(Object.keys(CASES), Object.keys(REFERENCE.cases));
    const results = await evaluate(
      backend,
      (image) => Object.values(CASES).map(([change]) => exchangeForm(change(exchangeForm(convert(image, 'float32'))))),
      [picture],
    );
    for (const [i, [name, [, greatest, mean = greatest]]] of Object.entries(CASES).entries()) {
      const differences = expected(name).map((value, at) => Math.abs(value - results[i][at]));
      const most = Math.max(...differences);
      const average = differences.reduce((sum, value) => sum + value, 0) / differences.length;
      assert.ok(most <= greatest && average <= mean, `${name}: differs by ${most}, on average by ${average}`);
    }
  });

  test('turns and slants take every pixel from where they say, to a thousandth of a pixel', async () => {
    backend ??= await testBackend();
    const side = 40;
    const middle = (side - 1) / 2;
    const cosine = Math.cos(Math.PI / 5);
    const sine = Math.sin(Math.PI / 5);
    // Two channels that say where a pixel comes from, its column and its row: linear interpolation keeps them exact.
    const [turn, slanted] = await evaluate(backend, () => {
      const axis = (at: number) => convert(iota([1, side, side, 1], 'int32', at), 'float32');
      const places = concatenate([axis(2), axis(1)], 3);
      const make = (shears: Shears) => exchangeForm(place(places, { box: wholeImage(1), border: 'edge', shears }));
      return [make(rotation(one(36), 40)), make(slant(one(0.25), one(-0.4), 0.5))];
    });
    const check = (found: readonly number[], from: (x: number, y: number) => readonly [number, number]) => {
      let inside = 0;
      for (let row = 0; row < side; row++) {
        for (let column = 0; column < side; column++) {
          const source = from(column - middle, row - middle);
          // At the border the clamped coordinates are no straight line any more.
          if (source.some((value) => Math.abs(value) > middle - 4)) continue;
          inside++;
          for (const [c, value] of source.entries()) {
            const error = Math.abs(found[(row * side + column) * 2 + c] - value - middle);
            assert.ok(error < 1e-3, `column ${column}, row ${row}: off by ${error}`);
          }
        }
      }
      assert.ok(inside > 500);
    };
    check(turn, (x, y) => [cosine * x - sine * y, sine * x + cosine * y]);
    check(slanted, (x, y) => [x + 0.25 * (y - 0.4 * x), y - 0.4 * x]);
  });

  test('turned by bicubic interpolation, fine patterns stay nearer to themselves', async () => {
    backend ??= await testBackend();
    const side = 48;
    const middle = (side - 1) / 2;
    const angle = Math.PI / 15;
    const pattern = (x: number, y: number) =>
      128 + 100 * Math.sin((2 * Math.PI * x) / 7) * Math.cos((2 * Math.PI * y) / 9);
    const values = Array.from({ length: side * side }, (_, i) => pattern((i % side) - middle, Math.floor(i / side) - middle)); // prettier-ignore
    const ways = ['bilinear', 'bicubic'] as const;
    const turns = await evaluate(
      backend,
      (image) =>
        ways.map((interpolation) =>
          exchangeForm(
            place(image, { box: wholeImage(1), border: 'reflect', shears: rotation(one(12), 15), interpolation }),
          ),
        ),
      [host('float32', [1, side, side, 1], values)],
    );
    const [bilinear, bicubic] = turns.map((found) => {
      const errors = found.flatMap((value, i) => {
        const [x, y] = [(i % side) - middle, Math.floor(i / side) - middle];
        if (Math.hypot(x, y) > middle - 4) return [];
        const [fromX, fromY] = [Math.cos(angle) * x - Math.sin(angle) * y, Math.sin(angle) * x + Math.cos(angle) * y];
        return [Math.abs(value - pattern(fromX, fromY))];
      });
      return errors.reduce((sum, error) => sum + error, 0) / errors.length;
    });
    assert.ok(bicubic < 4 && bilinear > 2.5 * bicubic, `bilinear ${bilinear}, bicubic ${bicubic}`);
  });
});
