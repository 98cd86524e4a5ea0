import { IMAGENET } from '../preprocess.ts';
import type { BlockPlace, TorchNames } from './torch-names.ts';

/** PyTorch pads both sides alike, and its batch norm has a smaller epsilon than Keras's. */
const OPTIONS = { padding: 'symmetric', epsilon: 1e-5 };

const FIRST = /^expanded_conv_(?<part>\w+)$/;
const LATER = /^block_(?<block>\d+)_(?<part>\w+)$/;

/** timm's networks by their width. */
const TIMM_WIDTHS = new Map([
  [0.35, 'mobilenetv2_035'],
  [0.5, 'mobilenetv2_050'],
  [0.75, 'mobilenetv2_075'],
  [1, 'mobilenetv2_100'],
  [1.4, 'mobilenetv2_140'],
]);

/** Blocks of each stage, by which timm counts them. */
const STAGES = [1, 2, 3, 4, 3, 3, 1];

function timmBlock({ block }: Pick<BlockPlace, 'block'>): string {
  let stage = 0;
  let rest = block;
  while (rest >= STAGES[stage]) rest -= STAGES[stage++];
  return `blocks.${stage}.${rest}`;
}

export const MOBILENET_NAMES: readonly TorchNames[] = [
  {
    name: 'torchvision',
    architectures: { torchvision: ({ options }) => (options.width === 1 ? 'mobilenet_v2' : undefined) },
    families: /^mobilenet-v2$/,
    marker: /^features\.\d+\.conv\./,
    preprocess: IMAGENET,
    options: OPTIONS,
    layers: {
      Conv1: 'features.0.0',
      bn_Conv1: 'features.0.1',
      Conv_1: 'features.18.0',
      Conv_1_bn: 'features.18.1',
      predictions: 'classifier.1',
    },
    blocks: [
      {
        pattern: FIRST,
        module: () => 'features.1.conv',
        parts: { depthwise: '0.0', depthwise_BN: '0.1', project: '1', project_BN: '2' },
      },
      {
        pattern: LATER,
        module: ({ block }) => `features.${block + 1}.conv`,
        parts: {
          expand: '0.0',
          expand_BN: '0.1',
          depthwise: '1.0',
          depthwise_BN: '1.1',
          project: '2',
          project_BN: '3',
        },
      },
    ],
  },
  {
    name: 'timm',
    architectures: { timm: ({ options }) => TIMM_WIDTHS.get(Number(options.width)) },
    families: /^mobilenet-v2$/,
    marker: /^blocks\.\d+\.\d+\./,
    preprocess: IMAGENET,
    options: OPTIONS,
    layers: {
      Conv1: 'conv_stem',
      bn_Conv1: 'bn1',
      Conv_1: 'conv_head',
      Conv_1_bn: 'bn2',
      predictions: 'classifier',
    },
    blocks: [
      {
        pattern: FIRST,
        module: () => timmBlock({ block: 0 }),
        parts: { depthwise: 'conv_dw', depthwise_BN: 'bn1', project: 'conv_pw', project_BN: 'bn2' },
      },
      {
        pattern: LATER,
        module: timmBlock,
        parts: {
          expand: 'conv_pw',
          expand_BN: 'bn1',
          depthwise: 'conv_dw',
          depthwise_BN: 'bn2',
          project: 'conv_pwl',
          project_BN: 'bn3',
        },
      },
    ],
  },
];
