import type { Centre, Inflorescence, Leaves, Paint, Row, Species } from '../species.ts';

/** A ring of petals; what is left out is what most flowers have. */
export function row(count: number, shape: Row['shape'], width: number, more: Partial<Row> = {}): Row {
  return {
    count,
    shape,
    width,
    length: 1,
    rise: [12, 4, -6],
    cup: 0.18,
    inset: 0.04,
    lift: 0,
    layers: 1,
    inner: 0.45,
    ...more,
  };
}

/** Colourways of one colour each. */
export function plain(...colours: readonly string[]): Paint[] {
  return colours.map((main) => ({ main }));
}

export function disc(
  radius: number,
  inner: string,
  outer: string,
  more: { height?: number; seeds?: number } = {},
): Centre {
  return { kind: 'disc', radius, inner, outer, height: radius * 0.5, seeds: 110, ...more };
}

export function stamens(
  count: number,
  length: number,
  anther: string,
  more: Partial<Extract<Centre, { kind: 'stamens' }>> = {},
): Centre {
  return {
    kind: 'stamens',
    count,
    length,
    anther,
    filament: '#e9e6b8',
    rise: 50,
    eye: 0.09,
    eyeColour: '#b9bf52',
    ...more,
  };
}

export const single: Inflorescence = { kind: 'single' };

export function spike(count: number, bloom: number, more: { length?: number; nod?: number } = {}): Inflorescence {
  return { kind: 'spike', count, bloom, length: 1, nod: 5, ...more };
}

export function ball(count: number, bloom: number, cap = 0.55, core?: string): Inflorescence {
  return { kind: 'ball', count, bloom, cap, ...(core !== undefined && { core }) };
}

export function spray(count: number, bloom: number): Inflorescence {
  return { kind: 'spray', count, bloom };
}

export function leaves(shape: Leaves['shape'], more: Partial<Leaves> = {}): Leaves {
  return { shape, length: 0.8, width: 0.4, count: 3, colour: '#4f7f35', from: 'stem', ...more };
}

export const blades: Leaves = leaves('spear', { length: 1.8, width: 0.14, count: 4, from: 'base', colour: '#5b8a4a' });

/** A ring of green sepals under a bloom. */
export function sepals(count: number, length: number, rise: Row['rise'] = [-10, 10, 20], colour = '#5c8540'): Row {
  return row(count, 'lance', 0.4, { length, rise, lift: -0.06, paint: { main: colour } });
}

/** A species from what makes it differ from a plain single flower with green leaves. */
export function species(
  name: string,
  parts: Pick<Species, 'rows' | 'colourways'> & Partial<Omit<Species, 'name'>>,
): Species {
  return {
    name,
    centre: { kind: 'none' },
    view: 'face',
    inflorescence: single,
    leaves: leaves('lance'),
    stem: { colour: '#5f8a3e', thickness: 0.09 },
    scale: 1,
    ...parts,
  };
}
