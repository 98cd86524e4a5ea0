import {
  batchNorm,
  conv2d,
  dense,
  depthwiseConv2d,
  layerNorm,
  separableConv2d,
  type BatchNormSettings,
  type ConvSettings,
  type DenseSettings,
  type DepthwiseSettings,
  type Scope,
} from '../nn/index.ts';
import type { Tensor } from '../xla/index.ts';

/** Gives a layer a scope of its own: Keras names every layer of a network, and its variables stand under that name. */
const named =
  <Settings>(layer: (scope: Scope, x: Tensor, settings: Settings) => Tensor) =>
  (scope: Scope, name: string, x: Tensor, settings: Settings): Tensor =>
    scope.in(name, (inner) => layer(inner, x, settings));

export const conv = named<ConvSettings>(conv2d);
export const depthwiseConv = named<DepthwiseSettings>(depthwiseConv2d);
export const separableConv = named<Omit<ConvSettings, 'groups' | 'name'>>(separableConv2d);
export const linear = named<DenseSettings>(dense);
export const layerNormalization = named<{ readonly epsilon: number }>(layerNorm);
export const norm = named<BatchNormSettings>(batchNorm);
