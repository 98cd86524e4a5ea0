import { Path2D, type SKRSContext2D } from '@napi-rs/canvas';
import { css, mix, shade, type Colour } from './colour.ts';
import { lightOn, type Light } from './light.ts';
import { outlineOf } from './outline.ts';
import { lit, type Pigment } from './pigment.ts';
import type { Projected, Projection } from './pose.ts';
import type { PetalShape } from './species.ts';

/** One petal in its bloom's space; angles in radians, lengths in bloom radii. */
export interface Petal {
  readonly shape: PetalShape;
  /** Round the axis. */
  readonly angle: number;
  readonly length: number;
  readonly halfWidth: number;
  readonly rise: readonly [number, number, number];
  readonly cup: number;
  readonly inset: number;
  readonly lift: number;
  /** Where its spots are, along and across: pairs from 0 to 1 and -1 to 1. */
  readonly spots: readonly (readonly [number, number])[];
}

const SEGMENTS = 6;

/** A petal bent in space and seen by the camera. */
export class PetalSurface {
  readonly petal: Petal;
  readonly projection: Projection;
  readonly #radius = new Float64Array(SEGMENTS + 1);
  readonly #height = new Float64Array(SEGMENTS + 1);
  readonly #cos: number;
  readonly #sin: number;

  constructor(petal: Petal, projection: Projection) {
    this.petal = petal;
    this.projection = projection;
    this.#cos = Math.cos(petal.angle + projection.pose.spin);
    this.#sin = Math.sin(petal.angle + projection.pose.spin);
    this.#radius[0] = petal.inset;
    this.#height[0] = petal.lift;
    const step = petal.length / SEGMENTS;
    for (let i = 0; i < SEGMENTS; i++) {
      const rise = this.#riseAt((i + 0.5) / SEGMENTS);
      this.#radius[i + 1] = this.#radius[i] + step * Math.cos(rise);
      this.#height[i + 1] = this.#height[i] + step * Math.sin(rise);
    }
  }

  /** The point `u` of the way along and `y` half widths to the side. */
  at(u: number, y: number): Projected {
    const { cup, halfWidth } = this.petal;
    const place = Math.min(1, Math.max(0, u)) * SEGMENTS;
    const i = Math.min(SEGMENTS - 1, Math.floor(place));
    const part = place - i;
    const beyond = u > 1 ? (u - 1) * this.petal.length : 0;
    const rise = this.#riseAt(Math.min(1, u));
    const lift = cup * halfWidth * y * y;
    const along =
      this.#radius[i] +
      (this.#radius[i + 1] - this.#radius[i]) * part -
      lift * Math.sin(rise) +
      beyond * Math.cos(rise);
    const height =
      this.#height[i] +
      (this.#height[i + 1] - this.#height[i]) * part +
      lift * Math.cos(rise) +
      beyond * Math.sin(rise);
    const side = y * halfWidth;
    return this.projection.project(along * this.#cos - side * this.#sin, along * this.#sin + side * this.#cos, height);
  }

  /** Across the middle of the upper side, in the bloom's space. */
  get normal(): [number, number, number] {
    const rise = this.#riseAt(0.6);
    return [-Math.sin(rise) * this.#cos, -Math.sin(rise) * this.#sin, Math.cos(rise)];
  }

  #riseAt(u: number): number {
    const [base, middle, tip] = this.petal.rise;
    return u < 0.5 ? base + (middle - base) * 2 * u : middle + (tip - middle) * (2 * u - 1);
  }
}

interface Point {
  readonly x: number;
  readonly y: number;
}

const ORIGIN: Point = { x: 0, y: 0 };
const UNIT: Point = { x: 1, y: 0 };

/** Paints a petal. Small ones get fewer points and no veins: nobody sees them. */
export function paintPetal(ctx: SKRSContext2D, surface: PetalSurface, pigment: Pigment, light: Light): void {
  const { petal, projection } = surface;
  const { scale } = projection.pose;
  const pixels = petal.length * scale;
  const shone = lit(pigment, lightOn(projection, surface.normal, light));
  // What a flat petal loses when it is squeezed shows later than what a bent one loses.
  const bent = Math.abs(petal.rise[2] - petal.rise[0]) > 0.7;
  if (pixels < (bent ? 18 : 28)) {
    paintSmall(ctx, surface, shone, pixels);
    return;
  }

  const outline = outlineOf(petal.shape, detailFor(pixels, petal.shape));
  const points: Projected[] = [];
  for (let i = 0; i < outline.length; i += 2) points.push(surface.at(outline[i], outline[i + 1]));
  const path = pathThrough(points);
  ctx.fillStyle = gradientOf(ctx, surface.at(0, 0), surface.at(1, 0), shone, signedArea(points) < 0);
  ctx.fill(path);

  const line = Math.max(0.4, scale * 0.012);
  strokeLine(ctx, path, shade(shone.main, -0.4), pixels < 30 ? 0.28 : 0.4, line);
  if (shone.edge !== undefined) strokeLine(ctx, path, shone.edge, 0.85, pixels * 0.045);
  if (petal.halfWidth * scale < 5) return;
  // One half a little darker folds the petal along its middle.
  ctx.fillStyle = css(shade(shone.main, -0.55), 0.13);
  ctx.fill(pathThrough(points.slice(0, (points.length + 1) / 2)));
  paintMarks(ctx, surface, shone, pixels);
}

function detailFor(pixels: number, shape: PetalShape): number {
  if (shape === 'needle') return 4;
  if (pixels < 25) return 5;
  const wavy = shape === 'fringed' || shape === 'toothed' || shape === 'ruffled';
  return (pixels < 70 ? 7 : 13) + (wavy ? 6 : 0);
}

/** A petal too small to show its bend: its outline, squeezed between base and tip. */
function paintSmall(ctx: SKRSContext2D, surface: PetalSurface, pigment: Pigment, pixels: number): void {
  const base = surface.at(0, 0);
  const tip = surface.at(1, 0);
  const left = surface.at(0.6, -1);
  const right = surface.at(0.6, 1);
  const along = [tip.x - base.x, tip.y - base.y];
  const across = [(right.x - left.x) / 2, (right.y - left.y) / 2];
  const upperSide = along[0] * across[1] - along[1] * across[0] < 0;
  ctx.setTransform(along[0], along[1], across[0], across[1], base.x, base.y);
  if (pixels < 9) ctx.fillStyle = css(upperSide ? mix(pigment.main, pigment.tip, 0.35) : pigment.back);
  else ctx.fillStyle = gradientOf(ctx, ORIGIN, UNIT, pigment, upperSide);
  ctx.fill(unitPath(surface.petal.shape));
  ctx.resetTransform();
}

const unitPaths = new Map<PetalShape, Path2D>();

function unitPath(shape: PetalShape): Path2D {
  let path = unitPaths.get(shape);
  if (path === undefined) {
    const outline = outlineOf(shape, 5);
    const points = Array.from({ length: outline.length / 2 }, (_, i) => ({ x: outline[2 * i], y: outline[2 * i + 1] }));
    path = pathThrough(points, 1000);
    unitPaths.set(shape, path);
  }
  return path;
}

/** A closed path. One string costs half as much as a call a point; 1/16 of a pixel is finer than the eye. */
function pathThrough(points: readonly Point[], grid = 16): Path2D {
  let text = '';
  for (const { x, y } of points) {
    text += `${text === '' ? 'M' : 'L'}${Math.round(x * grid) / grid} ${Math.round(y * grid) / grid}`;
  }
  return new Path2D(`${text}Z`);
}

/** Negative where the upper side of the petal is seen: outlines run against the clock, and y goes down. */
function signedArea(points: readonly Projected[]): number {
  let sum = 0;
  for (let i = 0; i < points.length; i++) {
    const next = points[(i + 1) % points.length];
    sum += points[i].x * next.y - next.x * points[i].y;
  }
  return sum;
}

function strokeLine(ctx: SKRSContext2D, path: Path2D, colour: Colour, alpha: number, width: number): void {
  ctx.strokeStyle = css(colour, alpha);
  ctx.lineWidth = width;
  ctx.stroke(path);
}

function gradientOf(ctx: SKRSContext2D, from: Point, to: Point, pigment: Pigment, upperSide: boolean) {
  const main = upperSide ? pigment.main : pigment.back;
  const tip = upperSide ? pigment.tip : shade(pigment.back, 0.05);
  const throat = upperSide ? pigment.throat : shade(pigment.back, -0.08);
  const gradient = ctx.createLinearGradient(from.x, from.y, to.x, to.y);
  gradient.addColorStop(pigment.reach * 0.55, css(throat));
  gradient.addColorStop(Math.min(0.85, pigment.reach * 1.25), css(main));
  gradient.addColorStop(Math.max(0.6, Math.min(0.86, pigment.reach * 1.3)), css(main));
  gradient.addColorStop(1, css(tip));
  return gradient;
}

function paintMarks(ctx: SKRSContext2D, surface: PetalSurface, pigment: Pigment, pixels: number): void {
  const veins = pigment.veins ?? shade(pigment.main, -0.3);
  const lines = new Path2D();
  for (const side of [-0.55, 0, 0.55]) traceVein(lines, surface, side);
  strokeLine(ctx, lines, veins, pigment.veins === undefined ? 0.16 : 0.5, Math.max(0.5, pixels * 0.012));
  if (pigment.stripe !== undefined) {
    const middle = new Path2D();
    traceVein(middle, surface, 0);
    strokeLine(
      ctx,
      middle,
      pigment.stripe,
      0.7,
      Math.max(1, surface.petal.halfWidth * surface.projection.pose.scale * 0.4),
    );
  }
  if (pigment.spots !== undefined) {
    ctx.beginPath();
    const radius = Math.max(0.6, pixels * 0.018);
    for (const [u, y] of surface.petal.spots) {
      const { x, y: down } = surface.at(u, y);
      ctx.moveTo(x + radius, down);
      ctx.arc(x, down, radius, 0, 2 * Math.PI);
    }
    ctx.fillStyle = css(pigment.spots, 0.85);
    ctx.fill();
  }
}

function traceVein(path: Path2D, surface: PetalSurface, side: number): void {
  for (const u of [0.04, 0.3, 0.6, 0.86]) {
    // Veins part from the base and meet again towards the tip.
    const point = surface.at(u, side * Math.sin(u * Math.PI) ** 0.8);
    if (u < 0.1) path.moveTo(point.x, point.y);
    else path.lineTo(point.x, point.y);
  }
}
