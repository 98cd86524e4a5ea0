import { IMAGENET, type Preprocess } from '../preprocess.ts';
import type { TorchNames } from './torch-names.ts';

const BLOCK = /^block(?<stage>\d)(?<block>[a-z])_(?<part>\w+)$/;
const FIRST_STAGE = /^block(?<stage>1)(?<block>[a-z])_(?<part>\w+)$/;

/** What EfficientNet-Lite does to its pixels, in TensorFlow and in the networks that took its weights over. */
const LITE: Preprocess = { mean: [127, 127, 127], std: [128, 128, 128], channels: 'rgb' };
/** timm's `mean` and `std` of the same weights: 0.5. */
const HALF: Preprocess = { mean: [127.5, 127.5, 127.5], std: [127.5, 127.5, 127.5], channels: 'rgb' };

/** github.com/lukemelas/EfficientNet-PyTorch, and those that follow it. */
const lukemelas: Omit<TorchNames, 'families' | 'preprocess'> = {
  name: 'EfficientNet-PyTorch',
  marker: /^_blocks\.\d+\._/,
  options: {},
  layers: {
    stem_conv: '_conv_stem',
    stem_bn: '_bn0',
    top_conv: '_conv_head',
    top_bn: '_bn1',
    predictions: '_fc',
  },
  blocks: [
    {
      pattern: BLOCK,
      module: ({ index }) => `_blocks.${index}`,
      parts: {
        expand_conv: '_expand_conv',
        expand_bn: '_bn0',
        dwconv: '_depthwise_conv',
        bn: '_bn1',
        se_reduce: '_se_reduce',
        se_expand: '_se_expand',
        project_conv: '_project_conv',
        project_bn: '_bn2',
      },
    },
  ],
};

/** timm's networks that hold TensorFlow's weights: `tf_efficientnet_b0`, `tf_efficientnet_lite0`, … */
const timm: Omit<TorchNames, 'families' | 'preprocess'> = {
  name: 'timm',
  architectures: { timm: ({ name }) => `tf_${name.replace('-', '_')}` },
  marker: /^blocks\.\d+\.\d+\./,
  options: {},
  layers: {
    stem_conv: 'conv_stem',
    stem_bn: 'bn1',
    top_conv: 'conv_head',
    top_bn: 'bn2',
    predictions: 'classifier',
  },
  blocks: [
    {
      // Without expansion the depthwise convolution comes first.
      pattern: FIRST_STAGE,
      module: ({ stage, block }) => `blocks.${stage - 1}.${block - 1}`,
      parts: {
        dwconv: 'conv_dw',
        bn: 'bn1',
        se_reduce: 'se.conv_reduce',
        se_expand: 'se.conv_expand',
        project_conv: 'conv_pw',
        project_bn: 'bn2',
      },
    },
    {
      pattern: BLOCK,
      module: ({ stage, block }) => `blocks.${stage - 1}.${block - 1}`,
      parts: {
        expand_conv: 'conv_pw',
        expand_bn: 'bn1',
        dwconv: 'conv_dw',
        bn: 'bn2',
        se_reduce: 'se.conv_reduce',
        se_expand: 'se.conv_expand',
        project_conv: 'conv_pwl',
        project_bn: 'bn3',
      },
    },
  ],
};

const PLAIN = /^efficientnet-b\d$/;
const LITES = /^efficientnet-lite\d$/;

export const EFFICIENTNET_NAMES: readonly TorchNames[] = [
  { ...lukemelas, families: LITES, preprocess: LITE },
  { ...lukemelas, families: PLAIN, preprocess: IMAGENET },
  { ...timm, families: LITES, preprocess: HALF },
  { ...timm, families: PLAIN, preprocess: IMAGENET },
];
