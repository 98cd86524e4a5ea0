export { ACTIVATIONS, gelu, relu6, swish, type ActivationName } from './activation.ts';
export { batchNorm, type BatchNormSettings } from './batch-norm.ts';
export {
  glorotUniform,
  heNormal,
  heNormalFanOut,
  initialValues,
  ones,
  zeros,
  type Initializer,
} from './initializer.ts';
export { inGroups } from './in-groups.ts';
export { layerNorm } from './layer-norm.ts';
export {
  conv2d,
  dense,
  depthwiseConv2d,
  separableConv2d,
  type ConvSettings,
  type DenseSettings,
  type DepthwiseSettings,
} from './linear.ts';
export { focalFactor, softMacroF1Loss, sparseCategoricalCrossEntropy } from './loss.ts';
export { dropout, dropPath, uniformPerExample } from './random.ts';
export {
  applyNetwork,
  declareVariables,
  describeNetwork,
  isTrainable,
  layerOf,
  Scope,
  type ApplySettings,
  type Network,
  type VariableRole,
  type VariableSpec,
  type Variables,
} from './scope.ts';
