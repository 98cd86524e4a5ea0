export { ModelError } from './errors.ts';
export { joinParts, type ModelFamily, type ModelParts } from './family.ts';
export { familyOfKeras, kerasVariables, type KerasVariable } from './keras.ts';
export { CAFFE, IMAGENET, preprocess, SYMMETRIC, type Preprocess } from './preprocess.ts';
export { buildModel, findFamily, MODELS, type Model, type ModelRequest } from './registry.ts';
