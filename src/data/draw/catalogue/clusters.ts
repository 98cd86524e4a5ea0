import type { Species } from '../species.ts';
import { ball, disc, leaves, plain, row, species, stamens, blades } from './grow.ts';

/** Small blooms packed over a ball or a dome, and heads that look like one. */
export const CLUSTERS: readonly Species[] = [
  species('allium', {
    rows: [row(6, 'spear', 0.26, { length: 1 })],
    colourways: [{ main: '#9a5fc0', tip: '#b380d2' }, { main: '#b86ab8' }],
    centre: stamens(6, 0.6, '#7a4a9c', { filament: '#b88ace', eye: 0.14, eyeColour: '#7fa05a' }),
    inflorescence: ball(90, 0.17, 0.95),
    leaves: blades,
    stem: { colour: '#7fa05a', thickness: 0.09 },
  }),
  species('globe thistle', {
    rows: [row(5, 'needle', 0.14, { length: 1.1, rise: [66, 60, 44] })],
    colourways: [{ main: '#5a72b8', tip: '#8aa0dc', throat: '#8f9cb0' }],
    inflorescence: ball(120, 0.2, 0.98, '#5c6a94'),
    leaves: leaves('fringed', { width: 0.4, colour: '#7f9a80' }),
    stem: { colour: '#a8b4a0', thickness: 0.08 },
    scale: 0.85,
  }),
  species('hydrangea', {
    rows: [row(4, 'round', 1.02, { length: 0.95, rise: [8, 4, 0] })],
    colourways: [
      { main: '#8aa4e0', tip: '#a4baea' },
      { main: '#e69ac0', tip: '#f0b6d2' },
      { main: '#c0d8a8', tip: '#e6eedc' },
    ],
    centre: stamens(0, 0, '#ffffff', { eye: 0.12, eyeColour: '#e0e4c8' }),
    inflorescence: ball(52, 0.27, 0.62),
    leaves: leaves('oval', { width: 0.65, length: 1.1, count: 4, colour: '#4a7f3c' }),
    scale: 1.1,
  }),
  species('garden phlox', {
    rows: [row(5, 'round', 0.88, { length: 0.96 })],
    colourways: [
      { main: '#e86aa8', throat: '#b0246c', reach: 0.26 },
      { main: '#f6f0f6', throat: '#e0509a', reach: 0.24 },
      { main: '#a86ac8' },
    ],
    inflorescence: ball(24, 0.35, 0.55),
    leaves: leaves('lance', { width: 0.3, count: 5 }),
  }),
  species('lantana', {
    rows: [
      row(4, 'round', 1.0, { length: 0.95, paint: { main: '#f2a22a', tip: '#ee5a5a', throat: '#f6d43a', reach: 0.4 } }),
    ],
    colourways: plain('#f2a22a'),
    centre: stamens(0, 0, '#ffffff', { eye: 0.1, eyeColour: '#c84a1c' }),
    inflorescence: ball(30, 0.26, 0.5),
    leaves: leaves('oval', { width: 0.6, count: 4, colour: '#3f7334' }),
    scale: 0.9,
  }),
  species('yarrow', {
    rows: [row(5, 'notched', 0.9, { length: 0.95, inset: 0.15 })],
    colourways: [{ main: '#f7f4ec' }, { main: '#e3a0b8' }, { main: '#eec43c' }],
    centre: disc(0.32, '#d8c66a', '#e9dda0', { seeds: 8 }),
    inflorescence: ball(70, 0.15, 0.3),
    leaves: leaves('fringed', { width: 0.2, count: 6, colour: '#6f8f5c' }),
  }),
  species('red clover', {
    rows: [row(4, 'lance', 0.3, { length: 1.2, rise: [70, 66, 50], cup: 0.4 })],
    colourways: [{ main: '#c2609c', tip: '#d684b4', throat: '#ecd0e0', reach: 0.4 }],
    inflorescence: ball(60, 0.3, 0.8, '#a85a88'),
    leaves: leaves('oval', { width: 0.7, length: 0.8, count: 5, colour: '#4a8040' }),
    scale: 0.72,
  }),
  species('spear thistle', {
    rows: [
      row(16, 'spear', 0.16, {
        length: 0.62,
        rise: [10, 50, 20],
        inset: 0.24,
        lift: -0.62,
        paint: { main: '#64824c', tip: '#b9b77c' },
      }),
      row(14, 'spear', 0.18, {
        length: 0.55,
        rise: [40, 70, 30],
        inset: 0.3,
        lift: -0.34,
        paint: { main: '#6f8c55', tip: '#c4c08a' },
      }),
      row(40, 'needle', 0.04, { length: 1.05, layers: 3, inner: 0.7, rise: [56, 46, 30], cup: 0, lift: 0 }),
    ],
    colourways: [{ main: '#b04fb8', tip: '#c474cc', throat: '#d8b4d8', reach: 0.3 }],
    receptacle: { radius: 0.36, length: 0.8, colour: '#6f8a52' },
    view: 'side',
    leaves: leaves('fringed', { width: 0.35, count: 4, colour: '#5f8354' }),
    scale: 0.9,
  }),
  species('artichoke', {
    rows: [
      row(9, 'lance', 0.7, {
        length: 0.9,
        layers: 3,
        inner: 0.8,
        rise: [20, 60, 78],
        cup: 0.5,
        lift: -0.6,
        paint: { main: '#7f9a6a', tip: '#7a5a72', throat: '#6a8458', back: '#86a070' },
      }),
      row(46, 'needle', 0.03, { length: 0.8, layers: 2, inner: 0.8, rise: [74, 64, 44], lift: 0.1 }),
    ],
    colourways: [{ main: '#6a4fd0', tip: '#8a74e0', throat: '#b0a0e0' }],
    view: 'side',
    leaves: leaves('fringed', { width: 0.3, length: 1.4, count: 4, colour: '#8aa088' }),
    stem: { colour: '#8a9f7a', thickness: 0.16 },
    scale: 0.95,
  }),
  species('bee balm', {
    rows: [
      row(16, 'tube', 0.14, { length: 1, inset: 0.14, rise: [40, 26, -18] }),
      row(14, 'tube', 0.14, { length: 0.8, inset: 0.12, rise: [56, 44, 10] }),
    ],
    colourways: [
      { main: '#d02348', tip: '#e04a66' },
      { main: '#c86ac0', tip: '#d88ad0' },
    ],
    centre: disc(0.17, '#5a2432', '#7a4a3c', { seeds: 24, height: 0.14 }),
    leaves: leaves('lance', { width: 0.36, count: 5 }),
  }),
  species('pincushion flower', {
    rows: [
      row(9, 'ruffled', 0.62, { inset: 0.32, length: 0.66 }),
      row(12, 'ruffled', 0.55, { inset: 0.26, length: 0.36, rise: [30, 22, 10] }),
    ],
    colourways: [{ main: '#a8a4e0', tip: '#bcb8ea' }, { main: '#e4b4cc' }],
    centre: disc(0.4, '#e6e6d8', '#a09ac8', { height: 0.24, seeds: 46 }),
    leaves: leaves('needle', { width: 0.08, count: 6 }),
    stem: { colour: '#7f9a5c', thickness: 0.05 },
  }),
  species('sea holly', {
    rows: [
      row(11, 'spear', 0.16, {
        inset: 0.22,
        length: 0.82,
        rise: [14, 8, 2],
        paint: { main: '#6f90b4', tip: '#a8c0d8', throat: '#4a6a9c', stripe: '#a4bcd4' },
      }),
    ],
    colourways: plain('#6f90b4'),
    centre: disc(0.32, '#4a6fb0', '#3a5494', { height: 0.5, seeds: 90 }),
    stem: { colour: '#7f98b0', thickness: 0.07 },
    leaves: leaves('fringed', { width: 0.6, colour: '#8aa4a8' }),
  }),
  species('forget-me-not', {
    rows: [row(5, 'round', 0.98, { length: 0.92, inset: 0.06 })],
    colourways: [{ main: '#6aa4ec', tip: '#86b8f2' }, { main: '#e8a4cc' }],
    centre: stamens(0, 0, '#ffffff', { eye: 0.2, eyeColour: '#f4d23a' }),
    inflorescence: { kind: 'spray', count: 10, bloom: 0.27 },
    leaves: leaves('oval', { width: 0.4, count: 4 }),
  }),
  species("queen anne's lace", {
    rows: [row(5, 'round', 0.85, { length: 1 })],
    colourways: [{ main: '#f7f8f0', tip: '#ffffff', throat: '#dfe6c8' }],
    inflorescence: ball(120, 0.1, 0.25),
    leaves: leaves('fringed', { width: 0.5, count: 3 }),
    stem: { colour: '#7fa05a', thickness: 0.05 },
    scale: 1.05,
  }),
];
