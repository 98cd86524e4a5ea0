import {
  add,
  clamp,
  equal,
  floor,
  full,
  less,
  max,
  mean,
  min,
  mul,
  or,
  sub,
  where,
  div,
  maximum,
  type Tensor,
} from '../../xla/index.ts';
import { eitherShears, joinShears, rotation, slant, type Shears } from './affine.ts';
import { luma, solarize } from './color.ts';
import { drawStream, perImage, type Draws } from './draws.ts';
import type { AugmentSettings } from './settings.ts';
import { smoothed } from './sharpness.ts';

/**
 * The changes of RandAugment (Cubuk et al. 2019) but histogram equalisation, which has no fast form without gathers.
 * TrivialAugment (Müller and Hutter 2021) draws one of them with a strength of its own for each image.
 */
const CHANGES = [
  'identity',
  'shearAcross',
  'shearDown',
  'moveAcross',
  'moveDown',
  'rotate',
  'brightness',
  'saturation',
  'contrast',
  'sharpness',
  'posterize',
  'solarize',
  'autoContrast',
] as const;
type Change = (typeof CHANGES)[number];

/** What the changes with a sign reach at full strength: slope, share of the side, degrees, factor 1 ± this. */
const GREATEST = { shear: 0.3, move: 150 / 331, rotate: 30, blend: 0.9 };

/** One drawn change for each image. */
interface Round {
  /** 1 where the image gets this change, 0 elsewhere; [batch]. */
  readonly has: (change: Change) => Tensor;
  /** 0 to 1; [batch]. */
  readonly strength: Tensor;
  /** The same, or its negative. */
  readonly signed: Tensor;
  /** Its greatest value. */
  readonly limit: number;
}

export type Preset = NonNullable<AugmentSettings['preset']>;

/** Draws a preset's changes for every image, to be done one round after the other. */
export function drawRounds(preset: Preset, draws: Draws, batch: number): Round[] {
  const count = preset.name === 'randaugment' ? preset.count : 1;
  const units = drawStream(draws, 'preset', batch, 3 * count);
  return Array.from({ length: count }, (_, round) => {
    const [which, sign, size] = units.slice(3 * round, 3 * round + 3);
    const index = floor(mul(which, CHANGES.length));
    const limit = preset.name === 'randaugment' ? preset.magnitude / 10 : 1;
    const strength = preset.name === 'randaugment' ? full([batch], limit, 'float32') : size;
    return {
      has: (change) => equal(index, CHANGES.indexOf(change)),
      strength,
      signed: where(less(sign, 0.5), strength, mul(strength, -1)),
      limit,
    };
  });
}

/** What all rounds together move: turns and slants, and shares of the sides. */
export function presetMoves(rounds: readonly Round[]): { shears: Shears; moveX: Tensor; moveY: Tensor } {
  const each = rounds.map(({ has, signed, limit }) => {
    const amount = (change: Change, greatest: number) => where(has(change), mul(signed, greatest), 0);
    const slope = GREATEST.shear * limit;
    const turned = rotation(amount('rotate', GREATEST.rotate), GREATEST.rotate * limit);
    const slanted = slant(amount('shearAcross', GREATEST.shear), amount('shearDown', GREATEST.shear), slope);
    return {
      shears: eitherShears(turned, slanted),
      moveX: amount('moveAcross', GREATEST.move),
      moveY: amount('moveDown', GREATEST.move),
    };
  });
  return each.reduce((a, b) => ({
    shears: joinShears(a.shears, b.shears),
    moveX: add(a.moveX, b.moveX),
    moveY: add(a.moveY, b.moveY),
  }));
}

/** A round's changes of colours; images are [N, H, 3, W] in 0..255. */
export function recolor(images: Tensor, { has, strength, signed }: Round): Tensor {
  // Four of them blend the image with a base of their own by a factor around 1.
  const factor = perImage(add(mul(signed, GREATEST.blend), 1));
  const gray = luma(images);
  const base = where(
    perImage(has('saturation')),
    gray,
    where(
      perImage(has('contrast')),
      mean(gray, { axes: [1, 2, 3], keepDims: true }),
      where(perImage(has('sharpness')), smoothed(images), 0),
    ),
  );
  const isBlended = or(or(has('brightness'), has('saturation')), or(has('contrast'), has('sharpness')));
  const blended = clamp(add(base, mul(sub(images, base), factor)), 0, 255);

  // Bits that are kept fall from 8 to 4: the step between values rises from 1 to 16.
  const step = perImage(powerOfTwo(floor(add(mul(strength, 4), 0.5))));
  const posterized = mul(floor(div(images, step)), step);
  const solarized = solarize(images, mul(sub(1, strength), 255));
  const low = min(images, { axes: [1, 3], keepDims: true });
  const range = sub(max(images, { axes: [1, 3], keepDims: true }), low);
  const stretched = where(less(range, 1), images, mul(div(sub(images, low), maximum(range, 1)), 255));

  const candidates: readonly (readonly [Tensor, Tensor])[] = [
    [isBlended, blended],
    [has('posterize'), posterized],
    [has('solarize'), solarized],
    [has('autoContrast'), stretched],
  ];
  return candidates.reduce((result, [chosen, image]) => where(perImage(chosen), image, result), images);
}

/** 2 to the power of whole numbers from 0 to 4. */
function powerOfTwo(exponent: Tensor): Tensor {
  return [1, 2, 3, 4].reduce((power, n) => where(less(exponent, n), power, 2 ** n), full(exponent.shape, 1, 'float32'));
}
