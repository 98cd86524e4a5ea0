export { SPECIES, speciesNamed } from './catalogue.ts';
export { drawContactSheet, type ContactSheetOptions } from './contact-sheet.ts';
export { drawDataset, DRAWN_SIZES, type DrawnDataset, type DrawOptions } from './dataset.ts';
export { encodeJpeg } from './image.ts';
export { DIFFICULTIES, drawFlower, type Difficulty, type Drawing } from './scene.ts';
export type { Species } from './species.ts';
