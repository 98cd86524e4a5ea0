import type { Species } from '../species.ts';
import { disc, leaves, plain, row, species } from './grow.ts';

const feathery = leaves('needle', { length: 0.9, width: 0.06, count: 7, colour: '#5f8d46' });

/** Many narrow petals round a disc, or nothing but narrow petals: the daisy family and its doubles. */
export const RAYS: readonly Species[] = [
  species('purple coneflower', {
    rows: [row(16, 'notched', 0.24, { inset: 0.26, length: 0.76, rise: [-8, -22, -34] })],
    colourways: [
      { main: '#c55fa2', tip: '#dc8fc0', throat: '#a2427f' },
      { main: '#dc84b4', tip: '#ecb0d0' },
    ],
    centre: disc(0.33, '#d9761a', '#7c3413', { height: 0.34, seeds: 120 }),
    leaves: leaves('spear', { length: 1.1, width: 0.32 }),
  }),
  species('black-eyed susan', {
    rows: [row(14, 'oval', 0.3, { inset: 0.22, length: 0.8, rise: [8, 2, -10] })],
    colourways: [
      { main: '#f6b80e', tip: '#fbcf39', throat: '#d98a0c' },
      { main: '#f2a50c', throat: '#8a2f0c', reach: 0.5 },
    ],
    centre: disc(0.25, '#2a1712', '#3e2218', { height: 0.24, seeds: 90 }),
  }),
  species('gerbera', {
    rows: [
      row(28, 'strap', 0.18, { inset: 0.24, length: 0.78 }),
      row(26, 'strap', 0.18, { inset: 0.22, length: 0.66, rise: [18, 12, 4] }),
      row(26, 'strap', 0.16, { inset: 0.2, length: 0.3, rise: [35, 30, 20] }),
    ],
    colourways: [
      { main: '#ec3d6e', tip: '#f56d92', throat: '#c81f50' },
      { main: '#f1602a', tip: '#f78a4e' },
      { main: '#d2182c' },
      { main: '#f9a8bf', tip: '#fdd0dc' },
    ],
    centre: disc(0.22, '#2c2118', '#b5a046', { height: 0.06, seeds: 100 }),
    leaves: leaves('fringed', { from: 'base', length: 1.3, width: 0.35, count: 3 }),
  }),
  species('aster', {
    rows: [
      row(30, 'needle', 0.075, { inset: 0.2, length: 0.82 }),
      row(26, 'needle', 0.075, { inset: 0.2, length: 0.74, rise: [18, 8, 0] }),
    ],
    colourways: [{ main: '#8f79cf', tip: '#a995de' }, { main: '#6f62bd' }, { main: '#b48bd0' }],
    centre: disc(0.23, '#e8b520', '#f2cf46', { height: 0.1 }),
    inflorescence: { kind: 'spray', count: 4, bloom: 0.52 },
  }),
  species('marigold', {
    rows: [row(13, 'ruffled', 0.55, { length: 0.9, layers: 7, inner: 0.28, rise: [10, 6, -12], cup: -0.25 })],
    colourways: [
      { main: '#f28a0e', tip: '#f8a62a', throat: '#c65f06' },
      { main: '#f6bd12', tip: '#fbd542' },
    ],
    leaves: feathery,
  }),
  species('zinnia', {
    rows: [row(16, 'spoon', 0.42, { inset: 0.18, length: 0.8, layers: 4, inner: 0.5, rise: [8, 4, -8] })],
    colourways: [{ main: '#e2336f', tip: '#ef5f90' }, { main: '#f0652b' }, { main: '#b02a8a' }],
    centre: disc(0.2, '#7a2a1c', '#f2c52c', { height: 0.14, seeds: 50 }),
    leaves: leaves('oval'),
  }),
  species('dahlia', {
    rows: [row(15, 'lance', 0.36, { length: 0.95, layers: 7, inner: 0.24, rise: [12, 8, 2], cup: 0.65 })],
    colourways: [
      { main: '#d8412f', tip: '#f08a4a', throat: '#a3201c' },
      { main: '#7d1d4f', tip: '#a63b72' },
      { main: '#f2b6c4', tip: '#fae0e4', throat: '#e0809c' },
    ],
    leaves: leaves('oval', { colour: '#3f6f38' }),
  }),
  species('chrysanthemum', {
    rows: [row(24, 'strap', 0.15, { length: 0.95, layers: 6, inner: 0.3, rise: [10, 6, 16], cup: 0.5 })],
    colourways: [
      { main: '#f4ead0', tip: '#fdf8ea', throat: '#e0cf9a' },
      { main: '#b7468f', tip: '#d27fb4' },
      { main: '#c9601e' },
    ],
    leaves: leaves('fringed', { width: 0.6 }),
  }),
  species('cosmos', {
    rows: [row(8, 'notched', 0.6, { inset: 0.12, length: 0.88, rise: [14, 8, -4] })],
    colourways: [
      { main: '#e27fb4', tip: '#eea6cb', throat: '#b83f82', veins: '#b9508e' },
      { main: '#f7f2f4', throat: '#e6d8df' },
      { main: '#b82367', throat: '#7d1343' },
    ],
    centre: disc(0.15, '#e3a514', '#f0c83a', { seeds: 45 }),
    leaves: feathery,
  }),
  species('gazania', {
    rows: [
      row(15, 'lance', 0.3, {
        inset: 0.18,
        length: 0.82,
        rise: [10, 6, 2],
        paint: { main: '#f6a21a', tip: '#fcd04e', throat: '#2d1a16', reach: 0.3, stripe: '#b8341c' },
      }),
    ],
    colourways: plain('#f6a21a'),
    centre: disc(0.18, '#e0a012', '#8a4a12', { height: 0.05, seeds: 60 }),
    leaves: leaves('spear', { from: 'base', length: 1.1, width: 0.14, count: 5 }),
  }),
  species('osteospermum', {
    rows: [row(17, 'spoon', 0.26, { inset: 0.16, length: 0.84 })],
    colourways: [
      { main: '#efe9f4', tip: '#ffffff', throat: '#8a5fb4', reach: 0.2 },
      { main: '#a35ab8', tip: '#c48ad2', throat: '#5f2a7c' },
    ],
    centre: disc(0.17, '#26356e', '#3f4f9a', { height: 0.07, seeds: 60 }),
  }),
  species('blanket flower', {
    rows: [
      row(15, 'toothed', 0.32, {
        inset: 0.26,
        length: 0.74,
        paint: { main: '#d23a1a', tip: '#f7c321', throat: '#a8220f', reach: 0.6 },
      }),
    ],
    colourways: plain('#d23a1a'),
    centre: disc(0.3, '#5a1c14', '#c77a1c', { height: 0.17 }),
  }),
  species('coreopsis', {
    rows: [row(8, 'toothed', 0.56, { inset: 0.12, length: 0.88 })],
    colourways: [
      { main: '#f6cb18', tip: '#fbdc4c' },
      { main: '#f5c51a', throat: '#8a1c14', reach: 0.35 },
    ],
    centre: disc(0.16, '#d99a10', '#b06a0c', { seeds: 45 }),
    leaves: feathery,
  }),
  species('cornflower', {
    rows: [
      row(9, 'fringed', 0.5, { inset: 0.1, length: 0.9, rise: [25, 15, 6], cup: 0.5 }),
      row(14, 'needle', 0.1, {
        inset: 0.03,
        length: 0.42,
        rise: [60, 50, 45],
        paint: { main: '#4a2f8f', tip: '#7a3fa0' },
      }),
    ],
    colourways: [{ main: '#3b5fd0', tip: '#5a80e6', throat: '#3448a8' }, { main: '#4f74e0' }],
    receptacle: { radius: 0.2, length: 0.5, colour: '#6f7d4a' },
    leaves: leaves('needle', { width: 0.08, length: 1.1, colour: '#7f9a78' }),
  }),
  species('chamomile', {
    rows: [row(14, 'strap', 0.3, { inset: 0.28, length: 0.68, rise: [-4, -14, -30] })],
    colourways: [{ main: '#fcfbf6', throat: '#e3e6d2' }],
    centre: disc(0.36, '#e9b314', '#f6d443', { height: 0.42, seeds: 130 }),
    inflorescence: { kind: 'spray', count: 5, bloom: 0.42 },
    leaves: feathery,
  }),
  species('edelweiss', {
    rows: [
      row(8, 'spear', 0.34, { inset: 0.1, length: 0.9 }),
      row(6, 'spear', 0.34, { inset: 0.08, length: 0.62, rise: [16, 10, 2] }),
    ],
    colourways: [{ main: '#e6e8d8', tip: '#f4f5ec', throat: '#c3caa4' }],
    centre: disc(0.26, '#d9c65a', '#a8a060', { height: 0.1, seeds: 12 }),
    leaves: leaves('spear', { width: 0.2, colour: '#8fa382' }),
  }),
];
