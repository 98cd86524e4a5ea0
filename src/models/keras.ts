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

const KERAS_NAMES: readonly (readonly [RegExp, string])[] = [
  [/^vgg(\d+)$/, 'VGG$1'],
  [/^resnet(\d+)$/, 'ResNet$1'],
  [/^resnet(\d+)-v2$/, 'ResNet$1V2'],
  [/^xception$/, 'Xception'],
  [/^densenet(\d+)$/, 'DenseNet$1'],
  [/^mobilenet-v2$/, 'MobileNetV2'],
  [/^efficientnet-b(\d)$/, 'EfficientNetB$1'],
  [/^convnext-tiny$/, 'ConvNeXtTiny'],
  [/^convnext-small$/, 'ConvNeXtSmall'],
  [/^convnext-base$/, 'ConvNeXtBase'],
];

/** The name in keras.applications of a model of ours; undefined for one that is not there. */
export function kerasName(name: string): string | undefined {
  const rule = KERAS_NAMES.find(([pattern]) => pattern.test(name));
  return rule === undefined ? undefined : name.replace(...rule);
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
