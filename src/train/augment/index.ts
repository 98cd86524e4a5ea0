export { augment } from './augment.ts';
export { mixExamples, mixLosses, type MixedExamples } from './mix.ts';
export { augmentSchema, changesImages, type AugmentSettings } from './settings.ts';
