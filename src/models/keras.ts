import { isTrainable } from '../nn/index.ts';
import type { Shape } from '../xla/index.ts';
import type { ModelFamily } from './family.ts';
import { findFamily, MODELS, type Model } from './registry.ts';

/** A variable as a Keras model lists it. */
export interface KerasVariable {
  readonly path: string;
  readonly shape: Shape;
  readonly trainable: boolean;
}

/** Our model of a name in keras.applications: `EfficientNetB0`, `ResNet50V2`. */
export function familyOfKeras(name: string): ModelFamily | undefined {
  const plain = (text: string) => text.toLowerCase().replaceAll('-', '');
  return MODELS.find((family) => plain(family.name) === plain(name));
}

/** All variables of the Keras model, in the order of its `weights`: our own, behind those that our preprocessing replaces. */
export function kerasVariables({ name, variables }: Model): KerasVariable[] {
  const layer = findFamily(name).normalizationLayer;
  const normalization = layer === undefined ? [] : normalizationVariables(layer);
  return [
    ...normalization,
    ...variables.map((spec) => ({ path: spec.path, shape: spec.shape, trainable: isTrainable(spec) })),
  ];
}

const normalizationVariables = (layer: string): KerasVariable[] => [
  { path: `${layer}/mean`, shape: [3], trainable: false },
  { path: `${layer}/variance`, shape: [3], trainable: false },
  { path: `${layer}/count`, shape: [], trainable: false },
];
