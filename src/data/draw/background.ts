import type { SKRSContext2D } from '@napi-rs/canvas';
import type { Random } from '../../base/index.ts';
import { jitter, pick, pickWeighted } from './chance.ts';
import { css, hex, mix, randomTint, shade, tinted, type Colour } from './colour.ts';
import { paintLeaf } from './foliage.ts';

export type Setting = 'bokeh' | 'grass' | 'foliage' | 'sky' | 'soil' | 'plain' | 'wall';

const SETTINGS: Record<Setting, number> = {
  bokeh: 3,
  grass: 3,
  foliage: 2.5,
  sky: 1.3,
  soil: 1.2,
  plain: 1,
  wall: 0.6,
};

const GREENS = ['#2f5a24', '#4a7a2c', '#6f9a3c', '#3c6b45', '#8aa653', '#274a2a', '#567d3a'];
const LIGHTS = ['#f4f1d0', '#dfe9a8', '#9cc36a', '#ffe9a0', '#e7c7d6', '#cfe0f2', '#c98d6a', '#d9d4f0'];
const EARTHS = ['#6b4f38', '#8a6b4c', '#4d3a2b', '#9c8468', '#756a5c', '#5b4a3e'];
const SKIES = ['#3f86d6', '#77aee6', '#a9c9e8', '#2a6cc4', '#c9d6e0', '#8fb3cf'];
const PLAINS = ['#15161a', '#20261f', '#e9e4da', '#c9c4ba', '#5e6a72', '#3b2f35', '#d8c9c2', '#8d979b', '#0b0c0d'];

/** Paints what stands behind the flowers over the whole `size` × `size` picture. */
export function paintBackground(ctx: SKRSContext2D, size: number, random: Random): Setting {
  const setting = pickWeighted(random, SETTINGS);
  PAINTERS[setting](ctx, size, random);
  return setting;
}

type Painter = (ctx: SKRSContext2D, size: number, random: Random) => void;

const PAINTERS: Record<Setting, Painter> = {
  bokeh(ctx, size, random) {
    const dark = colourFrom(random, GREENS);
    fillGradient(
      ctx,
      size,
      shade(dark, random.uniform(-0.45, 0.1)),
      shade(colourFrom(random, GREENS), random.uniform(-0.5, 0.25)),
      random,
    );
    const count = 10 + random.integer(26);
    for (let i = 0; i < count; i++) {
      const colour = random.uniform() < 0.3 ? colourFrom(random, LIGHTS) : colourFrom(random, GREENS);
      blot(
        ctx,
        random.uniform(0, size),
        random.uniform(0, size),
        size * random.uniform(0.03, 0.14),
        colour,
        random.uniform(0.12, 0.5),
      );
    }
  },
  grass(ctx, size, random) {
    const ground = colourFrom(random, GREENS);
    fillGradient(ctx, size, shade(ground, random.uniform(-0.1, 0.25)), shade(ground, -0.45), random, 0);
    const count = 70 + random.integer(60);
    for (let i = 0; i < count; i++) {
      const depth = i / count;
      const length = size * (0.12 + 0.5 * depth) * random.uniform(0.6, 1.3);
      const x = random.uniform(-0.1, 1.1) * size;
      const y = size * (0.25 + 0.95 * depth) + jitter(random, 0.2 * size);
      const colour = shade(colourFrom(random, GREENS), random.uniform(-0.35, 0.15));
      ctx.strokeStyle = css(colour, 0.85);
      ctx.lineWidth = Math.max(0.6, size * (0.006 + 0.014 * depth) * random.uniform(0.6, 1.2));
      ctx.beginPath();
      ctx.moveTo(x, y);
      const lean = jitter(random, 0.5 * length);
      ctx.quadraticCurveTo(x + lean * 0.25, y - length * 0.6, x + lean, y - length);
      ctx.stroke();
    }
  },
  foliage(ctx, size, random) {
    const ground = shade(colourFrom(random, GREENS), -0.55);
    fillGradient(ctx, size, ground, shade(ground, -0.3), random);
    const count = 24 + random.integer(22);
    const shape = pick(random, ['oval', 'lance', 'spear', 'round'] as const);
    const width = shape === 'spear' ? 0.22 : random.uniform(0.4, 0.6);
    for (let i = 0; i < count; i++) {
      const length = size * random.uniform(0.14, 0.34);
      const colour = shade(colourFrom(random, GREENS), -0.42 + 0.42 * (i / count) + jitter(random, 0.12));
      const at = { x: random.uniform(-0.15, 1.1) * size, y: random.uniform(-0.1, 1.15) * size };
      paintLeaf(ctx, shape, at, random.uniform(0, 6.28), length, length * width, colour, jitter(random, 0.3));
    }
  },
  sky(ctx, size, random) {
    const blue = colourFrom(random, SKIES);
    fillGradient(ctx, size, shade(blue, -0.08), shade(blue, 0.4), random, 0);
    const clouds = random.integer(5);
    for (let i = 0; i < clouds; i++) {
      const x = random.uniform(0, size);
      const y = random.uniform(0, size);
      for (let puff = 0; puff < 7; puff++) {
        blot(
          ctx,
          x + jitter(random, 0.25 * size),
          y + jitter(random, 0.07 * size),
          size * random.uniform(0.06, 0.18),
          [250, 250, 252],
          0.35,
        );
      }
    }
    if (random.uniform() < 0.4) {
      const hill = shade(colourFrom(random, GREENS), jitter(random, 0.3));
      ctx.fillStyle = css(hill);
      ctx.fillRect(0, size * random.uniform(0.68, 0.92), size, size);
    }
  },
  soil(ctx, size, random) {
    const earth = colourFrom(random, EARTHS);
    fillGradient(ctx, size, shade(earth, 0.05), shade(earth, -0.35), random);
    for (let i = 0; i < 130; i++) {
      const colour = shade(colourFrom(random, EARTHS), random.uniform(-0.5, 0.25));
      ctx.fillStyle = css(colour, random.uniform(0.4, 0.95));
      ctx.beginPath();
      const radius = size * random.uniform(0.006, 0.034);
      ctx.ellipse(
        random.uniform(0, size),
        random.uniform(0, size),
        radius,
        radius * random.uniform(0.45, 1),
        random.uniform(0, 3),
        0,
        6.3,
      );
      ctx.fill();
    }
    const tufts = random.integer(22);
    for (let i = 0; i < tufts; i++) {
      const at = { x: random.uniform(0, size), y: random.uniform(0, size) };
      const length = size * random.uniform(0.06, 0.16);
      paintLeaf(
        ctx,
        'lance',
        at,
        random.uniform(0, 6.28),
        length,
        length * 0.3,
        shade(colourFrom(random, GREENS), jitter(random, 0.25)),
        0.1,
      );
    }
  },
  plain(ctx, size, random) {
    const colour = colourFrom(random, PLAINS);
    fillGradient(ctx, size, shade(colour, random.uniform(0, 0.18)), shade(colour, random.uniform(-0.3, 0)), random);
  },
  wall(ctx, size, random) {
    const colour = mix(colourFrom(random, EARTHS), colourFrom(random, PLAINS), random.uniform());
    fillGradient(ctx, size, shade(colour, 0.1), shade(colour, -0.2), random);
    const upright = random.uniform() < 0.5;
    const boards = 3 + random.integer(6);
    for (let i = 0; i < boards; i++) {
      const from = (i * size) / boards;
      ctx.fillStyle = css(shade(colour, jitter(random, 0.3)), 0.75);
      if (upright) ctx.fillRect(from, 0, size / boards - size * 0.012, size);
      else ctx.fillRect(0, from, size, size / boards - size * 0.012);
    }
  },
};

function colourFrom(random: Random, colours: readonly string[]): Colour {
  return tinted(hex(pick(random, colours)), randomTint(random, 1.2));
}

function fillGradient(
  ctx: SKRSContext2D,
  size: number,
  from: Colour,
  to: Colour,
  random: Random,
  angle = random.uniform(-1, 1),
) {
  const x = (size / 2) * Math.sin(angle);
  const y = (size / 2) * Math.cos(angle);
  const gradient = ctx.createLinearGradient(size / 2 - x, size / 2 - y, size / 2 + x, size / 2 + y);
  gradient.addColorStop(0, css(from));
  gradient.addColorStop(1, css(to));
  ctx.fillStyle = gradient;
  ctx.fillRect(0, 0, size, size);
}

/** A disc out of focus. */
function blot(ctx: SKRSContext2D, x: number, y: number, radius: number, colour: Colour, alpha: number): void {
  const gradient = ctx.createRadialGradient(x, y, 0, x, y, radius);
  gradient.addColorStop(0, css(colour, alpha));
  gradient.addColorStop(0.75, css(colour, alpha * 0.9));
  gradient.addColorStop(1, css(colour, 0));
  ctx.fillStyle = gradient;
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, 2 * Math.PI);
  ctx.fill();
}
