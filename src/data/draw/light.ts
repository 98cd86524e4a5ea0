import type { Projection } from './pose.ts';

/** Where the light comes from: right, up and towards the camera; a unit vector. */
export type Light = readonly [number, number, number];

/**
 * How much lighter (positive) or darker a surface looks with this normal, which is in the bloom's own space; a surface
 * seen from behind is lit on the side that is seen.
 */
export function lightOn(projection: Projection, normal: readonly [number, number, number], light: Light): number {
  const { scale, x, y } = projection.pose;
  const point = projection.project(...normal);
  const seen = point.depth < 0 ? -1 : 1;
  const cosine = (seen * (light[0] * (point.x - x) - light[1] * (point.y - y))) / scale + seen * light[2] * point.depth;
  return cosine < 0 ? 0.3 * cosine - 0.2 : 0.42 * cosine - 0.2;
}
