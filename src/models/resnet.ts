import { z } from 'zod';
import { dropPath, heNormal, type Network, type Scope } from '../nn/index.ts';
import { add, maxPool2d, pad, relu, slice, type Padding, type Tensor } from '../xla/index.ts';
import { inBlocks, numbered, type ModelFamily } from './family.ts';
import { classifier, headOptions, pooling, stochasticDepthOption } from './head.ts';
import { conv, norm } from './layers.ts';
import { CAFFE, SYMMETRIC } from './preprocess.ts';

const options = {
  ...headOptions(),
  stochasticDepth: stochasticDepthOption(0),
};
const resnetOptions = z.strictObject({
  ...options,
  downsampling: z
    .enum(['first', 'second'])
    .default('first')
    .describe('which convolution of a block strides: the first 1×1 as in the paper, or the 3×3 as in PyTorch'),
});
const resnetV2Options = z.strictObject(options);

type ResNetOptions = z.output<typeof resnetOptions>;
type ResNetV2Options = z.output<typeof resnetV2Options>;

const FILTERS = [64, 128, 256, 512];
/** The least epsilon that TensorFlow lets cuDNN have; Keras's networks have it where the paper's have 1e-5. */
const BATCH_NORM = { epsilon: 1.001e-5 };

const around = (size: number): [Padding, Padding] => [
  [size, size],
  [size, size],
];

/** Rates of stochastic depth that grow evenly from block to block (Huang et al. 2016). */
function dropRates(blocks: readonly number[], last: number): (stage: number, block: number) => number {
  const all = blocks.reduce((a, b) => a + b);
  return (stage, block) => {
    const before = blocks.slice(0, stage).reduce((a, b) => a + b, 0) + block;
    return (last * before) / Math.max(1, all - 1);
  };
}

function resnetBlocks(blocks: readonly number[], { stochasticDepth, downsampling }: ResNetOptions): Network[] {
  const rate = dropRates(blocks, stochasticDepth);
  const stem: Network = (scope, images) => {
    const x = conv(scope, 'conv1_conv', images, { filters: 64, kernel: 7, strides: 2, padding: around(3), initializer: heNormal }); // prettier-ignore
    // Keras lays zeros around first, which win over nothing here: all is at least 0.
    const settings = { window: [3, 3], strides: [2, 2], padding: around(1) } as const;
    return maxPool2d(relu(norm(scope, 'conv1_bn', x, BATCH_NORM)), settings);
  };
  const stages = FILTERS.flatMap((filters, stage) =>
    Array.from({ length: blocks[stage] }, (_, block): Network => {
      const settings = {
        name: `conv${stage + 2}_block${block + 1}`,
        filters,
        strides: stage > 0 && block === 0 ? 2 : 1,
        project: block === 0,
        dropRate: rate(stage, block),
        downsampling,
      };
      return (scope, x) => bottleneck(scope, x, settings);
    }),
  );
  return [stem, ...stages];
}

interface BlockSettings {
  readonly name: string;
  readonly filters: number;
  readonly strides: number;
  /** A 1×1 convolution on the shortcut, where its channels change. */
  readonly project: boolean;
  readonly dropRate: number;
}

/** 1×1, 3×3 and 1×1 convolutions, each with batch norm, on the way round the shortcut. */
function bottleneck(
  scope: Scope,
  input: Tensor,
  { name, filters, strides, project, dropRate, downsampling }: BlockSettings & Pick<ResNetOptions, 'downsampling'>,
): Tensor {
  const layer = (index: number, x: Tensor, outputs: number, kernel: number, stride: number) =>
    conv(scope, `${name}_${index}_conv`, x, { filters: outputs, kernel, strides: stride, padding: around((kernel - 1) / 2), initializer: heNormal }); // prettier-ignore
  const normed = (index: number, x: Tensor) => norm(scope, `${name}_${index}_bn`, x, BATCH_NORM);

  const [first, second] = downsampling === 'first' ? [strides, 1] : [1, strides];
  const reduced = relu(normed(1, layer(1, input, filters, 1, first)));
  const spatial = relu(normed(2, layer(2, reduced, filters, 3, second)));
  // The order of Keras's variables: it lists layers by their distance from the output.
  const shortcut = project ? layer(0, input, 4 * filters, 1, strides) : input;
  const expanded = layer(3, spatial, 4 * filters, 1, 1);
  const identity = project ? normed(0, shortcut) : shortcut;
  const residual = dropPath(scope, normed(3, expanded), dropRate);
  return relu(add(identity, residual));
}

function resnetV2Blocks(blocks: readonly number[], { stochasticDepth }: ResNetV2Options): Network[] {
  const rate = dropRates(blocks, stochasticDepth);
  const stem: Network = (scope, images) => {
    const x = conv(scope, 'conv1_conv', images, { filters: 64, kernel: 7, strides: 2, padding: around(3), initializer: heNormal }); // prettier-ignore
    // Zeros around, as Keras has them: here they win over what is below 0.
    return maxPool2d(pad(x, [[0, 0], ...around(1), [0, 0]]), { window: [3, 3], strides: [2, 2] });
  };
  const stages = FILTERS.flatMap((filters, stage) =>
    Array.from({ length: blocks[stage] }, (_, block): Network => {
      const settings = {
        name: `conv${stage + 2}_block${block + 1}`,
        filters,
        // The last block of a stage halves the size, not the first one of the next.
        strides: stage < FILTERS.length - 1 && block === blocks[stage] - 1 ? 2 : 1,
        project: block === 0,
        dropRate: rate(stage, block),
      };
      return (scope, x) => preactivationBottleneck(scope, x, settings);
    }),
  );
  return [stem, ...stages, (scope, x) => relu(norm(scope, 'post_bn', x, BATCH_NORM))];
}

/** The same with batch norm and ReLU before each convolution, so that the shortcut is left alone. */
function preactivationBottleneck(
  scope: Scope,
  input: Tensor,
  { name, filters, strides, project, dropRate }: BlockSettings,
): Tensor {
  const settings = { bias: false, initializer: heNormal };
  const activated = (index: number | 'preact', x: Tensor) => relu(norm(scope, `${name}_${index}_bn`, x, BATCH_NORM));

  const start = activated('preact', input);
  const reduced = activated(1, conv(scope, `${name}_1_conv`, start, { filters, kernel: 1, ...settings }));
  const spatial = activated(
    2,
    conv(scope, `${name}_2_conv`, reduced, { filters, kernel: 3, strides, padding: around(1), ...settings }),
  );
  const wide = { filters: 4 * filters, kernel: 1, initializer: heNormal };
  const shortcut = project ? conv(scope, `${name}_0_conv`, start, wide) : everyNth(input, strides);
  const residual = dropPath(scope, conv(scope, `${name}_3_conv`, spatial, wide), dropRate);
  return add(shortcut, residual);
}

/** Every nth row and column, as max pooling of single pixels gives it. */
const everyNth = (x: Tensor, n: number): Tensor => slice(x, [0, 0, 0, 0], x.shape, [1, n, n, 1]);

/** He et al. 2016, "Deep Residual Learning for Image Recognition". */
const resnet = (layers: number, blocks: readonly number[]): ModelFamily<typeof resnetOptions> => ({
  name: `resnet${layers}`,
  summary: `residual network of ${layers} layers`,
  year: 2016,
  inputSize: 224,
  preprocess: CAFFE,
  options: resnetOptions,
  stage: numbered(/^conv(\d+)_/),
  build: (settings, classes) => ({
    ...inBlocks(resnetBlocks(blocks, settings)),
    pool: pooling(settings.pooling),
    classifier: classifier({ ...settings, classes }),
  }),
});

/** He et al. 2016, "Identity Mappings in Deep Residual Networks". */
const resnetV2 = (layers: number, blocks: readonly number[]): ModelFamily<typeof resnetV2Options> => ({
  name: `resnet${layers}-v2`,
  summary: `residual network of ${layers} layers with activation before convolution`,
  year: 2016,
  inputSize: 224,
  preprocess: SYMMETRIC,
  options: resnetV2Options,
  stage: numbered(/^conv(\d+)_/),
  build: (settings, classes) => ({
    ...inBlocks(resnetV2Blocks(blocks, settings)),
    pool: pooling(settings.pooling),
    classifier: classifier({ ...settings, classes }),
  }),
});

export const RESNET_FAMILIES = [
  resnet(50, [3, 4, 6, 3]),
  resnet(101, [3, 4, 23, 3]),
  resnet(152, [3, 8, 36, 3]),
  resnetV2(50, [3, 4, 6, 3]),
  resnetV2(101, [3, 4, 23, 3]),
  resnetV2(152, [3, 8, 36, 3]),
];
