import { createCanvas, type Canvas, type SKRSContext2D } from '@napi-rs/canvas';
import type { Random } from '../../base/index.ts';
import { paintBackground, type Setting } from './background.ts';
import type { Dress } from './bloom.ts';
import { expose, randomExposure, type Exposure } from './camera.ts';
import { chance, jitter, pick, pickWeighted } from './chance.ts';
import { randomTint } from './colour.ts';
import type { Light } from './light.ts';
import type { Place } from './place.ts';
import { paintPlant } from './plant.ts';
import type { Species } from './species.ts';

/** How far pictures of one species differ from each other. */
export type Difficulty = 'easy' | 'medium' | 'hard';

/** How far pictures of one species may differ, the easiest first. */
export const DIFFICULTIES: readonly Difficulty[] = ['easy', 'medium', 'hard'];

type Framing = 'close' | 'portrait' | 'group' | 'field';

interface Level {
  readonly framings: Record<Framing, number>;
  /** See `paintPlant`. */
  readonly looseness: number;
  /** See `randomExposure`. */
  readonly roughness: number;
  /** How much the colours of plants vary; 1 is a garden. */
  readonly tint: number;
  /** Chance of each colourway after the first. */
  readonly colourways: number;
  /** Chance that the flower is out of focus. */
  readonly blur: number;
  /** Chance that a leaf or blade stands before the flower. */
  readonly cover: number;
}

const LEVELS: Record<Difficulty, Level> = {
  easy: {
    framings: { close: 3, portrait: 6, group: 1, field: 0 },
    looseness: 0.7,
    roughness: 0.7,
    tint: 0.7,
    colourways: 0.5,
    blur: 0,
    cover: 0,
  },
  medium: {
    framings: { close: 3, portrait: 5, group: 2.5, field: 0.7 },
    looseness: 1,
    roughness: 1,
    tint: 1,
    colourways: 0.75,
    blur: 0.1,
    cover: 0.15,
  },
  hard: {
    framings: { close: 2.5, portrait: 3, group: 3, field: 2 },
    looseness: 1.6,
    roughness: 1.8,
    tint: 1.7,
    colourways: 1,
    blur: 0.3,
    cover: 0.4,
  },
};

/** How dark a flower's shadow on the background is. */
const SHADOWS: Record<Setting, number> = {
  bokeh: 0.2,
  grass: 0.4,
  foliage: 0.4,
  sky: 0,
  soil: 0.42,
  plain: 0.16,
  wall: 0.3,
};

/** A drawn picture. */
export interface Drawing {
  /** Row by row, 3 bytes a pixel. */
  readonly rgb: Uint8Array;
  readonly size: number;
  /** JPEG quality that fits the camera, 1 to 100. */
  readonly quality: number;
}

/**
 * Draws one picture of a species, `size` pixels square.
 *
 * The same species, size, difficulty and random stream give the same pixels.
 */
export function drawFlower(species: Species, size: number, random: Random, difficulty: Difficulty = 'medium'): Drawing {
  const level = LEVELS[difficulty];
  const canvas = createCanvas(size, size);
  const ctx = canvas.getContext('2d');
  ctx.lineCap = 'round';
  ctx.lineJoin = 'round';

  const light = randomLight(random);
  const dress: Dress = {
    paint: pickColourway(species, level, random),
    tint: randomTint(random, level.tint),
    leafTint: randomTint(random, level.tint),
    light,
  };
  const framing = pickWeighted(random, level.framings);
  const places = placesFor(framing, species, size, level, random);

  const setting = paintFar(ctx, species, size, dress, level, random);
  for (const place of places) {
    paintShadow(ctx, place, light, SHADOWS[setting]);
    paintPlant(ctx, species, place, dress, level.looseness, random);
  }
  if (chance(random, level.cover)) paintCover(ctx, size, random);
  if (chance(random, level.blur)) soften(ctx, canvas, size, random.uniform(1.3, 2.6));
  return takePicture(canvas, size, randomExposure(random, level.roughness), random);
}

function randomLight(random: Random): Light {
  const right = random.uniform(-0.75, 0.75);
  const up = random.uniform(0.1, 0.7);
  const near = random.uniform(0.45, 1);
  const length = Math.hypot(right, up, near);
  return [right / length, up / length, near / length];
}

function pickColourway(species: Species, level: Level, random: Random) {
  return chance(random, level.colourways) ? pick(random, species.colourways) : species.colourways[0];
}

/** Where the flowers stand, far ones first. */
function placesFor(framing: Framing, species: Species, size: number, level: Level, random: Random): Place[] {
  const ground = size * random.uniform(1.02, 1.3);
  const single = (low: number, high: number, off: number): Place => ({
    x: size * (0.5 + jitter(random, off * level.looseness)),
    y: size * (0.47 + jitter(random, off * level.looseness)),
    radius: size * random.uniform(low, high) * species.scale,
    ground,
  });
  switch (framing) {
    case 'close':
      return [single(0.4, 0.54, 0.09)];
    case 'portrait':
      return [single(0.28, 0.4, 0.12)];
    case 'group':
      return scattered(2 + random.integer(3), 0.18, 0.27);
    case 'field':
      return scattered(6 + random.integer(8), 0.085, 0.15);
    default:
      return framing satisfies never;
  }

  function scattered(count: number, low: number, high: number): Place[] {
    const turn = random.uniform(0, 6.28);
    const places = Array.from({ length: count }, (_, i) => {
      // A sunflower's spiral spreads any number evenly; the jitter hides it.
      const out = Math.sqrt((i + 0.5) / count) * 0.46;
      const angle = turn + i * 2.39996;
      return {
        x: size * (0.5 + out * Math.cos(angle) + jitter(random, 0.09)),
        y: size * (0.5 + out * Math.sin(angle) + jitter(random, 0.09)),
        radius: size * random.uniform(low, high) * species.scale,
        ground,
      };
    });
    return places.toSorted((a, b) => a.y - b.y);
  }
}

/** Background and far plants, drawn small and enlarged, which puts them out of focus. */
function paintFar(
  ctx: SKRSContext2D,
  species: Species,
  size: number,
  dress: Dress,
  level: Level,
  random: Random,
): Setting {
  const small = Math.max(24, Math.round(size / random.uniform(1.6, 5)));
  const canvas = createCanvas(small, small);
  const far = canvas.getContext('2d');
  far.lineCap = 'round';
  const setting = paintBackground(far, small, random);
  const plants = chance(random, 0.35) ? 1 + random.integer(2) : 0;
  for (let i = 0; i < plants; i++) {
    const place = {
      x: small * random.uniform(0, 1),
      y: small * random.uniform(0.1, 0.9),
      radius: small * random.uniform(0.07, 0.16) * species.scale,
      ground: small * 1.1,
    };
    paintPlant(far, species, place, { ...dress, tint: randomTint(random, level.tint) }, level.looseness, random);
  }
  ctx.imageSmoothingEnabled = true;
  ctx.imageSmoothingQuality = 'high';
  // The margin keeps the soft rim of the enlarged picture outside.
  ctx.drawImage(canvas, -size * 0.03, -size * 0.03, size * 1.06, size * 1.06);
  return setting;
}

/** Darkness behind a flower head, away from the light. */
function paintShadow(ctx: SKRSContext2D, place: Place, light: Light, strength: number): void {
  if (strength === 0) return;
  const x = place.x - light[0] * place.radius * 0.35;
  const y = place.y + (0.15 + light[1] * 0.3) * place.radius;
  const gradient = ctx.createRadialGradient(x, y, place.radius * 0.3, x, y, place.radius * 1.25);
  gradient.addColorStop(0, `rgba(8,14,8,${strength})`);
  gradient.addColorStop(1, 'rgba(8,14,8,0)');
  ctx.fillStyle = gradient;
  ctx.fillRect(place.x - 2 * place.radius, place.y - 2 * place.radius, 4 * place.radius, 4 * place.radius);
}

/** A blade of grass close to the lens. */
function paintCover(ctx: SKRSContext2D, size: number, random: Random): void {
  const x = size * random.uniform(0, 1);
  const lean = jitter(random, 0.5 * size);
  const width = size * random.uniform(0.02, 0.05);
  const green = pick(random, ['70,105,45', '110,140,60', '45,75,40']);
  for (const share of [1.6, 1.25, 0.9]) {
    ctx.strokeStyle = `rgba(${green},0.4)`;
    ctx.lineWidth = width * share;
    ctx.beginPath();
    ctx.moveTo(x, size * 1.05);
    ctx.quadraticCurveTo(x + lean * 0.2, size * 0.6, x + lean, size * random.uniform(0.1, 0.5));
    ctx.stroke();
  }
}

/** Puts the whole picture out of focus by drawing it smaller and larger again. */
function soften(ctx: SKRSContext2D, canvas: Canvas, size: number, factor: number): void {
  const small = Math.round(size / factor);
  const copy = createCanvas(small, small);
  const smaller = copy.getContext('2d');
  smaller.imageSmoothingQuality = 'high';
  smaller.drawImage(canvas, 0, 0, small, small);
  ctx.drawImage(copy, 0, 0, size, size);
}

function takePicture(canvas: Canvas, size: number, exposure: Exposure, random: Random): Drawing {
  return { rgb: expose(canvas.data(), size, exposure, random), size, quality: exposure.quality };
}
