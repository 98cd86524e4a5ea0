import type { PetalShape } from './species.ts';

/**
 * Points round a petal of length 1 and largest half width 1: `[u0, y0, u1, y1, …]` from the base up the left side, over
 * the tip and down the right side.
 */
export type Outline = Float64Array;

interface Form {
  /** The half width at u is `u^rise · (1 - u)^fall`, scaled to a largest value of 1. A `fall` of 1 or more makes a sharp tip. */
  readonly rise: number;
  readonly fall: number;
  /** Depth of a cut in the middle of the tip. */
  readonly notch?: number;
  /** Waves of the margin: how many over the whole margin, how deep. */
  readonly waves?: readonly [number, number];
  /** The same with sharp corners. */
  readonly teeth?: readonly [number, number];
}

const FORMS: Record<PetalShape, Form> = {
  strap: { rise: 0.28, fall: 0.22 },
  lance: { rise: 0.6, fall: 0.8 },
  spear: { rise: 0.7, fall: 1.5 },
  oval: { rise: 0.6, fall: 0.5 },
  round: { rise: 0.75, fall: 0.38 },
  wide: { rise: 0.5, fall: 0.3 },
  heart: { rise: 0.95, fall: 0.42, notch: 0.2 },
  notched: { rise: 0.7, fall: 0.32, notch: 0.09 },
  ruffled: { rise: 0.75, fall: 0.33, waves: [7, 0.045] },
  fringed: { rise: 1, fall: 0.3, teeth: [19, 0.1] },
  toothed: { rise: 0.3, fall: 0.16, teeth: [9, 0.07] },
  spoon: { rise: 1.9, fall: 0.42 },
  needle: { rise: 0.15, fall: 0.3 },
  tube: { rise: 0.32, fall: 0.22, waves: [3, 0.03] },
  spathe: { rise: 0.33, fall: 0.8 },
  lip: { rise: 1.3, fall: 0.36, waves: [5, 0.05] },
};

const cache = new Map<string, Outline>();

/** The outline of a shape with `2 · detail + 1` points. */
export function outlineOf(shape: PetalShape, detail: number): Outline {
  const key = `${shape}/${detail}`;
  let outline = cache.get(key);
  if (outline === undefined) {
    outline = computeOutline(FORMS[shape], detail);
    cache.set(key, outline);
  }
  return outline;
}

function computeOutline(form: Form, detail: number): Outline {
  const peak = form.rise / (form.rise + form.fall);
  const largest = halfWidth(form, peak);
  const points: number[] = [];
  for (let i = 0; i <= 2 * detail; i++) {
    const left = i <= detail;
    // Closer together near the tip, where the margin turns.
    const u = Math.sin(((left ? i : 2 * detail - i) / detail) * (Math.PI / 2));
    const y = (halfWidth(form, u) / largest) * (left ? -1 : 1);
    points.push(...displaced(form, u, y));
  }
  return Float64Array.from(points);
}

function halfWidth(form: Form, u: number): number {
  return u ** form.rise * (1 - u) ** form.fall;
}

function displaced(form: Form, u: number, y: number): [number, number] {
  let along = u;
  if (form.notch !== undefined) along -= form.notch * Math.exp(-((y / 0.3) ** 2)) * u ** 4;
  // The margin is swung about a point inside the petal: waves run round it, not only along it.
  const angle = Math.atan2(y, u - 0.3) / Math.PI;
  const strength = u ** 2;
  let swell = 1;
  if (form.waves !== undefined) swell += strength * form.waves[1] * Math.cos(form.waves[0] * angle * Math.PI);
  if (form.teeth !== undefined) {
    const phase = Math.abs((((((form.teeth[0] * angle) / 2) % 1) + 1) % 1) - 0.5) * 4 - 1;
    swell += strength * form.teeth[1] * phase;
  }
  return [0.3 + (along - 0.3) * swell, y * swell];
}
