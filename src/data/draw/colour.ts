import type { Random } from '../../base/index.ts';
import { jitter } from './chance.ts';

/** Red, green, blue; 0 to 255, not rounded. */
export type Colour = readonly [number, number, number];

/** `#rrggbb` as a colour. */
export function hex(text: string): Colour {
  const value = Number.parseInt(text.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

export function css([red, green, blue]: Colour, alpha = 1): string {
  return `rgba(${Math.round(red)},${Math.round(green)},${Math.round(blue)},${alpha.toFixed(3)})`;
}

/** `from` at 0, `to` at 1. */
export function mix(from: Colour, to: Colour, amount: number): Colour {
  return [
    from[0] + (to[0] - from[0]) * amount,
    from[1] + (to[1] - from[1]) * amount,
    from[2] + (to[2] - from[2]) * amount,
  ];
}

const BLACK: Colour = [12, 10, 18];
const WHITE: Colour = [255, 253, 247];

/** Lighter for a positive `amount` up to 1 (white), darker for a negative one down to -1 (black). */
export function shade(colour: Colour, amount: number): Colour {
  return amount < 0 ? mix(colour, BLACK, -amount) : mix(colour, WHITE, amount);
}

/** The colour in more light (positive) or less: unlike {@link shade} it keeps a red petal red in the sun. */
export function exposed(colour: Colour, amount: number): Colour {
  if (amount < 0) return shade(colour, amount);
  const [red, green, blue] = shade(colour, amount * 0.3);
  // A channel that clips would turn the hue: gold would go lemon.
  const gain = Math.min(1 + amount, 255 / Math.max(red, green, blue, 1));
  return [red * gain, green * gain, blue * gain];
}

/** How the colours of one plant, bloom or petal differ from the species' own. */
export interface Tint {
  /** Degrees round the hue circle. */
  readonly hue: number;
  /** Factor of the distance from grey. */
  readonly saturation: number;
  /** See {@link shade}. */
  readonly lightness: number;
}

/** A random tint; `amount` 1 is the spread between two plants of one kind in one garden. */
export function randomTint(random: Random, amount: number): Tint {
  return {
    hue: jitter(random, 9 * amount),
    saturation: 1 + jitter(random, 0.15 * amount),
    lightness: jitter(random, 0.12 * amount),
  };
}

/** Turns the hue in the RGB cube (a rotation about its grey diagonal), then saturates, then lightens. */
export function tinted(colour: Colour, tint: Tint): Colour {
  const angle = (tint.hue * Math.PI) / 180;
  const cos = Math.cos(angle);
  const side = (1 - cos) / 3;
  const turn = Math.sin(angle) / Math.sqrt(3);
  const [r, g, b] = colour;
  const grey = 0.3 * r + 0.59 * g + 0.11 * b;
  const turned = [
    r * (cos + side) + g * (side - turn) + b * (side + turn),
    r * (side + turn) + g * (cos + side) + b * (side - turn),
    r * (side - turn) + g * (side + turn) + b * (cos + side),
  ].map((channel) => Math.min(255, Math.max(0, grey + (channel - grey) * tint.saturation)));
  return shade([turned[0], turned[1], turned[2]], tint.lightness);
}
