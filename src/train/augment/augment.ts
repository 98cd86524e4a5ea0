import {
  add,
  clamp,
  convert,
  full,
  less,
  mean,
  mul,
  optimizationBarrier,
  reshape,
  sliceAxis,
  transpose,
  where,
  xor,
  type Tensor,
} from '../../xla/index.ts';
import { UsageError } from '../../base/index.ts';
import { uniformPerExample } from '../../nn/index.ts';
import { joinShears, place, rotation, slant, type Shears } from './affine.ts';
import { gaussianBlur } from './blur.ts';
import { adjustBrightness, adjustContrast, adjustHue, adjustSaturation, toGrayscale } from './color.ts';
import { moveBox, randomBox, wholeImage } from './crop.ts';
import { between, drawStream, streamKey, type Draws } from './draws.ts';
import { erase } from './erase.ts';
import { addNoise, normalPerExample } from './noise.ts';
import { drawRounds, presetMoves, recolor } from './preset.ts';
import type { AugmentSettings } from './settings.ts';
import { exchange, quarterTurn, randomQuarters } from './turn.ts';

/**
 * Changed images `[N, H, W, C]` of the same shape and dtype float32, from images of any dtype: first all that moves
 * pixels, in one resample; then colours, blur and noise; then what covers a part. Values stay in 0..255. All of it is for
 * data only: training asks for no gradient through it.
 */
export function augment(images: Tensor, settings: AugmentSettings, draws: Draws): Tensor {
  // In between as [N, H, C, W]: each channel of a row is one run in memory, which CPUs work on at full width.
  const moved = move(images, settings, draws);
  const changes: readonly ((images: Tensor, settings: AugmentSettings, draws: Draws) => Tensor)[] = [
    policy,
    color,
    grayscale,
    blur,
    noise,
    cover,
  ];
  const result = changes.reduce((changed, change) => change(changed, settings, draws), moved);
  return transpose(result, [0, 1, 3, 2]);
}

function move(images: Tensor, settings: AugmentSettings, draws: Draws): Tensor {
  const { flip, flipVertical = false, turn = false, crop, border = 'reflect', interpolation } = settings;
  const [batch] = images.shape;
  const slants = slantOf(settings, draws, batch);
  if (!flip && !flipVertical && !turn && crop === undefined && slants === undefined)
    return convert(transpose(images, [0, 1, 3, 2]), 'float32');
  const units = uniformPerExample(draws.key, draws.firstExample, batch, [5]);
  const draw = (i: number) => reshape(sliceAxis(units, 1, i, i + 1), [batch]);
  const box = crop === undefined ? wholeImage(batch) : randomBox(crop, draw);
  const [quarters, vertical] = turn || flipVertical ? drawStream(draws, 'turn', batch, 2) : [];
  const turned = turn ? quarterTurn(randomQuarters(quarters)) : undefined;
  const source = turned === undefined ? images : exchange(square(images), turned.exchange);
  return place(convert(source, 'float32'), {
    box: slants === undefined ? box : moveBox(box, slants.zoom, slants.moveX, slants.moveY),
    mirror: both(flip ? less(draw(4), 0.5) : undefined, turned?.mirror),
    mirrorVertical: both(flipVertical ? less(vertical, 0.5) : undefined, turned?.mirrorVertical),
    shears: slants?.shears,
    border: slants === undefined ? 'edge' : border,
    interpolation,
  });
}

const both = (a: Tensor | undefined, b: Tensor | undefined): Tensor | undefined =>
  a !== undefined && b !== undefined ? xor(a, b) : (a ?? b);

function square(images: Tensor): Tensor {
  const [, height, width] = images.shape;
  if (height === width) return images;
  throw new UsageError('NOT_SQUARE', 'only square images can be turned by 90 degrees', {
    received: `${width}x${height} px`,
  });
}

interface Slants {
  readonly shears: Shears;
  readonly zoom: Tensor;
  readonly moveX: Tensor;
  readonly moveY: Tensor;
}

/** Turns, slants, zoom and shift, of the settings and of a preset; undefined where there are none. */
function slantOf(settings: AugmentSettings, draws: Draws, batch: number): Slants | undefined {
  const { rotate = 0, shear = 0, zoom, shift = 0, preset } = settings;
  const own = rotate > 0 || shear > 0 || zoom !== undefined || shift > 0;
  if (!own && preset === undefined) return undefined;
  const [angle, slope, size, x, y] = drawStream(draws, 'affine', batch, 5);
  const steepest = Math.tan((shear * Math.PI) / 180);
  const shears = joinShears(
    rotation(between(angle, -rotate, rotate), rotate),
    slant(between(slope, -steepest, steepest), undefined, steepest),
  );
  const result: Slants = {
    shears,
    zoom: zoom === undefined ? full([batch], 1, 'float32') : between(size, zoom[0], zoom[1]),
    moveX: between(x, -shift, shift),
    moveY: between(y, -shift, shift),
  };
  if (preset === undefined) return result;
  const moves = presetMoves(drawRounds(preset, draws, batch));
  return {
    shears: joinShears(shears, moves.shears),
    zoom: result.zoom,
    moveX: add(result.moveX, moves.moveX),
    moveY: add(result.moveY, moves.moveY),
  };
}

function policy(images: Tensor, { preset }: AugmentSettings, draws: Draws): Tensor {
  if (preset === undefined) return images;
  return drawRounds(preset, draws, images.shape[0]).reduce(
    (result, round) => optimizationBarrier([recolor(result, round)])[0],
    images,
  );
}

function color(images: Tensor, settings: AugmentSettings, draws: Draws): Tensor {
  const steps = [
    [settings.brightness, adjustBrightness],
    [settings.contrast, adjustContrast],
    [settings.saturation, adjustSaturation],
  ] as const;
  const units = drawStream(draws, 'color', images.shape[0], 4);
  let result = images;
  for (const [i, [strength = 0, adjust]] of steps.entries()) {
    if (strength > 0) result = adjust(result, between(units[i], 1 - strength, 1 + strength));
  }
  const { hue = 0 } = settings;
  return hue > 0 ? adjustHue(result, between(units[3], -hue, hue)) : result;
}

function grayscale(images: Tensor, { grayscale: probability = 0 }: AugmentSettings, draws: Draws): Tensor {
  if (probability === 0) return images;
  const [unit] = drawStream(draws, 'grayscale', images.shape[0], 1);
  return toGrayscale(images, less(unit, probability));
}

/** A bell narrower than this leaves pixels as they are in float32. */
const NO_BLUR = 1e-3;

function blur(images: Tensor, { blur: settings }: AugmentSettings, draws: Draws): Tensor {
  if (settings === undefined) return images;
  const { probability, sigma } = settings;
  const [coin, unit] = drawStream(draws, 'blur', images.shape[0], 2);
  const width = where(less(coin, probability), between(unit, ...sigma), NO_BLUR);
  return gaussianBlur(images, width, Math.min(images.shape[1] - 1, images.shape[3] - 1, Math.ceil(2 * sigma[1])));
}

function noise(images: Tensor, { noise: greatest = 0 }: AugmentSettings, draws: Draws): Tensor {
  if (greatest === 0) return images;
  const key = streamKey(draws, 'noise');
  const [unit] = drawStream(draws, 'noiseStrength', images.shape[0], 1);
  const normal = normalPerExample(key, draws.firstExample, images.shape);
  return clamp(addNoise(images, mul(unit, greatest * 255), normal), 0, 255);
}

function cover(images: Tensor, { erase: settings }: AugmentSettings, draws: Draws): Tensor {
  if (settings === undefined) return images;
  const { probability, fill } = settings;
  const [coin, ...units] = drawStream(draws, 'erase', images.shape[0], 5);
  const box = randomBox(settings, (i) => units[i]);
  return erase(images, box, less(coin, probability), FILLS[fill](images, draws));
}

/** What a box is covered with. */
const FILLS = {
  black: () => 0,
  mean: (images: Tensor) => mean(images, { axes: [1, 3], keepDims: true }),
  noise: (images: Tensor, draws: Draws) =>
    mul(
      uniformPerExample(streamKey(draws, 'eraseNoise'), draws.firstExample, images.shape[0], images.shape.slice(1)),
      255,
    ),
};
