import type { Species } from '../species.ts';
import { blades, disc, leaves, row, sepals, species } from './grow.ts';

/** The five kinds of the classic small flower sets. */
export const FIRST: readonly Species[] = [
  species('daisy', {
    rows: [
      row(19, 'strap', 0.2, { inset: 0.2, length: 0.8, rise: [8, 3, -8] }),
      row(15, 'strap', 0.2, { inset: 0.18, length: 0.76, rise: [14, 8, -2] }),
    ],
    colourways: [
      { main: '#fbfaf5', tip: '#ffffff', throat: '#dfe2cf' },
      { main: '#f8f1f4', tip: '#e9b4cc', throat: '#e5e3d4' },
    ],
    centre: disc(0.29, '#f0b91c', '#f7d23a', { height: 0.16 }),
    leaves: leaves('spoon', { length: 0.9, width: 0.35, count: 2, from: 'stem' }),
    stem: { colour: '#6f9a45', thickness: 0.08 },
  }),
  species('dandelion', {
    rows: [
      row(27, 'toothed', 0.16, { length: 0.98, rise: [14, 2, -10], cup: 0 }),
      row(25, 'toothed', 0.17, { length: 0.82, layers: 2, inner: 0.72, rise: [28, 14, 4], cup: 0 }),
      row(16, 'toothed', 0.24, { length: 0.4, layers: 1, inner: 0.6, rise: [62, 48, 30], cup: 0.2 }),
    ],
    colourways: [
      { main: '#f6cf16', tip: '#fbe04a', throat: '#d99a08', reach: 0.5 },
      { main: '#f2b90f', tip: '#f8d436', throat: '#c98806', reach: 0.5 },
    ],
    leaves: leaves('fringed', { length: 1.6, width: 0.3, count: 4, from: 'base', colour: '#4c7a34' }),
    stem: { colour: '#8fa65a', thickness: 0.09 },
    scale: 0.92,
  }),
  species('rose', {
    rows: [
      sepals(5, 0.75),
      row(5, 'wide', 1.15, { length: 0.92, rise: [18, 16, -6], cup: 0.4 }),
      row(6, 'wide', 1.2, { length: 0.84, layers: 6, inner: 0.24, rise: [34, 38, 12], cup: 0.5 }),
    ],
    colourways: [
      { main: '#c3152c', tip: '#d93345', throat: '#7d0718', reach: 0.55 },
      { main: '#ee7f9f', tip: '#f6aec0', throat: '#c9476f', reach: 0.5 },
      { main: '#f6efe4', tip: '#fdfaf4', throat: '#d9c8a4', reach: 0.5 },
      { main: '#f4c65f', tip: '#f9de96', throat: '#d5922b', reach: 0.5 },
    ],
    leaves: leaves('oval', { length: 1, width: 0.55, count: 4, colour: '#3b6a33' }),
    stem: { colour: '#5c7a3a', thickness: 0.1 },
    scale: 0.95,
  }),
  species('sunflower', {
    rows: [
      row(22, 'lance', 0.26, { inset: 0.42, length: 0.62, rise: [6, 2, -8] }),
      row(20, 'lance', 0.26, { inset: 0.4, length: 0.58, rise: [16, 12, 2] }),
    ],
    colourways: [
      { main: '#f7b90c', tip: '#fbd02c', throat: '#d9820a' },
      { main: '#f5a80f', tip: '#f9c22e', throat: '#b85c0c' },
    ],
    centre: disc(0.48, '#3c2614', '#6f4216', { height: 0.14, seeds: 190 }),
    leaves: leaves('heart', { length: 1, width: 0.75, count: 3, colour: '#4f8136' }),
    stem: { colour: '#6d9142', thickness: 0.13 },
    scale: 1.08,
  }),
  species('tulip', {
    rows: [
      row(3, 'oval', 0.78, { length: 1.45, rise: [28, 88, 94], cup: 0.55, lift: -0.62 }),
      row(3, 'oval', 0.8, { length: 1.42, rise: [32, 86, 88], cup: 0.55, lift: -0.6 }),
    ],
    colourways: [
      { main: '#d81f2f', tip: '#e5463e', throat: '#e0a03c', reach: 0.12 },
      { main: '#f2c21e', tip: '#f7d95a', throat: '#d9b25a', reach: 0.15 },
      { main: '#e86aa4', tip: '#f4a6c6', throat: '#f3e3d2', reach: 0.25 },
      { main: '#7b2f86', tip: '#9a4fa3', throat: '#d8c6d2', reach: 0.15 },
      { main: '#f08324', tip: '#f6b04a', throat: '#e8c84a', reach: 0.2 },
    ],
    view: 'side',
    leaves: { ...blades, width: 0.2, count: 3, colour: '#6b9568' },
    stem: { colour: '#8aa866', thickness: 0.11 },
    scale: 0.95,
  }),
];
