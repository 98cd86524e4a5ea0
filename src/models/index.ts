export { forwardFlops } from './cost.ts';
export { ModelError } from './errors.ts';
export { joinParts, type ModelFamily, type ModelParts } from './family.ts';
export { familyOfKeras, kerasVariables, type KerasVariable } from './keras.ts';
export { matchFamilies } from './match.ts';
export { CAFFE, IMAGENET, preprocess, SYMMETRIC, type Preprocess } from './preprocess.ts';
export { buildModel, findFamily, MODELS, resolveModel, type Model, type ModelRequest } from './registry.ts';
