import type { Species } from '../species.ts';
import { ball, blades, leaves, plain, row, species, stamens } from './grow.ts';

const LIP = [270];

/** Lilies, orchids, irises and other stars and trumpets. */
export const LILIES: readonly Species[] = [
  species('tiger lily', {
    rows: [
      row(3, 'lance', 0.34, {
        rise: [38, 14, -62],
        paint: { main: '#ef7420', tip: '#f48c3c', throat: '#e0520f', spots: '#4a1614' },
      }),
      row(3, 'lance', 0.42, {
        rise: [42, 18, -58],
        paint: { main: '#f07c24', tip: '#f59544', throat: '#dc5412', spots: '#4a1614' },
      }),
    ],
    colourways: plain('#ef7420'),
    centre: stamens(6, 0.72, '#6e2a18', { filament: '#f0a860', rise: 42, eye: 0.05 }),
    leaves: leaves('spear', { width: 0.16, length: 1.1, count: 7 }),
  }),
  species('madonna lily', {
    rows: [row(3, 'lance', 0.46, { rise: [58, 28, -26] }), row(3, 'oval', 0.5, { rise: [60, 30, -20] })],
    colourways: [{ main: '#fbfaf6', tip: '#ffffff', throat: '#cfdc9a', stripe: '#eef0e2' }],
    centre: stamens(6, 0.62, '#e8a41c', { filament: '#e6eccc', rise: 50, eye: 0.05 }),
    leaves: leaves('spear', { width: 0.2, length: 1.2, count: 6 }),
  }),
  species('stargazer lily', {
    rows: [
      row(3, 'lance', 0.42, {
        rise: [26, 10, -26],
        paint: { main: '#e0407c', tip: '#f0a0be', throat: '#c01e5e', edge: '#fbeef2', spots: '#8a0f3c' },
      }),
      row(3, 'oval', 0.56, {
        rise: [30, 14, -22],
        paint: { main: '#e24c86', tip: '#f0a8c2', throat: '#c01e5e', edge: '#fbf2f5', spots: '#8a0f3c' },
      }),
    ],
    colourways: plain('#e0407c'),
    centre: stamens(6, 0.6, '#8a3a1a', { filament: '#d8e6b4', rise: 45, eye: 0.05 }),
    leaves: leaves('lance', { width: 0.26, length: 1.2, count: 5 }),
  }),
  species('daylily', {
    rows: [row(3, 'lance', 0.36, { rise: [58, 26, -34] }), row(3, 'ruffled', 0.5, { rise: [60, 30, -30] })],
    colourways: [
      { main: '#f09a34', tip: '#f4ac52', throat: '#f6d43c', stripe: '#f8c86a', reach: 0.4 },
      { main: '#f3d83a', tip: '#f6e468', throat: '#c9c43a' },
      { main: '#a83024', throat: '#f2b82c', stripe: '#d8702c', reach: 0.35 },
    ],
    centre: stamens(6, 0.66, '#5a3a1c', { filament: '#f2cf6a', rise: 55, eye: 0 }),
    leaves: blades,
  }),
  species('daffodil', {
    rows: [
      row(6, 'oval', 0.6, { rise: [10, 4, -6] }),
      row(7, 'ruffled', 0.62, {
        length: 0.52,
        inset: 0.14,
        rise: [72, 78, 34],
        cup: 0.5,
        paint: { main: '#f39a12', tip: '#f6b02c', throat: '#d8860c', back: '#e8900f' },
      }),
    ],
    colourways: [
      { main: '#f8dc3c', tip: '#fae86a', throat: '#e6c022' },
      { main: '#fbf8ec', throat: '#f0e7ac' },
    ],
    centre: stamens(6, 0.24, '#f2c83a', { rise: 75, eye: 0.09, eyeColour: '#b07a10' }),
    leaves: blades,
  }),
  species('amaryllis', {
    rows: [row(3, 'lance', 0.54, { rise: [48, 22, -18] }), row(3, 'lance', 0.6, { rise: [52, 26, -14] })],
    colourways: [
      { main: '#cc1820', tip: '#dd3434', throat: '#7a0a14' },
      { main: '#f6e9e4', tip: '#fbf4f0', throat: '#b6c97a', veins: '#d8465a', edge: '#e0506a' },
    ],
    centre: stamens(6, 0.7, '#f0d86a', { filament: '#ef9a8a', rise: 55, eye: 0 }),
    inflorescence: { kind: 'spray', count: 3, bloom: 0.66 },
    leaves: leaves('strap', { from: 'base', length: 1.8, width: 0.16, count: 4 }),
    stem: { colour: '#6f9a4a', thickness: 0.2 },
  }),
  species('bearded iris', {
    rows: [
      row(3, 'ruffled', 0.82, {
        angles: [270, 205, 335],
        length: 0.98,
        rise: [20, -10, -62],
        paint: { main: '#5a2f9c', tip: '#6c40b2', throat: '#f0d9a0', veins: '#efe6f6', reach: 0.26 },
      }),
      row(3, 'needle', 0.16, {
        angles: [270, 205, 335],
        length: 0.42,
        rise: [28, 4, -20],
        paint: { main: '#f0a818', tip: '#f6c440' },
      }),
      row(3, 'wide', 0.86, { angles: [90, 40, 140], length: 0.86, rise: [46, 62, 74], cup: 0.5 }),
    ],
    colourways: [
      { main: '#8a68c8', tip: '#a286d8', throat: '#6a48ac' },
      { main: '#e6d472', throat: '#c9a83c' },
    ],
    view: 'portrait',
    leaves: { ...blades, width: 0.16, colour: '#6f9a78' },
  }),
  species('dutch iris', {
    rows: [
      row(3, 'spoon', 0.5, {
        length: 1,
        rise: [52, 20, -48],
        paint: { main: '#3a52c0', tip: '#4a66d2', throat: '#2f3f9c', stripe: '#f6c81e' },
      }),
      row(3, 'spear', 0.34, { length: 0.95, rise: [62, 78, 84], cup: 0.3 }),
    ],
    colourways: [{ main: '#4f3fb0', tip: '#6a58c6' }, { main: '#3f66cc' }],
    view: 'side',
    leaves: { ...blades, width: 0.08 },
    scale: 0.95,
  }),
  species('spring crocus', {
    rows: [
      row(3, 'oval', 0.56, { length: 1.35, rise: [80, 82, 76], cup: 0.4, lift: -0.6 }),
      row(3, 'oval', 0.56, { length: 1.3, rise: [74, 74, 64], cup: 0.4, lift: -0.6 }),
    ],
    colourways: [
      { main: '#9a72cf', tip: '#b394de', throat: '#5c3596', veins: '#5c3596', reach: 0.3 },
      { main: '#f0eaf6', tip: '#faf7fc', veins: '#7a4fb0', throat: '#6a3fa0', reach: 0.22 },
      { main: '#f6b41a', tip: '#f8c542', throat: '#d88a10' },
    ],
    centre: stamens(3, 0.75, '#f07a14', { filament: '#f2c22c', rise: 80, eye: 0 }),
    view: 'side',
    leaves: leaves('needle', { from: 'base', length: 1.5, width: 0.06, count: 7, colour: '#3f7a3c' }),
    stem: { colour: '#d8d2e6', thickness: 0.14 },
  }),
  species('moth orchid', {
    rows: [
      row(3, 'oval', 0.62, { angles: [90, 212, 328], length: 0.86 }),
      row(2, 'wide', 1.14, { angles: [8, 172], length: 0.96, rise: [8, 2, -4] }),
      row(3, 'lip', 0.7, {
        angles: [270, 215, 325],
        length: 0.42,
        rise: [50, 40, 10],
        paint: { main: '#b01c6c', tip: '#cf4a8e', throat: '#f2c43a' },
      }),
    ],
    colourways: [
      { main: '#f9f5f8', tip: '#ffffff', throat: '#efdcea' },
      { main: '#d884c0', tip: '#e2a0d0', throat: '#b8509a', veins: '#b04a98' },
    ],
    centre: stamens(0, 0, '#ffffff', { eye: 0.07, eyeColour: '#f6e6ee' }),
    view: 'portrait',
    inflorescence: { kind: 'spray', count: 4, bloom: 0.55 },
    leaves: leaves('strap', { from: 'base', width: 0.36, length: 1.2, count: 2, colour: '#3f6f3a' }),
  }),
  species('cattleya orchid', {
    rows: [
      row(3, 'lance', 0.34, { angles: [90, 215, 325], length: 0.98 }),
      row(2, 'ruffled', 0.82, { angles: [20, 160], length: 0.96 }),
      row(1, 'ruffled', 1.1, {
        angles: LIP,
        length: 0.82,
        rise: [40, 8, -30],
        paint: { main: '#a3126a', tip: '#c43c8c', throat: '#f4b920', reach: 0.4 },
      }),
    ],
    colourways: [{ main: '#c98ad6', tip: '#d8a4e0' }, { main: '#f4ecf4' }],
    view: 'portrait',
    leaves: leaves('strap', { width: 0.3, length: 1.1, count: 2 }),
  }),
  species('peruvian lily', {
    rows: [
      row(3, 'spoon', 0.64, { angles: [270, 30, 150], length: 0.9, rise: [40, 20, 0] }),
      row(2, 'lance', 0.34, {
        angles: [68, 112],
        length: 0.86,
        rise: [44, 26, 6],
        paint: { main: '#f6d864', tip: '#f0a070', throat: '#f2c83a', spots: '#5a1a14' },
      }),
    ],
    colourways: [{ main: '#ee7a6a', tip: '#f29a8a' }, { main: '#f2b83a', tip: '#f0963a' }, { main: '#d06aa8' }],
    centre: stamens(6, 0.42, '#8a7a4a', { filament: '#f0b0a0', eye: 0 }),
    view: 'portrait',
    inflorescence: { kind: 'spray', count: 5, bloom: 0.5 },
    leaves: leaves('lance', { width: 0.24, length: 0.9, count: 5 }),
  }),
  species('agapanthus', {
    rows: [row(6, 'oval', 0.34, { length: 1, rise: [62, 40, 6] })],
    colourways: [{ main: '#5a6ed2', tip: '#7088e0', throat: '#a8b4ee', stripe: '#3a4ab0' }, { main: '#eef0f8' }],
    inflorescence: ball(30, 0.36, 0.72),
    leaves: blades,
    stem: { colour: '#6f9a4a', thickness: 0.07 },
  }),
  species('calla lily', {
    rows: [
      row(1, 'spathe', 0.92, { angles: [90], length: 1.85, inset: -0.95, rise: [20, 8, -20], cup: 0.35 }),
      row(2, 'round', 0.62, { angles: [72, 108], length: 0.9, inset: -0.98, rise: [30, 30, 0], cup: 0.5, lift: 0.1 }),
    ],
    colourways: [
      { main: '#fbfaf4', tip: '#f6f7ea', throat: '#dfe6b8', back: '#eeeee0' },
      { main: '#f3c93a', throat: '#d8a81c', back: '#e6ba2c' },
      { main: '#8a2f62', throat: '#4c1236', back: '#7a2754' },
    ],
    centre: {
      kind: 'column',
      length: 0.75,
      thickness: 0.075,
      colour: '#f0c21c',
      tip: '#f6d74a',
      foot: -0.35,
      lean: 1.1,
    },
    view: 'portrait',
    leaves: leaves('spathe', { from: 'base', width: 0.3, length: 1.6, count: 3, colour: '#35703a' }),
    stem: { colour: '#5f9a4a', thickness: 0.13 },
  }),
  species('anthurium', {
    rows: [row(1, 'heart', 1.02, { angles: [270], length: 1.5, inset: -0.6, rise: [8, 4, -6], cup: 0.1 })],
    colourways: [
      { main: '#d4121f', tip: '#df2a30', throat: '#b80d1a', veins: '#8a0812' },
      { main: '#ef8c9e', veins: '#d0607a' },
      { main: '#f2f0e8', veins: '#d0d2b8' },
    ],
    centre: {
      kind: 'column',
      length: 0.8,
      thickness: 0.075,
      colour: '#f2d27a',
      tip: '#f0b93a',
      foot: 0.3,
      lean: -0.55,
    },
    view: 'portrait',
    leaves: leaves('spathe', { width: 0.6, length: 1.3, count: 3, colour: '#25582d' }),
  }),
  species('bird of paradise', {
    rows: [
      row(1, 'spear', 0.2, {
        angles: [0],
        length: 1.5,
        inset: -0.5,
        rise: [0, 0, 4],
        paint: { main: '#5f7f4a', tip: '#a8405a', throat: '#6a8a4c' },
      }),
      row(4, 'spear', 0.26, { angles: [52, 78, 102, 128], length: 1, rise: [10, 6, 4] }),
      row(2, 'spear', 0.2, {
        angles: [38, 62],
        length: 0.78,
        rise: [14, 8, 4],
        paint: { main: '#2f49c0', tip: '#4a68dc', throat: '#3a3fa0' },
      }),
    ],
    colourways: [{ main: '#f48a12', tip: '#f7a436', throat: '#e0660a' }],
    view: 'portrait',
    leaves: leaves('lance', { from: 'base', width: 0.34, length: 1.6, count: 3, colour: '#4a7f62' }),
    stem: { colour: '#6a8a52', thickness: 0.14 },
  }),
];
