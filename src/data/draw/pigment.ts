import { exposed, hex, shade, tinted, type Colour, type Tint } from './colour.ts';
import type { Paint } from './species.ts';

/** A paint as one plant wears it. */
export interface Pigment {
  readonly main: Colour;
  readonly tip: Colour;
  readonly throat: Colour;
  readonly reach: number;
  readonly back: Colour;
  readonly edge?: Colour;
  readonly veins?: Colour;
  readonly stripe?: Colour;
  readonly spots?: Colour;
}

export function pigmentOf(paint: Paint, tint: Tint): Pigment {
  const colour = (text: string) => tinted(hex(text), tint);
  const main = colour(paint.main);
  return {
    main,
    tip: paint.tip === undefined ? shade(main, 0.06) : colour(paint.tip),
    throat: paint.throat === undefined ? shade(main, -0.16) : colour(paint.throat),
    reach: paint.reach ?? 0.35,
    back: paint.back === undefined ? shade(main, -0.14) : colour(paint.back),
    ...(paint.edge !== undefined && { edge: colour(paint.edge) }),
    ...(paint.veins !== undefined && { veins: colour(paint.veins) }),
    ...(paint.stripe !== undefined && { stripe: colour(paint.stripe) }),
    ...(paint.spots !== undefined && { spots: colour(paint.spots) }),
  };
}

/** The same pigment, each colour lightened or darkened by what the light does to it. */
export function lit(pigment: Pigment, amount: number): Pigment {
  return {
    ...pigment,
    main: exposed(pigment.main, amount),
    tip: exposed(pigment.tip, amount),
    throat: exposed(pigment.throat, amount),
    back: exposed(pigment.back, amount),
  };
}
