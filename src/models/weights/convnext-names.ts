import { IMAGENET } from '../preprocess.ts';
import type { BlockPlace, TorchNames } from './torch-names.ts';

/** How a project calls the modules of ConvNeXt. */
interface Modules {
  readonly stem: readonly [conv: string, norm: string];
  readonly head: readonly [norm: string, dense: string];
  readonly block: (place: BlockPlace) => string;
  readonly parts: Readonly<Record<string, string>>;
  readonly downsampling: (stage: number) => string;
}

const TIMM: Modules = {
  stem: ['stem.0', 'stem.1'],
  head: ['head.norm', 'head.fc'],
  block: ({ stage, block }) => `stages.${stage}.blocks.${block}`,
  parts: {
    depthwise_conv: 'conv_dw',
    layernorm: 'norm',
    pointwise_conv_1: 'mlp.fc1',
    pointwise_conv_2: 'mlp.fc2',
    layer_scale: 'gamma',
  },
  downsampling: (stage) => `stages.${stage + 1}.downsample`,
};

/** Stages and what stands before them take turns in one list. */
const TORCHVISION: Modules = {
  stem: ['features.0.0', 'features.0.1'],
  head: ['classifier.0', 'classifier.2'],
  block: ({ stage, block }) => `features.${2 * stage + 1}.${block}`,
  parts: {
    depthwise_conv: 'block.0',
    layernorm: 'block.2',
    pointwise_conv_1: 'block.3',
    pointwise_conv_2: 'block.5',
    layer_scale: 'layer_scale',
  },
  downsampling: (stage) => `features.${2 * stage + 2}`,
};

/** Our layers' names begin with the network's: `convnext_tiny_stage_0_block_0_layernorm`. */
function namesOf(size: string, { stem, head, block, parts, downsampling }: Modules) {
  const prefix = `convnext_${size}`;
  const down = `${prefix}_downsampling`;
  return {
    families: new RegExp(`^convnext-${size}$`),
    preprocess: IMAGENET,
    options: {},
    layers: {
      [`${prefix}_stem/${prefix}_stem_conv`]: stem[0],
      [`${prefix}_stem/${prefix}_stem_layernorm`]: stem[1],
      [`${prefix}_head_layernorm`]: head[0],
      [`${prefix}_head_dense`]: head[1],
    },
    blocks: [
      {
        pattern: new RegExp(`^${prefix}_stage_(?<stage>\\d)_block_(?<block>\\d+)_(?<part>\\w+)$`),
        module: block,
        parts,
      },
      {
        pattern: new RegExp(`^${down}_block_\\d/${down}_(?<part>layernorm|conv)_(?<stage>\\d)$`),
        module: ({ stage }: BlockPlace) => downsampling(stage),
        parts: { layernorm: '0', conv: '1' },
      },
    ],
  };
}

const SIZES = ['tiny', 'small', 'base'] as const;

export const CONVNEXT_NAMES: readonly TorchNames[] = SIZES.flatMap((size): TorchNames[] => [
  {
    ...namesOf(size, TIMM),
    name: 'timm',
    architectures: { timm: () => `convnext_${size}` },
    marker: /^stages\.\d+\.blocks\./,
  },
  {
    ...namesOf(size, TORCHVISION),
    name: 'torchvision',
    architectures: { torchvision: () => `convnext_${size}` },
    marker: /^features\.\d+\.\d+\.block\./,
    // It lies along the channels of a feature map.
    layout: ({ path, shape: [channels] }) =>
      path.includes('_layer_scale/') ? { order: [0], shape: [channels, 1, 1] } : undefined,
  },
]);
