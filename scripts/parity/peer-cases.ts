import { kerasName, MODELS } from '../../src/models/index.ts';

/** A network of ours and the same one of another project. */
export interface PeerCase {
  readonly model: string;
  readonly peer: 'keras' | 'timm' | 'torchvision';
  /** The network's name there. */
  readonly name: string;
  /** Height and width that it is compared at. */
  readonly size: number;
  /** What files of the peer are called. */
  readonly endings: readonly string[];
}

/** Small where the network allows it; VGG's head in PyTorch fixes its size. */
const sizeOf = (model: string, peer: PeerCase['peer']): number => {
  if (model.startsWith('vgg')) return peer === 'keras' ? 32 : 224;
  return model === 'xception' ? 96 : 64;
};

const TIMM: readonly (readonly [RegExp, string])[] = [
  [/^(vgg\d+|resnet\d+|densenet\d+)$/, '$1'],
  [/^mobilenet-v2$/, 'mobilenetv2_100'],
  [/^efficientnet-(b\d|lite\d)$/, 'tf_efficientnet_$1'],
  [/^convnext-(\w+)$/, 'convnext_$1'],
];
const TORCHVISION: readonly (readonly [RegExp, string])[] = [
  [/^(vgg\d+|resnet\d+|densenet\d+)$/, '$1'],
  [/^mobilenet-v2$/, 'mobilenet_v2'],
  [/^convnext-(\w+)$/, 'convnext_$1'],
];

function nameIn(table: readonly (readonly [RegExp, string])[], model: string): string | undefined {
  const rule = table.find(([pattern]) => pattern.test(model));
  return rule === undefined ? undefined : model.replace(...rule);
}

/** Every architecture beside every project that has it. */
export const PEER_CASES: readonly PeerCase[] = MODELS.flatMap(({ name: model }) =>
  (
    [
      ['keras', kerasName(model), ['.weights.h5', '.h5']],
      ['timm', nameIn(TIMM, model), ['.safetensors', '']],
      ['torchvision', nameIn(TORCHVISION, model), ['.safetensors']],
    ] as const
  ).flatMap(([peer, name, endings]) =>
    name === undefined ? [] : [{ model, peer, name, size: sizeOf(model, peer), endings }],
  ),
);
