import type { Species } from '../species.ts';
import { blades, leaves, plain, row, species, spike, stamens, disc } from './grow.ts';

/** Bells and lanterns seen from the side, and a few shapes of their own. */
export const BELLS: readonly Species[] = [
  species('canterbury bells', {
    rows: [row(5, 'wide', 0.62, { length: 1.6, inset: 0.12, rise: [58, 86, 24], cup: 0.5, lift: -0.75 })],
    colourways: [
      { main: '#7a62c8', tip: '#9480d8', throat: '#5a44a8', back: '#7c66cc' },
      { main: '#e6a0c4', back: '#e49ac0' },
      { main: '#f2f0f6', back: '#ecebf2' },
    ],
    centre: stamens(3, 1.1, '#f2ecc0', { rise: 88, eye: 0 }),
    inflorescence: spike(9, 0.46, { nod: 0 }),
    leaves: leaves('lance', { width: 0.3, count: 5 }),
  }),
  species('snowdrop', {
    rows: [
      row(3, 'lance', 0.5, { length: 1.5, rise: [50, 70, 74], cup: 0.5, lift: -0.6 }),
      row(3, 'heart', 0.6, {
        length: 0.9,
        rise: [80, 86, 84],
        cup: 0.5,
        lift: -0.55,
        paint: { main: '#f4f7ee', tip: '#4f9a4a', back: '#eef4e4' },
      }),
    ],
    colourways: [{ main: '#fbfcf8', tip: '#ffffff', throat: '#d8e0cc', back: '#f6f8f2' }],
    receptacle: { radius: 0.16, length: 0.45, colour: '#5f8f4a' },
    view: 'hanging',
    leaves: { ...blades, width: 0.12, colour: '#6f9a86' },
    stem: { colour: '#7fa36a', thickness: 0.06 },
  }),
  species("snake's head fritillary", {
    rows: [
      row(6, 'oval', 0.58, {
        length: 1.5,
        rise: [30, 80, 96],
        cup: 0.5,
        lift: -0.65,
        paint: {
          main: '#8a3a68',
          tip: '#9c4c78',
          throat: '#6a2450',
          spots: '#d8a8c4',
          veins: '#4a1438',
          back: '#86386a',
        },
      }),
    ],
    colourways: plain('#8a3a68'),
    view: 'hanging',
    leaves: leaves('needle', { width: 0.06, length: 1.2, count: 5, colour: '#7a9a84' }),
    stem: { colour: '#7a8a6a', thickness: 0.06 },
  }),
  species('fuchsia', {
    rows: [
      row(4, 'lance', 0.42, {
        length: 1.1,
        rise: [40, 4, -34],
        lift: -0.3,
        paint: { main: '#d81f5a', tip: '#e6487a', back: '#d01a54' },
      }),
      row(4, 'wide', 1.0, { length: 0.95, rise: [70, 82, 84], cup: 0.6, lift: -0.3 }),
    ],
    colourways: [
      { main: '#5f2a9a', tip: '#7440b0', back: '#5a2894' },
      { main: '#f6eef2', back: '#efe4ea' },
    ],
    centre: stamens(7, 1.25, '#e8487c', { filament: '#e0507f', rise: 82, eye: 0 }),
    receptacle: { radius: 0.14, length: 0.9, colour: '#c81e54' },
    view: 'hanging',
    leaves: leaves('oval', { width: 0.5, count: 4, colour: '#3c6f3c' }),
    stem: { colour: '#8a4a44', thickness: 0.06 },
  }),
  species('columbine', {
    rows: [
      row(5, 'lance', 0.5, { length: 1, rise: [14, 4, -10] }),
      row(5, 'wide', 0.85, {
        length: 0.56,
        rise: [50, 58, 50],
        cup: 0.5,
        paint: { main: '#f8f3e6', tip: '#ffffff', throat: '#ece2b8' },
      }),
    ],
    colourways: [{ main: '#5a68c8', tip: '#7482d8' }, { main: '#c8344c' }, { main: '#8a4fa8' }],
    centre: stamens(22, 0.44, '#f0cf3a', { filament: '#ecdc92', rise: 66, eye: 0 }),
    leaves: leaves('fringed', { width: 0.8 }),
    stem: { colour: '#7f8a5a', thickness: 0.05 },
  }),
  species('cyclamen', {
    rows: [row(5, 'lance', 0.5, { length: 1.4, rise: [-30, 70, 88], cup: 0.2, lift: -0.35 })],
    colourways: [
      { main: '#e2528e', tip: '#ea7aa8', throat: '#a01452', reach: 0.22, back: '#dc4c88' },
      { main: '#f6eef2', throat: '#d04a86', reach: 0.22 },
    ],
    receptacle: { radius: 0.15, length: 0.5, colour: '#a84a5a' },
    view: 'side',
    leaves: leaves('heart', { from: 'base', width: 0.55, length: 1.1, count: 5, colour: '#44704f' }),
    stem: { colour: '#a05a5a', thickness: 0.07 },
  }),
  species("angel's trumpet", {
    rows: [row(5, 'tube', 0.5, { length: 2, inset: 0.1, rise: [84, 82, 4], cup: 0.4, lift: -1 })],
    colourways: [
      { main: '#f6dfa0', tip: '#f2b878', throat: '#d8cf7a', back: '#f4d99a' },
      { main: '#f4eeea', back: '#efe8de' },
    ],
    receptacle: { radius: 0.14, length: 1.6, colour: '#8aa85a' },
    view: 'hanging',
    leaves: leaves('oval', { width: 0.42, length: 1.2, count: 4, colour: '#3f7a3a' }),
  }),
  species('stemless gentian', {
    rows: [row(5, 'tube', 0.62, { length: 1.5, inset: 0.14, rise: [84, 80, 12], cup: 0.4, lift: -0.9 })],
    colourways: [{ main: '#1f3fc4', tip: '#3a5cdc', throat: '#4a5a9c', spots: '#5a7a4a', back: '#2440b0' }],
    view: 'face',
    leaves: leaves('lance', { from: 'base', width: 0.42, length: 0.8, count: 6, colour: '#4a8040' }),
  }),
  species('californian poppy', {
    rows: [row(4, 'wide', 1.2, { length: 1.2, rise: [52, 72, 62], cup: 0.45, lift: -0.45 })],
    colourways: [
      { main: '#f6901a', tip: '#f8b23a', throat: '#e0600c', back: '#f0840f' },
      { main: '#f8c81c', throat: '#f08c12', back: '#f2b816' },
    ],
    centre: stamens(16, 0.5, '#f2b02a', { filament: '#f0a01c', rise: 70, eye: 0 }),
    view: 'side',
    leaves: leaves('needle', { width: 0.05, count: 8, colour: '#86a894' }),
    stem: { colour: '#86a88a', thickness: 0.05 },
  }),
  species('water lily', {
    rows: [row(12, 'lance', 0.34, { length: 1, layers: 4, inner: 0.5, rise: [14, 26, 36], cup: 0.45 })],
    colourways: [
      { main: '#f3bcd2', tip: '#f8d8e4', throat: '#e08ab0' },
      { main: '#fbf8f4', tip: '#ffffff' },
      { main: '#f4e07a' },
    ],
    centre: stamens(40, 0.3, '#f2b41c', { filament: '#f0c43a', rise: 60, eye: 0.1, eyeColour: '#e8b83a' }),
    leaves: leaves('wide', { from: 'base', width: 0.8, length: 1.2, count: 4, colour: '#3f7a44' }),
  }),
  species('lotus', {
    rows: [
      row(8, 'oval', 0.6, { length: 1.35, rise: [10, 40, 62], cup: 0.5, lift: -0.5 }),
      row(8, 'oval', 0.6, { length: 1.2, rise: [26, 64, 80], cup: 0.5, lift: -0.5 }),
    ],
    colourways: [
      { main: '#f5c6d6', tip: '#e66a9a', throat: '#faf0ea', back: '#f0b0c8' },
      { main: '#faf6f2', tip: '#f6e4e8', back: '#f2ecea' },
    ],
    centre: disc(0.2, '#b9c24a', '#e8c83a', { height: 0.2, seeds: 20 }),
    view: 'side',
    leaves: leaves('wide', { from: 'base', width: 0.9, length: 1.3, count: 3, colour: '#4f8a5c' }),
    stem: { colour: '#7fa05c', thickness: 0.1 },
  }),
  species('magnolia', {
    rows: [
      row(5, 'spoon', 0.62, { length: 1.35, rise: [40, 64, 56], cup: 0.5, lift: -0.5 }),
      row(4, 'spoon', 0.62, { length: 1.3, rise: [60, 80, 84], cup: 0.5, lift: -0.5 }),
    ],
    colourways: [
      { main: '#f3e2e8', tip: '#fbf4f4', throat: '#c8508c', reach: 0.42, back: '#e2a4c0' },
      { main: '#faf6ee', back: '#f2ece0' },
    ],
    view: 'side',
    stem: { colour: '#5a473c', thickness: 0.14 },
    leaves: leaves('oval', { width: 0.45, count: 2, colour: '#7a9a4a' }),
  }),
  species('king protea', {
    rows: [row(13, 'spear', 0.3, { length: 1.3, layers: 3, inner: 0.78, rise: [30, 60, 58], cup: 0.4, lift: -0.4 })],
    colourways: [{ main: '#e68aa0', tip: '#f2b4be', throat: '#cfa0a0', back: '#d87c94' }],
    centre: disc(0.46, '#f3e9e2', '#e2b8b4', { height: 0.55, seeds: 150 }),
    leaves: leaves('oval', { width: 0.45, count: 5, colour: '#5f8a5a' }),
    stem: { colour: '#9a6a4c', thickness: 0.16 },
    scale: 1.02,
  }),
  species('poinsettia', {
    rows: [
      row(7, 'lance', 0.46, { length: 1, rise: [4, 0, -10], inset: 0.08 }),
      row(6, 'lance', 0.44, { length: 0.66, rise: [12, 8, 0], inset: 0.06 }),
    ],
    colourways: [
      { main: '#cf1420', tip: '#dc2c30', veins: '#8a0a14' },
      { main: '#f4e9d4', veins: '#cfc49a' },
      { main: '#ec8f96', veins: '#c85a68' },
    ],
    centre: disc(0.15, '#e6c62a', '#8fa43a', { seeds: 9, height: 0.1 }),
    leaves: leaves('lance', { width: 0.48, length: 1.2, count: 5, colour: '#2c5f30' }),
    scale: 1.08,
  }),
  species('bougainvillea', {
    rows: [
      row(3, 'spathe', 0.9, { length: 1, rise: [46, 40, 20], cup: 0.25 }),
      row(3, 'tube', 0.2, {
        length: 0.42,
        rise: [70, 60, 40],
        paint: { main: '#f4efdc', tip: '#faf7ea', throat: '#d8608c' },
      }),
    ],
    colourways: [
      { main: '#d42a8c', tip: '#e04c9e', veins: '#a01464' },
      { main: '#f0862c', veins: '#c85a14' },
    ],
    inflorescence: { kind: 'ball', count: 14, bloom: 0.46, cap: 0.6 },
    leaves: leaves('oval', { width: 0.6, count: 4 }),
    stem: { colour: '#6a5240', thickness: 0.08 },
  }),
  species('sweet pea', {
    rows: [
      row(1, 'heart', 1.5, { angles: [90], length: 0.85, rise: [50, 14, -14] }),
      row(2, 'round', 0.95, {
        angles: [235, 305],
        length: 0.62,
        rise: [56, 44, 30],
        paint: { main: '#f4dcec', tip: '#faeef4' },
      }),
    ],
    colourways: [{ main: '#d05aa4', tip: '#de80ba' }, { main: '#7a4fb8' }, { main: '#f2a0a8' }],
    view: 'portrait',
    inflorescence: { kind: 'spray', count: 4, bloom: 0.52 },
    leaves: leaves('oval', { width: 0.4, count: 4, colour: '#7fa584' }),
    stem: { colour: '#8aab7a', thickness: 0.05 },
  }),
];
