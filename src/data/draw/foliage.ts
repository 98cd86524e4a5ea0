import type { SKRSContext2D } from '@napi-rs/canvas';
import type { Random } from '../../base/index.ts';
import type { Dress } from './bloom.ts';
import { jitter } from './chance.ts';
import { css, hex, shade, tinted, type Colour } from './colour.ts';
import { outlineOf } from './outline.ts';
import type { Place } from './place.ts';
import type { Leaves, PetalShape, Species } from './species.ts';

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Paints a stem from the ground to the neck, bent a little, lit from the left or the right. */
export function paintStem(
  ctx: SKRSContext2D,
  stem: Species['stem'],
  radius: number,
  foot: Point,
  neck: Point,
  dress: Dress,
  random: Random,
): void {
  const colour = tinted(hex(stem.colour), dress.leafTint);
  const width = Math.max(0.8, stem.thickness * radius);
  const bend = jitter(random, 0.12) * Math.hypot(foot.x - neck.x, foot.y - neck.y);
  const offset = dress.light[0] < 0 ? -0.2 : 0.2;
  for (const [shift, share, tone] of [
    [0, 1, -0.28],
    [offset, 0.62, 0],
    [offset * 1.4, 0.2, 0.2],
  ]) {
    ctx.strokeStyle = css(shade(colour, tone));
    ctx.lineWidth = width * share;
    ctx.beginPath();
    ctx.moveTo(foot.x + shift * width, foot.y);
    ctx.quadraticCurveTo(
      (foot.x + neck.x) / 2 + bend + shift * width,
      (foot.y + neck.y) / 2,
      neck.x + shift * width,
      neck.y,
    );
    ctx.stroke();
  }
}

/** Leaves in turn to the left and the right of the stem. */
export function paintStemLeaves(
  ctx: SKRSContext2D,
  leaves: Leaves,
  place: Place,
  foot: Point,
  neck: Point,
  dress: Dress,
  random: Random,
): void {
  const colour = tinted(hex(leaves.colour), dress.leafTint);
  const side = random.uniform() < 0.5 ? 1 : -1;
  for (let i = 0; i < leaves.count; i++) {
    const t = (i + random.uniform(0.35, 1)) / (leaves.count + 0.6);
    const at = { x: neck.x + (foot.x - neck.x) * t, y: neck.y + (foot.y - neck.y) * t };
    const left = (i % 2 === 0 ? side : -side) > 0;
    const angle = left ? random.uniform(3.0, 4.1) : random.uniform(-0.96, 0.14);
    const length = leaves.length * place.radius * random.uniform(0.75, 1.2);
    paintLeaf(
      ctx,
      leaves.shape,
      at,
      angle,
      length,
      leaves.width * length,
      shade(colour, jitter(random, 0.16)),
      jitter(random, 0.3),
    );
  }
}

/** Long blades that rise from the ground behind the bloom. */
export function paintBlades(
  ctx: SKRSContext2D,
  leaves: Leaves,
  place: Place,
  foot: Point,
  dress: Dress,
  random: Random,
): void {
  const colour = tinted(hex(leaves.colour), dress.leafTint);
  const reach = Math.max(leaves.length * place.radius, 0.55 * (place.ground - place.y));
  for (let i = 0; i < leaves.count; i++) {
    const at = { x: foot.x + jitter(random, place.radius * 0.7), y: Math.min(foot.y, place.y + reach * 1.25) };
    const angle = -Math.PI / 2 + jitter(random, 0.75);
    const length = reach * random.uniform(0.7, 1.15);
    const width = leaves.width * leaves.length * place.radius;
    paintLeaf(ctx, leaves.shape, at, angle, length, width, shade(colour, jitter(random, 0.2)), jitter(random, 0.5));
  }
}

/** One leaf from `at` outward; `bend` is how far it curves away, as a fraction of its length. */
export function paintLeaf(
  ctx: SKRSContext2D,
  shape: PetalShape,
  at: Point,
  angle: number,
  length: number,
  width: number,
  colour: Colour,
  bend: number,
): void {
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const map = (u: number, y: number): Point => {
    const along = u * length;
    const across = (y * width) / 2 + bend * length * u * u;
    return { x: at.x + along * cos - across * sin, y: at.y + along * sin + across * cos };
  };
  const outline = outlineOf(shape, length < 25 ? 5 : 9);
  const half = (outline.length / 2 + 1) / 2;
  const trace = (points: number) => {
    ctx.beginPath();
    for (let i = 0; i < points; i++) {
      const { x, y } = map(outline[2 * i], outline[2 * i + 1]);
      if (i === 0) ctx.moveTo(x, y);
      else ctx.lineTo(x, y);
    }
    ctx.closePath();
  };
  const tip = map(1, 0);
  const gradient = ctx.createLinearGradient(at.x, at.y, tip.x, tip.y);
  gradient.addColorStop(0, css(shade(colour, -0.2)));
  gradient.addColorStop(1, css(shade(colour, 0.1)));
  trace(outline.length / 2);
  ctx.fillStyle = gradient;
  ctx.fill();
  if (length < 12) return;
  trace(half);
  ctx.fillStyle = css(shade(colour, -0.5), 0.25);
  ctx.fill();
  ctx.beginPath();
  for (const u of [0, 0.5, 0.92]) {
    const { x, y } = map(u, 0);
    if (u === 0) ctx.moveTo(x, y);
    else ctx.lineTo(x, y);
  }
  ctx.strokeStyle = css(shade(colour, 0.25), 0.5);
  ctx.lineWidth = Math.max(0.5, length * 0.012);
  ctx.stroke();
}
