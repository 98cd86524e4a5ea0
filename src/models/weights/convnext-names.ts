import { IMAGENET } from '../preprocess.ts';
import type { TorchNames } from './torch-names.ts';

/** timm's ConvNeXt. Our layers' names begin with the network's: `convnext_tiny_stage_0_block_0_layernorm`. */
const convnext = (size: string): TorchNames => {
  const prefix = `convnext_${size}`;
  const down = `${prefix}_downsampling`;
  return {
    name: 'timm',
    families: new RegExp(`^convnext-${size}$`),
    marker: /^stages\.\d+\.blocks\./,
    preprocess: IMAGENET,
    options: {},
    layers: {
      [`${prefix}_stem/${prefix}_stem_conv`]: 'stem.0',
      [`${prefix}_stem/${prefix}_stem_layernorm`]: 'stem.1',
      [`${prefix}_head_layernorm`]: 'head.norm',
      [`${prefix}_head_dense`]: 'head.fc',
    },
    blocks: [
      {
        pattern: new RegExp(`^${prefix}_stage_(?<stage>\\d)_block_(?<block>\\d+)_(?<part>\\w+)$`),
        module: ({ stage, block }) => `stages.${stage}.blocks.${block}`,
        parts: {
          depthwise_conv: 'conv_dw',
          layernorm: 'norm',
          pointwise_conv_1: 'mlp.fc1',
          pointwise_conv_2: 'mlp.fc2',
          layer_scale: 'gamma',
        },
      },
      {
        pattern: new RegExp(`^${down}_block_\\d/${down}_(?<part>layernorm|conv)_(?<stage>\\d)$`),
        module: ({ stage }) => `stages.${stage + 1}.downsample`,
        parts: { layernorm: '0', conv: '1' },
      },
    ],
  };
};

export const CONVNEXT_NAMES: readonly TorchNames[] = ['tiny', 'small', 'base'].map(convnext);
