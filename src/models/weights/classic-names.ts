import type { VariableSpec } from '../../nn/index.ts';
import { IMAGENET } from '../preprocess.ts';
import { flattenedLayout } from './placement.ts';
import type { TorchNames } from './torch-names.ts';

const sameName = ({ name }: { readonly name: string }): string => name;

/** torchvision's ResNet, and timm's, which has the same names. */
const resnet: TorchNames = {
  name: 'torchvision',
  architectures: { timm: sameName, torchvision: sameName },
  families: /^resnet\d+$/,
  marker: /^layer\d\.\d+\.conv\d\./,
  preprocess: IMAGENET,
  options: { downsampling: 'second' },
  layers: { conv1_conv: 'conv1', conv1_bn: 'bn1', predictions: 'fc' },
  blocks: [
    {
      pattern: /^conv(?<stage>[2-5])_block(?<block>\d+)_(?<part>\w+)$/,
      module: ({ stage, block }) => `layer${stage - 1}.${block - 1}`,
      parts: {
        '0_conv': 'downsample.0',
        '0_bn': 'downsample.1',
        '1_conv': 'conv1',
        '1_bn': 'bn1',
        '2_conv': 'conv2',
        '2_bn': 'bn2',
        '3_conv': 'conv3',
        '3_bn': 'bn3',
      },
    },
  ],
  // Keras's convolutions have biases before batch norm, which takes them away again.
  zeros: /_conv\/bias$/,
};

const densenet = (name: string, marker: RegExp, parts: Readonly<Record<string, string>>): TorchNames => ({
  name,
  families: /^densenet\d+$/,
  marker,
  preprocess: IMAGENET,
  options: {},
  layers: {
    conv1_conv: 'features.conv0',
    conv1_bn: 'features.norm0',
    bn: 'features.norm5',
    predictions: 'classifier',
  },
  blocks: [
    {
      pattern: /^conv(?<stage>[2-5])_block(?<block>\d+)_(?<part>\w+)$/,
      module: ({ stage, block }) => `features.denseblock${stage - 1}.denselayer${block}`,
      parts,
    },
    {
      pattern: /^pool(?<stage>[2-4])_(?<part>\w+)$/,
      module: ({ stage }) => `features.transition${stage - 1}`,
      parts: { bn: 'norm', conv: 'conv' },
    },
  ],
});

/** torchvision's DenseNet and timm's; torchvision's own files still have its first names. */
const DENSENETS: readonly TorchNames[] = [
  {
    ...densenet('torchvision', /^features\.denseblock\d\.denselayer\d+\.(conv|norm)\d\./, {
      '0_bn': 'norm1',
      '1_conv': 'conv1',
      '1_bn': 'norm2',
      '2_conv': 'conv2',
    }),
    architectures: { timm: sameName, torchvision: sameName },
  },
  densenet('torchvision-0.2', /^features\.denseblock\d\.denselayer\d+\.(conv|norm)\.\d\./, {
    '0_bn': 'norm.1',
    '1_conv': 'conv.1',
    '1_bn': 'norm.2',
    '2_conv': 'conv.2',
  }),
];

/** Height and width of VGG's last feature map, at the size that fixes its head. */
const VGG_MAP = 7;

const vgg: Omit<TorchNames, 'name' | 'marker' | 'layers'> = {
  families: /^vgg\d+$/,
  preprocess: IMAGENET,
  options: {},
  // A list of convolutions, activations and poolings: two places for each convolution, one for each pooling.
  blocks: [
    {
      pattern: /^block(?<stage>\d)_conv(?<block>\d)$/,
      module: ({ stage, index }) => `features.${2 * index + stage - 1}`,
    },
  ],
};

const isFirstDense = ({ path, shape }: VariableSpec): boolean =>
  path === 'fc1/kernel' && shape[0] % (VGG_MAP * VGG_MAP) === 0;

export const CLASSIC_NAMES: readonly TorchNames[] = [
  resnet,
  ...DENSENETS,
  {
    ...vgg,
    name: 'timm',
    architectures: { timm: sameName },
    marker: /^pre_logits\./,
    layers: { fc1: 'pre_logits.fc1', fc2: 'pre_logits.fc2', predictions: 'head.fc' },
    // timm's dense layers are convolutions.
    layout: (spec) => {
      if (isFirstDense(spec)) return flattenedLayout(spec, VGG_MAP, true);
      return spec.path === 'fc2/kernel' ? flattenedLayout(spec, 1, true) : undefined;
    },
  },
  {
    ...vgg,
    name: 'torchvision',
    architectures: { torchvision: sameName },
    marker: /^(features|classifier)\.\d+\./,
    layers: { fc1: 'classifier.0', fc2: 'classifier.3', predictions: 'classifier.6' },
    layout: (spec) => (isFirstDense(spec) ? flattenedLayout(spec, VGG_MAP) : undefined),
  },
];
