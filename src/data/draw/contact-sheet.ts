import { createCanvas } from '@napi-rs/canvas';
import { Random } from '../../base/index.ts';
import { firstSpecies } from './catalogue.ts';
import { drawFlower, type Difficulty } from './scene.ts';

/** Which drawn species an overview shows. */
export interface ContactSheetOptions {
  /** How many species, from the first. */
  readonly classes: number;
  /** Side of one picture in pixels. */
  readonly tile?: number;
  /** Pictures of each species; the default is 8 for a dozen species and 1 for more. */
  readonly each?: number;
  readonly seed?: number;
  readonly difficulty?: Difficulty;
}

/** Draws an overview, a row for each species where it has several pictures, as the bytes of a PNG file. */
export function drawContactSheet(options: ContactSheetOptions): Uint8Array {
  const { classes, tile = 128, each = classes <= 12 ? 8 : 1, seed = 0, difficulty = 'medium' } = options;
  const species = firstSpecies(classes);
  const columns = each > 1 ? each : Math.ceil(Math.sqrt(classes * 1.4));
  const rows = Math.ceil((classes * each) / columns);
  const canvas = createCanvas(columns * tile, rows * tile);
  const ctx = canvas.getContext('2d');
  for (let place = 0; place < classes * each; place++) {
    const label = Math.floor(place / each);
    const random = new Random(seed, 'draw', 'preview', label, place % each);
    const { rgb } = drawFlower(species[label], tile, random, difficulty);
    const image = ctx.createImageData(tile, tile);
    const rgba = image.data;
    for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
      rgba[to] = rgb[from];
      rgba[to + 1] = rgb[from + 1];
      rgba[to + 2] = rgb[from + 2];
      rgba[to + 3] = 255;
    }
    ctx.putImageData(image, (place % columns) * tile, Math.floor(place / columns) * tile);
  }
  return canvas.toBuffer('image/png');
}
