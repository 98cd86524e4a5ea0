export type { Classifier } from './classifier.ts';
export { forwardFlops } from './cost.ts';
export { ModelError } from './errors.ts';
export { joinParts, type ModelFamily, type ModelParts } from './family.ts';
export { familyOfKeras, kerasName, kerasVariables, type KerasVariable } from './keras.ts';
export { matchFamilies } from './match.ts';
export { aroundCenter } from './center-crop.ts';
export {
  CAFFE,
  IMAGENET,
  preprocess,
  preprocessSchema,
  preprocessWhole,
  SYMMETRIC,
  type Preprocess,
} from './preprocess.ts';
export {
  buildModel,
  findFamily,
  MODELS,
  resolveModel,
  type ComputeType,
  type Model,
  type ModelRequest,
} from './registry.ts';
export type { ExportedModel } from './weights/exported-model.ts';
export { exportWeights, WEIGHT_FORMATS, type WeightFormat, type WeightsExport } from './weights/export-weights.ts';
export { splitModel, type SplitModel } from './split.ts';
export { stagesOf, type Stages } from './stages.ts';
export { loadWeights, type LoadedWeights } from './weights/load-weights.ts';
export type { TransferOptions, TransferProgress } from '../assets/index.ts';
export { requireWeights, resolveWeights } from './weights/resolve-weights.ts';
export { readSafetensors, writeSafetensors } from './weights/safetensors.ts';
export { streamSafetensors, type TensorSource } from './weights/stream-safetensors.ts';
export { WeightsError } from './weights/weights-error.ts';
export { WEIGHT_TAGS, WEIGHTS, weightsOf, type WeightsRow, type WeightTag } from './weights/weights-registry.ts';
export type { TimmNetwork } from './weights/timm-network.ts';
export { describeWeights, type WeightsSource } from './weights/weights-source.ts';
