import type { Species } from '../species.ts';
import { disc, leaves, plain, row, sepals, species, stamens } from './grow.ts';

/** A few broad petals round stamens, seen into their face. */
export const BOWLS: readonly Species[] = [
  species('corn poppy', {
    rows: [
      row(2, 'ruffled', 1.25, { length: 0.92, rise: [30, 22, 6], cup: 0.4 }),
      row(2, 'ruffled', 1.2, { length: 0.88, rise: [36, 28, 12], cup: 0.4 }),
    ],
    colourways: [
      { main: '#d9261c', tip: '#e8402c', throat: '#1d0d10', reach: 0.22 },
      { main: '#e23b28', throat: '#7c1410', reach: 0.2 },
    ],
    centre: stamens(34, 0.3, '#221a24', { filament: '#3a2a36', eye: 0.14, eyeColour: '#7f9458', rise: 35 }),
    leaves: leaves('fringed', { width: 0.3 }),
    stem: { colour: '#7f9a58', thickness: 0.055 },
  }),
  species('buttercup', {
    rows: [sepals(5, 0.7), row(5, 'round', 0.95, { length: 0.9, rise: [28, 30, 20], cup: 0.4 })],
    colourways: [{ main: '#f8d416', tip: '#fce352', throat: '#e2b010' }],
    centre: stamens(30, 0.3, '#e9bf14', { filament: '#e3cf4a', eye: 0.15, eyeColour: '#a8b93a' }),
    scale: 0.85,
  }),
  species('hibiscus', {
    rows: [row(5, 'ruffled', 0.98, { length: 0.98, rise: [32, 10, -10], cup: 0.15 })],
    colourways: [
      { main: '#e0245a', tip: '#ec5580', throat: '#7c0a2c', veins: '#a8123f', reach: 0.4 },
      { main: '#f6b63a', tip: '#fad27c', throat: '#c01a3a', reach: 0.3 },
      { main: '#f6dfe6', throat: '#b01044', veins: '#e0a0b8', reach: 0.28 },
    ],
    centre: { kind: 'column', length: 0.85, thickness: 0.05, colour: '#f2c6a0', tip: '#f6cf2a', foot: 0, lean: 0.35 },
    leaves: leaves('oval', { width: 0.6, colour: '#2f6a32' }),
  }),
  species('primrose', {
    rows: [row(5, 'heart', 0.92, { inset: 0.06, length: 0.9 })],
    colourways: [{ main: '#f4eca6', tip: '#f8f2c4', throat: '#eec52e', reach: 0.34 }],
    centre: stamens(0, 0, '#c9a21a', { eye: 0.08, eyeColour: '#b9b02e' }),
    inflorescence: { kind: 'spray', count: 5, bloom: 0.45 },
    leaves: leaves('ruffled', { from: 'base', width: 0.4, length: 1.3 }),
  }),
  species('pansy', {
    rows: [
      row(2, 'wide', 1.05, { angles: [58, 122], length: 0.92, rise: [6, 2, -6] }),
      row(2, 'wide', 1.0, {
        angles: [8, 172],
        length: 0.88,
        paint: { main: '#8f5fc4', tip: '#a67fd2', throat: '#241338', reach: 0.6 },
      }),
      row(1, 'heart', 1.35, {
        angles: [270],
        length: 0.9,
        paint: { main: '#f2c428', tip: '#f6d75a', throat: '#241338', reach: 0.62 },
      }),
    ],
    colourways: [{ main: '#4c2a86', tip: '#6238a4' }, { main: '#6a2f95' }],
    centre: stamens(0, 0, '#ffffff', { eye: 0.07, eyeColour: '#f6d03a' }),
    view: 'portrait',
    leaves: leaves('oval', { width: 0.5 }),
  }),
  species('petunia', {
    rows: [row(5, 'notched', 1.16, { inset: 0.02, length: 0.96, rise: [38, 10, -10], cup: 0.05 })],
    colourways: [
      { main: '#8a2fae', tip: '#a04cc2', throat: '#3a1058', veins: '#5a1c7c', reach: 0.3 },
      { main: '#e0559c', throat: '#f6e6ae', veins: '#b02a70', reach: 0.2 },
      { main: '#f6f2f8', throat: '#d8d696', reach: 0.2 },
    ],
    centre: stamens(4, 0.12, '#e6e08a', { eye: 0.07, eyeColour: '#2f1638' }),
    leaves: leaves('oval', { width: 0.55 }),
  }),
  species('morning glory', {
    rows: [row(5, 'wide', 1.3, { length: 0.95, rise: [66, 26, -12], cup: 0.04 })],
    colourways: [
      { main: '#3f5fd6', tip: '#5a7fe8', throat: '#f8f2da', stripe: '#7a4fc8', reach: 0.36 },
      { main: '#7a35b8', tip: '#9258cc', throat: '#f4e4f4', stripe: '#b04fb8', reach: 0.36 },
    ],
    leaves: leaves('heart', { width: 0.9, colour: '#4a8038' }),
  }),
  species('periwinkle', {
    rows: [row(5, 'toothed', 0.62, { inset: 0.08, length: 0.9 })],
    colourways: [{ main: '#6f78d6', tip: '#8890e2', throat: '#dfe0f6', reach: 0.24 }],
    centre: stamens(0, 0, '#ffffff', { eye: 0.06, eyeColour: '#e8e09a' }),
    leaves: leaves('oval', { width: 0.45, colour: '#2d5a34', count: 5 }),
  }),
  species('wild geranium', {
    rows: [sepals(5, 0.75), row(5, 'oval', 0.72, { inset: 0.05, length: 0.92, rise: [18, 10, 0] })],
    colourways: [
      { main: '#b46cc4', tip: '#c88ad4', throat: '#ece0ee', veins: '#7a3a94', reach: 0.2 },
      { main: '#d27ab4', veins: '#9c4a84' },
    ],
    centre: stamens(10, 0.26, '#6a5a9c', { eye: 0.05 }),
    leaves: leaves('fringed', { width: 0.95 }),
  }),
  species('wild rose', {
    rows: [row(5, 'heart', 1.08, { length: 0.92, rise: [20, 12, 2], cup: 0.25 })],
    colourways: [
      { main: '#f2a6bd', tip: '#f28fae', throat: '#fbf0e6', reach: 0.4 },
      { main: '#f8dbe2', tip: '#f4bfcf', throat: '#fbf6ea' },
    ],
    centre: stamens(40, 0.34, '#e2b01c', { filament: '#ecd98a', eye: 0.1, eyeColour: '#b9bf52', rise: 28 }),
    leaves: leaves('oval', { width: 0.55, count: 5 }),
  }),
  species('cherry blossom', {
    rows: [row(5, 'notched', 0.8, { length: 0.9, rise: [16, 12, 4] })],
    colourways: [
      { main: '#f9dde4', tip: '#fbeaee', throat: '#e68aa4', reach: 0.22 },
      { main: '#f4bccb', throat: '#d46c8e', reach: 0.24 },
    ],
    centre: stamens(22, 0.42, '#c8943a', { filament: '#f4dfe2', eye: 0.06, eyeColour: '#b04a6a' }),
    inflorescence: { kind: 'spray', count: 6, bloom: 0.42 },
    stem: { colour: '#6a4a3c', thickness: 0.09 },
    leaves: leaves('oval', { colour: '#8a7a42', count: 2 }),
  }),
  species('camellia', {
    rows: [row(8, 'wide', 0.95, { length: 0.92, layers: 6, inner: 0.24, rise: [8, 6, -4], cup: 0.3 })],
    colourways: [{ main: '#e4688c', tip: '#ee8aa6' }, { main: '#c8203c' }, { main: '#f6eef0', tip: '#ffffff' }],
    leaves: leaves('oval', { width: 0.52, length: 1.1, count: 5, colour: '#22502c' }),
  }),
  species('peony', {
    rows: [
      row(7, 'ruffled', 1.05, { length: 0.98, rise: [20, 16, 4], cup: 0.4 }),
      row(14, 'ruffled', 0.62, { length: 0.82, layers: 5, inner: 0.4, rise: [34, 44, 44], cup: 0.5 }),
    ],
    colourways: [
      { main: '#ee9fc0', tip: '#f6c4d8', throat: '#d8648f' },
      { main: '#a81b4c', tip: '#c83a68' },
      { main: '#f8eff0', tip: '#fffafa' },
    ],
    leaves: leaves('lance', { width: 0.4, count: 4, colour: '#3c6c34' }),
    scale: 1.05,
  }),
  species('clematis', {
    rows: [row(6, 'lance', 0.56, { length: 0.96, inset: 0.06 })],
    colourways: [
      { main: '#6a3fb0', tip: '#8058c2', stripe: '#a84fae' },
      { main: '#b04a9a', stripe: '#7a2470' },
      { main: '#e6e0f2', stripe: '#c4a6d8' },
    ],
    centre: stamens(26, 0.28, '#f2ecd2', { filament: '#d8cfa0', eye: 0.07, eyeColour: '#8a2a5c', rise: 30 }),
    leaves: leaves('oval', { width: 0.5 }),
  }),
  species('hellebore', {
    rows: [row(5, 'oval', 0.95, { length: 0.9, rise: [26, 16, 2], cup: 0.25 })],
    colourways: [
      { main: '#c9b6c0', tip: '#d8b0c4', throat: '#a9bc8a', spots: '#8a3a66' },
      { main: '#7a3a5c', throat: '#9cae78', spots: '#4a1836' },
      { main: '#e9edd6', throat: '#b3cc8a', spots: '#a4608a' },
    ],
    centre: stamens(30, 0.28, '#efe6b0', { filament: '#dbe0a8', eye: 0.1, eyeColour: '#9cb45c' }),
    leaves: leaves('spear', { width: 0.28, count: 5, colour: '#2f5a34' }),
  }),
  species('japanese anemone', {
    rows: [row(6, 'round', 0.82, { length: 0.92, rise: [14, 8, 0] })],
    colourways: [
      { main: '#f5eef3', tip: '#fdf9fc', throat: '#e0cbd9' },
      { main: '#eba9c8', tip: '#f2c2d8' },
    ],
    centre: stamens(40, 0.27, '#eeb41c', { filament: '#ecd27a', eye: 0.11, eyeColour: '#9cb43c', rise: 25 }),
    stem: { colour: '#6f8a4a', thickness: 0.05 },
  }),
  species('poppy anemone', {
    rows: [
      row(6, 'round', 0.9, { length: 0.92, rise: [22, 16, 4], cup: 0.3 }),
      row(6, 'round', 0.85, { length: 0.84, rise: [28, 22, 10] }),
    ],
    colourways: [
      { main: '#3b2fa8', tip: '#5548c0', throat: '#e8e4f4', reach: 0.3 },
      { main: '#cf1c2c', throat: '#f6ece6', reach: 0.3 },
      { main: '#b0358c', throat: '#f4e4ee', reach: 0.3 },
    ],
    centre: stamens(40, 0.32, '#191624', { filament: '#2c2438', eye: 0.15, eyeColour: '#1d1a2c', rise: 25 }),
    leaves: leaves('fringed', { width: 0.6 }),
  }),
  species('jasmine', {
    rows: [row(6, 'lance', 0.5, { inset: 0.06, length: 0.9, rise: [14, 6, -10] })],
    colourways: [{ main: '#fbfaf4', throat: '#e3e2c4', back: '#eed0d8' }],
    centre: stamens(2, 0.1, '#e2c85a', { eye: 0.06, eyeColour: '#d6cf86' }),
    inflorescence: { kind: 'spray', count: 7, bloom: 0.36 },
    leaves: leaves('lance', { length: 0.6, count: 7, colour: '#2f6434' }),
  }),
  species('frangipani', {
    rows: [row(5, 'round', 0.74, { length: 0.96, rise: [20, 10, -8], cup: -0.3 })],
    colourways: [
      { main: '#fbf6ea', throat: '#f6c41e', reach: 0.6 },
      { main: '#f09ab0', tip: '#f4b6c4', throat: '#f6b92a', reach: 0.5 },
    ],
    inflorescence: { kind: 'spray', count: 4, bloom: 0.55 },
    leaves: leaves('lance', { length: 1.4, width: 0.3, colour: '#3f7a3c' }),
  }),
  species('passion flower', {
    rows: [
      row(10, 'strap', 0.34, {
        length: 0.96,
        inset: 0.06,
        paint: { main: '#e6ebe0', tip: '#f4f6f0', throat: '#c4d2b8' },
      }),
      row(44, 'needle', 0.07, {
        length: 0.62,
        inset: 0.12,
        rise: [16, 8, 14],
        paint: { main: '#6d63d0', tip: '#8f8ae2', throat: '#4a1656', reach: 0.5 },
      }),
    ],
    colourways: plain('#e6ebe0'),
    centre: stamens(5, 0.34, '#c9c04a', { filament: '#b9cf8a', eye: 0.13, eyeColour: '#9cb45a', rise: 20 }),
    leaves: leaves('fringed', { width: 0.9 }),
  }),
  species('love-in-a-mist', {
    rows: [
      row(16, 'needle', 0.025, { length: 1.1, rise: [10, 20, 30], paint: { main: '#7fa05a' } }),
      row(8, 'lance', 0.46, { length: 0.84, inset: 0.08 }),
      row(8, 'lance', 0.42, { length: 0.66, rise: [22, 14, 4] }),
    ],
    colourways: [{ main: '#7fa4e6', tip: '#9dbaf0', veins: '#5070bc' }, { main: '#eef0f6' }],
    centre: stamens(18, 0.32, '#4a5a8a', { filament: '#a0b48a', eye: 0.1, eyeColour: '#8aa862', rise: 40 }),
    leaves: leaves('needle', { width: 0.04, count: 9 }),
  }),
  species('ranunculus', {
    rows: [row(8, 'wide', 1.05, { length: 0.9, layers: 8, inner: 0.2, rise: [16, 22, 26], cup: 0.6 })],
    colourways: [{ main: '#f7a04a', tip: '#fac084' }, { main: '#f6ddd8', tip: '#f2b8b8' }, { main: '#f4d23c' }],
    centre: disc(0.1, '#5f7a34', '#7f9a42', { seeds: 14 }),
    leaves: leaves('fringed', { width: 0.6 }),
  }),
  species('carnation', {
    rows: [row(12, 'fringed', 0.8, { length: 0.92, layers: 6, inner: 0.4, rise: [16, 14, 4], cup: -0.15 })],
    colourways: [
      { main: '#ec8aa6', tip: '#f4b0c2' },
      { main: '#cf2038', tip: '#dc4050' },
      { main: '#f4eef0', edge: '#d64a78' },
    ],
    receptacle: { radius: 0.18, length: 0.8, colour: '#7fa07a' },
    leaves: leaves('needle', { width: 0.08, length: 1, colour: '#7fa088' }),
  }),
  species('dogwood', {
    rows: [row(4, 'notched', 0.92, { length: 0.96, rise: [8, 4, -4], cup: 0.1 })],
    colourways: [
      { main: '#f8f4ea', tip: '#e9cfd2', throat: '#e3e6c8', veins: '#c9c6a2' },
      { main: '#efa9b8', throat: '#f4e6da', veins: '#cf7c92' },
    ],
    centre: disc(0.12, '#b4c242', '#8f9f34', { seeds: 16, height: 0.1 }),
    stem: { colour: '#6c5444', thickness: 0.1 },
    leaves: leaves('oval', { width: 0.5, count: 4 }),
  }),
];
