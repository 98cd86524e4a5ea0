import type { SKRSContext2D } from '@napi-rs/canvas';
import type { Random } from '../../base/index.ts';
import { paintCentre } from './centre.ts';
import { jitter } from './chance.ts';
import { css, hex, shade, tinted, type Tint } from './colour.ts';
import type { Light } from './light.ts';
import { paintPetal, PetalSurface, type Petal } from './petal.ts';
import { lit, pigmentOf, type Pigment } from './pigment.ts';
import { Projection, type Pose } from './pose.ts';
import type { Paint, Receptacle, Row, Species } from './species.ts';

/** What the blooms of one plant share. */
export interface Dress {
  readonly paint: Paint;
  readonly tint: Tint;
  /** The same for the green parts. */
  readonly leafTint: Tint;
  readonly light: Light;
}

interface Part {
  readonly depth: number;
  paint(): void;
}

const RADIANS = Math.PI / 180;

/** Spots on a petal that has any. */
const SPOTS = 9;

/** Paints one bloom: all its parts, from the far ones to the near ones. */
export function paintBloom(ctx: SKRSContext2D, species: Species, pose: Pose, dress: Dress, random: Random): void {
  const projection = new Projection(pose);
  const parts: Part[] = [];
  let order = 0;
  for (const row of species.rows) {
    const pigment = pigmentOf(row.paint ?? dress.paint, row.paint === undefined ? dress.tint : mild(dress.tint));
    for (let layer = 0; layer < row.layers; layer++) {
      const inward = row.layers === 1 ? 0 : layer / (row.layers - 1);
      // Inner layers sit in the shadow of the ones round them.
      const shaded = lit(pigment, -0.13 * inward);
      order++;
      for (const petal of petalsOf(row, inward, order, pigment.spots === undefined ? 0 : SPOTS, random)) {
        parts.push(petalPart(ctx, petal, shaded, projection, dress.light, order, random));
      }
    }
  }
  // Nothing of a flat bloom hides its disc or column; in a cup the near petals do.
  const flat = species.rows.every((row) => row.rise[1] < 45);
  const middle = projection.project(0, 0, 0.12).depth + 0.05 * order;
  parts.push({
    depth: flat && species.centre.kind !== 'stamens' ? Infinity : middle,
    paint: () => paintCentre(ctx, species.centre, projection, mild(dress.tint), random),
  });
  const { receptacle } = species;
  if (receptacle !== undefined) {
    const { depth } = projection.project(0, 0, -receptacle.length / 2);
    parts.push({ depth, paint: () => paintReceptacle(ctx, receptacle, projection, dress.leafTint) });
  }
  parts.sort((a, b) => a.depth - b.depth);
  for (const part of parts) part.paint();
}

/** Parts with a colour of their own vary less than the petals. */
function mild(tint: Tint): Tint {
  return { hue: tint.hue * 0.3, saturation: 1 + (tint.saturation - 1) * 0.5, lightness: tint.lightness * 0.5 };
}

function petalPart(
  ctx: SKRSContext2D,
  petal: Petal,
  pigment: Pigment,
  projection: Projection,
  light: Light,
  order: number,
  random: Random,
): Part {
  const surface = new PetalSurface(petal, projection);
  const own = lit(pigment, jitter(random, 0.06));
  return {
    // Rows lie upon each other even where they are flat.
    depth: surface.at(0.6, 0).depth + 0.04 * order,
    paint: () => paintPetal(ctx, surface, own, light),
  };
}

function* petalsOf(row: Row, inward: number, order: number, spots: number, random: Random): Generator<Petal> {
  const shrink = 1 - (1 - row.inner) * inward;
  const count = row.angles?.length ?? Math.max(3, Math.round(row.count * (1 - 0.35 * inward)));
  // Each ring stands over the gaps of the one below.
  const turn = row.angles === undefined ? (order * Math.PI) / count : 0;
  const loose = row.angles === undefined ? Math.min(0.3, 1.4 / count) : 0.05;
  for (let i = 0; i < count; i++) {
    const angle = row.angles === undefined ? turn + (i / count) * 2 * Math.PI : row.angles[i] * RADIANS;
    const length = row.length * shrink * (1 + jitter(random, 0.08));
    // Inner layers close over the middle.
    const closing = inward * 62 + jitter(random, 9);
    yield {
      shape: row.shape,
      angle: angle + jitter(random, loose),
      length,
      halfWidth: (row.width * length * (1 + 0.25 * inward) * (1 + jitter(random, 0.08))) / 2,
      rise: [
        (row.rise[0] + closing * 0.6) * RADIANS,
        (row.rise[1] + closing) * RADIANS,
        (row.rise[2] + closing * 1.1 + jitter(random, 8)) * RADIANS,
      ],
      cup: row.cup,
      inset: row.inset * (1 - 0.6 * inward),
      lift: row.lift,
      spots: Array.from({ length: spots }, () => [random.uniform(0.2, 0.75), random.uniform(-0.5, 0.5)] as const),
    };
  }
}

function paintReceptacle(ctx: SKRSContext2D, receptacle: Receptacle, projection: Projection, tint: Tint): void {
  const { axis, across } = projection.foreshortening;
  const { scale, roll } = projection.pose;
  const middle = projection.project(0, 0, -receptacle.length * 0.42);
  const wide = receptacle.radius * scale;
  const long = Math.hypot((receptacle.length / 2) * axis, receptacle.radius * across) * scale;
  const colour = tinted(hex(receptacle.colour), tint);
  const gradient = ctx.createLinearGradient(middle.x - wide, middle.y, middle.x + wide, middle.y);
  gradient.addColorStop(0, css(shade(colour, 0.12)));
  gradient.addColorStop(1, css(shade(colour, -0.3)));
  ctx.fillStyle = gradient;
  ctx.beginPath();
  ctx.ellipse(middle.x, middle.y, wide, long, roll, 0, 2 * Math.PI);
  ctx.fill();
}
