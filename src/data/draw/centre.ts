import type { SKRSContext2D } from '@napi-rs/canvas';
import type { Random } from '../../base/index.ts';
import { css, hex, mix, shade, tinted, type Colour, type Tint } from './colour.ts';
import type { Projection } from './pose.ts';
import type { Centre } from './species.ts';

type Disc = Extract<Centre, { kind: 'disc' }>;
type Stamens = Extract<Centre, { kind: 'stamens' }>;
type Column = Extract<Centre, { kind: 'column' }>;

/** The angle between neighbours in a sunflower's spirals, in radians. */
const GOLDEN_ANGLE = Math.PI * (3 - Math.sqrt(5));

/** Paints what stands in the middle of a bloom, `lift` above its base. */
export function paintCentre(
  ctx: SKRSContext2D,
  centre: Centre,
  projection: Projection,
  tint: Tint,
  random: Random,
): void {
  switch (centre.kind) {
    case 'disc':
      paintDisc(ctx, centre, projection, tint, random);
      return;
    case 'stamens':
      paintStamens(ctx, centre, projection, tint, random);
      return;
    case 'column':
      paintColumn(ctx, centre, projection, tint, random);
      return;
    case 'none':
      return;
    default:
      centre satisfies never;
  }
}

function paintDisc(ctx: SKRSContext2D, disc: Disc, projection: Projection, tint: Tint, random: Random): void {
  const { scale, spin, roll } = projection.pose;
  const inner = tinted(hex(disc.inner), tint);
  const outer = tinted(hex(disc.outer), tint);
  const { across } = projection.foreshortening;
  const radius = disc.radius * scale;

  // The rim and the body of the dome, under the florets.
  const middle = projection.project(0, 0, disc.height * 0.35);
  ctx.fillStyle = css(shade(outer, -0.3));
  ctx.beginPath();
  const { axis } = projection.foreshortening;
  ctx.ellipse(
    middle.x,
    middle.y,
    radius,
    radius * Math.hypot(across, (axis * disc.height * 0.5) / disc.radius),
    roll,
    0,
    2 * Math.PI,
  );
  ctx.fill();

  // Fewer, larger florets on a small picture.
  const seeds = Math.round(Math.min(disc.seeds, Math.max(7, radius * radius * 0.35)));
  const size = (radius / Math.sqrt(seeds)) * 0.95;
  const turn = random.uniform(0, 6.28);
  const groups: { colour: Colour; dots: number[] }[] = [0, 1, 2, 3, 4, 5].map((i) => ({
    colour: shade(mix(inner, outer, Math.floor(i / 2) / 2), i % 2 === 0 ? 0.08 : -0.16),
    dots: [],
  }));
  for (let i = 0; i < seeds; i++) {
    const out = Math.sqrt((i + 0.5) / seeds);
    const angle = turn + spin + i * GOLDEN_ANGLE;
    const height = disc.height * (1 - out * out);
    const flat = disc.radius * out * 0.96;
    const { x, y, depth } = projection.project(flat * Math.cos(angle), flat * Math.sin(angle), height);
    // The far side of a tall dome is hidden by the near one.
    if (depth < -0.35 * disc.radius) continue;
    groups[Math.min(2, Math.floor(out * 3)) * 2 + random.integer(2)].dots.push(x, y);
  }
  for (const { colour, dots } of groups) {
    if (dots.length === 0) continue;
    ctx.fillStyle = css(colour);
    ctx.beginPath();
    for (let i = 0; i < dots.length; i += 2) {
      ctx.moveTo(dots[i] + size, dots[i + 1]);
      ctx.ellipse(dots[i], dots[i + 1], size, size * 0.85, 0, 0, 2 * Math.PI);
    }
    ctx.fill();
  }
}

function paintStamens(ctx: SKRSContext2D, stamens: Stamens, projection: Projection, tint: Tint, random: Random): void {
  const { scale, spin } = projection.pose;
  const { across } = projection.foreshortening;
  if (stamens.eye > 0) {
    const middle = projection.project(0, 0, 0.06);
    ctx.fillStyle = css(tinted(hex(stamens.eyeColour), tint));
    ctx.beginPath();
    const radius = stamens.eye * scale;
    ctx.ellipse(middle.x, middle.y, radius, radius * (0.4 + 0.6 * across), projection.pose.roll, 0, 2 * Math.PI);
    ctx.fill();
  }
  const rise = (stamens.rise * Math.PI) / 180;
  const tips: number[] = [];
  ctx.beginPath();
  for (let i = 0; i < stamens.count; i++) {
    const angle = spin + (i * 2 * Math.PI) / stamens.count + random.uniform(-0.15, 0.15);
    const length = stamens.length * random.uniform(0.72, 1.08);
    const lean = Math.min(1.55, rise + random.uniform(-0.25, 0.25));
    const out = Math.cos(lean) * length;
    const from = projection.project(0, 0, 0);
    const to = projection.project(Math.cos(angle) * out, Math.sin(angle) * out, Math.sin(lean) * length);
    ctx.moveTo(from.x, from.y);
    ctx.lineTo(to.x, to.y);
    tips.push(to.x, to.y);
  }
  ctx.strokeStyle = css(tinted(hex(stamens.filament), tint));
  ctx.lineWidth = Math.max(0.5, scale * 0.016);
  ctx.stroke();
  ctx.fillStyle = css(tinted(hex(stamens.anther), tint));
  const radius = Math.max(0.7, scale * 0.034);
  ctx.beginPath();
  for (let i = 0; i < tips.length; i += 2) {
    ctx.moveTo(tips[i] + radius, tips[i + 1]);
    ctx.arc(tips[i], tips[i + 1], radius, 0, 2 * Math.PI);
  }
  ctx.fill();
}

function paintColumn(ctx: SKRSContext2D, column: Column, projection: Projection, tint: Tint, random: Random): void {
  const { scale } = projection.pose;
  const colour = tinted(hex(column.colour), tint);
  const tip = tinted(hex(column.tip), tint);
  const lean = random.uniform(-0.1, 0.1);
  const steps = 14;
  const { spin } = projection.pose;
  const at = (t: number) => {
    const across = lean * t;
    const up = column.foot + column.lean * t * column.length;
    const x = across * Math.cos(spin) - up * Math.sin(spin);
    const y = across * Math.sin(spin) + up * Math.cos(spin);
    return projection.project(x, y, 0.05 + t * column.length);
  };
  for (let i = 0; i <= steps; i++) {
    const { x, y } = at(i / steps);
    const radius = column.thickness * scale * (1 - 0.35 * (i / steps));
    ctx.fillStyle = css(shade(mix(colour, tip, i / steps), random.uniform(-0.12, 0.1)));
    ctx.beginPath();
    ctx.arc(x + random.uniform(-0.15, 0.15) * radius, y, radius, 0, 2 * Math.PI);
    ctx.fill();
  }
}
