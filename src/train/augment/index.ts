export { augment } from './augment.ts';
export { mixExamples, mixLosses, type MixedExamples } from './mix.ts';
export { augmentSchema, type AugmentSettings } from './settings.ts';
