export { augment } from './augment.ts';
export { mixExamples, mixLosses, requirePairs, type MixedExamples } from './mix.ts';
export { augmentSchema, changesImages, mixesPairs, type AugmentSettings } from './settings.ts';
