import type { Species } from '../species.ts';
import { blades, leaves, plain, row, species, spike, stamens } from './grow.ts';

/** Many blooms up a tall stem. */
export const SPIKES: readonly Species[] = [
  species('foxglove', {
    rows: [row(5, 'tube', 0.66, { length: 1.7, inset: 0.16, rise: [80, 84, 34], cup: 0.6, lift: -0.7 })],
    colourways: [
      { main: '#c86ab4', tip: '#d88ac6', throat: '#9c4088', spots: '#6a1650', back: '#c566b0' },
      { main: '#f0e8e4', throat: '#d8c8c4', back: '#ece2dc' },
    ],
    inflorescence: spike(22, 0.3, { nod: 40 }),
    leaves: leaves('oval', { width: 0.4, length: 1 }),
  }),
  species('snapdragon', {
    rows: [
      row(2, 'ruffled', 0.95, { angles: [62, 118], length: 0.9, rise: [44, 30, 4] }),
      row(3, 'ruffled', 0.85, { angles: [270, 222, 318], length: 0.9, rise: [36, 20, -12] }),
      row(1, 'round', 1.1, {
        angles: [270],
        length: 0.45,
        rise: [70, 50, 10],
        paint: { main: '#f6d95a', tip: '#f8e68a' },
      }),
    ],
    colourways: [{ main: '#e65a8a', tip: '#f086a8' }, { main: '#f2c22c' }, { main: '#c41f3a' }, { main: '#f3e6ec' }],
    view: 'portrait',
    inflorescence: spike(24, 0.3),
    leaves: leaves('spear', { width: 0.2, count: 6 }),
  }),
  species('lupin', {
    rows: [
      row(2, 'round', 0.9, {
        angles: [70, 110],
        length: 0.9,
        rise: [60, 50, 40],
        paint: { main: '#efe6f4', tip: '#d6bce6' },
      }),
      row(2, 'oval', 0.8, { angles: [250, 290], length: 1, rise: [50, 40, 40], cup: 0.5 }),
    ],
    colourways: [{ main: '#5f48b8', tip: '#7a62cc' }, { main: '#d0568c' }, { main: '#e88a3a' }],
    view: 'portrait',
    inflorescence: spike(58, 0.19),
    leaves: leaves('spear', { width: 0.2, count: 7, length: 0.7 }),
  }),
  species('lavender', {
    rows: [row(4, 'oval', 0.7, { length: 1, rise: [60, 40, 10] })],
    colourways: [{ main: '#7a62b8', tip: '#9480cc', throat: '#5a4596', back: '#6c58a6' }],
    inflorescence: spike(34, 0.13, { length: 0.72 }),
    leaves: leaves('needle', { length: 0.6, width: 0.07, count: 8, colour: '#8aa088' }),
    stem: { colour: '#86a07a', thickness: 0.04 },
  }),
  species('delphinium', {
    rows: [
      row(5, 'round', 0.92, { length: 0.95 }),
      row(4, 'oval', 0.7, {
        length: 0.38,
        rise: [50, 40, 30],
        paint: { main: '#f4f2ee', throat: '#3a2a4a', reach: 0.3 },
      }),
    ],
    colourways: [{ main: '#3a55cc', tip: '#5670dc' }, { main: '#6a4fc0' }, { main: '#8ab0ee' }],
    inflorescence: spike(30, 0.27),
    leaves: leaves('fringed', { width: 0.8 }),
  }),
  species('hyacinth', {
    rows: [row(6, 'lance', 0.36, { length: 1, rise: [50, 12, -40] })],
    colourways: [
      { main: '#6a5ac8', tip: '#8a7cda', stripe: '#4a3aa8' },
      { main: '#f08ab0', stripe: '#d8608e' },
      { main: '#f6f4ee' },
    ],
    inflorescence: spike(34, 0.31, { length: 0.88 }),
    leaves: { ...blades, width: 0.2 },
    stem: { colour: '#7fa85a', thickness: 0.16 },
  }),
  species('grape hyacinth', {
    rows: [
      row(6, 'wide', 0.75, {
        length: 1.3,
        rise: [60, 84, 120],
        cup: 0.4,
        inset: 0.2,
        lift: -0.5,
        paint: { main: '#3f46b4', tip: '#e6e8f8', throat: '#343a9a', back: '#4650c0' },
      }),
    ],
    colourways: plain('#3f46b4'),
    inflorescence: spike(46, 0.15, { length: 0.7, nod: 30 }),
    leaves: leaves('needle', { from: 'base', length: 1.6, width: 0.07, count: 5, colour: '#5f9450' }),
    stem: { colour: '#7f9a5a', thickness: 0.07 },
  }),
  species('hollyhock', {
    rows: [row(5, 'ruffled', 1.15, { length: 0.95, rise: [30, 16, 0] })],
    colourways: [
      { main: '#d8447c', tip: '#e46c98', throat: '#8a123f', veins: '#b02c62' },
      { main: '#f4d9c8', throat: '#c8b04a' },
      { main: '#5a1030', throat: '#2a0818' },
    ],
    centre: { kind: 'column', length: 0.3, thickness: 0.08, colour: '#f0e08a', tip: '#f6ecb0', foot: 0, lean: 0.35 },
    inflorescence: spike(12, 0.46),
    leaves: leaves('wide', { width: 0.95, length: 0.7, count: 4 }),
  }),
  species('gladiolus', {
    rows: [
      row(3, 'lance', 0.55, { length: 0.95, rise: [54, 30, -8] }),
      row(3, 'ruffled', 0.68, { length: 0.95, rise: [58, 34, -4] }),
    ],
    colourways: [
      { main: '#f0705a', tip: '#f49484', throat: '#f6e2a0', reach: 0.3 },
      { main: '#f6f2dc', throat: '#e3d66a' },
      { main: '#b8307a', throat: '#f0dce8', reach: 0.25 },
    ],
    centre: stamens(3, 0.45, '#7a5a9c', { rise: 60, eye: 0 }),
    inflorescence: spike(11, 0.44),
    leaves: { ...blades, width: 0.17 },
  }),
  species('red-hot poker', {
    rows: [row(4, 'strap', 0.3, { length: 1.7, rise: [70, 82, 88], cup: 0.5 })],
    colourways: [
      { main: '#ee5a1c', tip: '#f2c02c', back: '#ec5218' },
      { main: '#f2a81c', tip: '#f6e06a', back: '#f09c1a' },
    ],
    inflorescence: spike(64, 0.15, { length: 0.62, nod: 55 }),
    leaves: leaves('needle', { from: 'base', length: 1.8, width: 0.07, count: 6 }),
    stem: { colour: '#7f8f4a', thickness: 0.12 },
  }),
  species('bluebell', {
    rows: [row(6, 'strap', 0.34, { length: 1.5, inset: 0.12, rise: [82, 84, -20], cup: 0.4, lift: -0.6 })],
    colourways: [{ main: '#5560cc', tip: '#7a86e0', back: '#5a66d2' }],
    view: 'hanging',
    inflorescence: spike(9, 0.3, { nod: 62 }),
    leaves: leaves('needle', { from: 'base', length: 1.8, width: 0.09, count: 5, colour: '#3f7a38' }),
    stem: { colour: '#6a7a8a', thickness: 0.06 },
  }),
  species('lily of the valley', {
    rows: [row(6, 'wide', 0.72, { length: 1.35, inset: 0.15, rise: [54, 84, 30], cup: 0.5, lift: -0.6 })],
    colourways: [{ main: '#fbfbf4', tip: '#ffffff', throat: '#e3e8d2', back: '#f6f7ec' }],
    view: 'hanging',
    inflorescence: spike(10, 0.22, { nod: 72 }),
    leaves: leaves('lance', { from: 'base', length: 2, width: 0.4, count: 2, colour: '#3f8038' }),
    stem: { colour: '#8ab05a', thickness: 0.05 },
  }),
  species('bottlebrush', {
    rows: [row(16, 'needle', 0.035, { length: 1, rise: [34, 24, 16] })],
    colourways: [{ main: '#d01a2c', tip: '#f0c84a', throat: '#b01020' }],
    inflorescence: spike(30, 0.34, { length: 0.8, nod: -5 }),
    leaves: leaves('needle', { length: 0.9, width: 0.1, count: 6, colour: '#5a8050' }),
    stem: { colour: '#7a5a44', thickness: 0.07 },
  }),
];
