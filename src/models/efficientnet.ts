import { z } from 'zod';
import { dropPath, heNormalFanOut, relu6, swish, type Initializer, type Network, type Scope } from '../nn/index.ts';
import { add, mean, mul, sigmoid, type Tensor } from '../xla/index.ts';
import { inBlocks, numbered, type ModelFamily } from './family.ts';
import { classifier, headOptions, pooling, stochasticDepthOption } from './head.ts';
import { conv, depthwiseConv, norm } from './layers.ts';
import { IMAGENET } from './preprocess.ts';
import { roundChannels } from './round-channels.ts';

/** Stages of B0: kernel, blocks, channels in and out, expansion, stride of the first block. */
const STAGES = [
  { kernel: 3, repeats: 1, inputs: 32, outputs: 16, expansion: 1, strides: 1 },
  { kernel: 3, repeats: 2, inputs: 16, outputs: 24, expansion: 6, strides: 2 },
  { kernel: 5, repeats: 2, inputs: 24, outputs: 40, expansion: 6, strides: 2 },
  { kernel: 3, repeats: 3, inputs: 40, outputs: 80, expansion: 6, strides: 2 },
  { kernel: 5, repeats: 3, inputs: 80, outputs: 112, expansion: 6, strides: 1 },
  { kernel: 5, repeats: 4, inputs: 112, outputs: 192, expansion: 6, strides: 2 },
  { kernel: 3, repeats: 1, inputs: 192, outputs: 320, expansion: 6, strides: 1 },
];
const STEM_FILTERS = 32;
const TOP_FILTERS = 1280;

/** How a variant is scaled from B0. */
export interface Scaling {
  readonly width: number;
  readonly depth: number;
  /** EfficientNet-Lite: ReLU6, no squeeze-and-excitation; stem, top, first and last stage keep their size. */
  readonly lite: boolean;
}

export const efficientnetOptions = (dropout: number) =>
  z.strictObject({ ...headOptions({ dropout }), stochasticDepth: stochasticDepthOption(0.2) });

/** The paper's initial values for the classifier, as Keras has them. */
export const CLASSIFIER_INITIALIZER: Initializer = {
  kind: 'varianceScaling',
  scale: 1 / 3,
  mode: 'fanOut',
  distribution: 'uniform',
};

export function efficientnetBlocks(scaling: Scaling, stochasticDepth: number): Network[] {
  const { width, depth, lite } = scaling;
  const activation = lite ? relu6 : swish;
  const repeats = STAGES.map((stage, i) =>
    lite && (i === 0 || i === STAGES.length - 1) ? stage.repeats : Math.ceil(depth * stage.repeats),
  );
  const blocks = repeats.reduce((a, b) => a + b);
  const filters = (channels: number) => (lite ? channels : roundChannels(channels * width));
  const stem: Network = (scope, images) => {
    // Keras pads by hand at stride 2 (`correct_pad`), which comes to the same zeros as `same`.
    const x = conv(scope, 'stem_conv', images, { filters: filters(STEM_FILTERS), kernel: 3, strides: 2, ...PLAIN });
    return activation(norm(scope, 'stem_bn', x, {}));
  };
  const top: Network = (scope, x) => {
    const y = conv(scope, 'top_conv', x, { filters: filters(TOP_FILTERS), kernel: 1, ...PLAIN });
    return activation(norm(scope, 'top_bn', y, {}));
  };
  const middle = STAGES.flatMap((stage, i) =>
    Array.from({ length: repeats[i] }, (_, j): Network => {
      const done = repeats.slice(0, i).reduce((a, b) => a + b, 0) + j;
      return (scope, x) =>
        invertedResidual(scope, x, {
          name: `block${i + 1}${String.fromCharCode('a'.charCodeAt(0) + j)}_`,
          kernel: stage.kernel,
          expansion: stage.expansion,
          filters: roundChannels(stage.outputs * width),
          strides: j === 0 ? stage.strides : 1,
          squeezed: lite ? 0 : Math.max(1, Math.floor(x.shape[3] / 4)),
          activation,
          dropRate: (stochasticDepth * done) / blocks,
        });
    }),
  );
  return [stem, ...middle, top];
}

const PLAIN = { bias: false, initializer: heNormalFanOut } as const;

interface BlockSettings {
  readonly name: string;
  readonly kernel: number;
  readonly expansion: number;
  readonly filters: number;
  readonly strides: number;
  /** Units of the squeeze-and-excitation layer, a quarter of the block's inputs; 0 for none. */
  readonly squeezed: number;
  readonly activation: (x: Tensor) => Tensor;
  readonly dropRate: number;
}

/** Expand, depthwise convolution, squeeze and excite, project (Sandler et al. 2018; Hu et al. 2018). */
function invertedResidual(scope: Scope, input: Tensor, block: BlockSettings): Tensor {
  const { name, kernel, expansion, filters, strides, activation } = block;
  let x = input;
  if (expansion > 1) {
    x = conv(scope, `${name}expand_conv`, x, { filters: expansion * input.shape[3], kernel: 1, ...PLAIN });
    x = activation(norm(scope, `${name}expand_bn`, x, {}));
  }
  x = depthwiseConv(scope, `${name}dwconv`, x, { kernel, strides, ...PLAIN });
  x = activation(norm(scope, `${name}bn`, x, {}));
  if (block.squeezed > 0) x = excite(scope, x, block);
  x = conv(scope, `${name}project_conv`, x, { filters, kernel: 1, ...PLAIN });
  x = norm(scope, `${name}project_bn`, x, {});
  return strides === 1 && input.shape[3] === filters ? add(dropPath(scope, x, block.dropRate), input) : x;
}

/** Weighs every channel by what all of them are on average over the image. */
function excite(scope: Scope, x: Tensor, { name, squeezed, activation }: BlockSettings): Tensor {
  const layer = (role: string, y: Tensor, filters: number) =>
    conv(scope, `${name}se_${role}`, y, { filters, kernel: 1, initializer: heNormalFanOut });
  const average = mean(x, { axes: [1, 2], keepDims: true });
  const weights = sigmoid(layer('expand', activation(layer('reduce', average, squeezed)), x.shape[3]));
  return mul(x, weights);
}

/**
 * Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks".
 *
 * Keras's network divides by 255 and normalises inside. Its ImageNet weights hold ImageNet's standard deviations as
 * variances and need one more division by their root (tensorflow/tensorflow#49930); both together are `IMAGENET`.
 */
const efficientnet = (
  variant: number,
  [width, depth, inputSize, dropout]: readonly [number, number, number, number],
): ModelFamily<ReturnType<typeof efficientnetOptions>> => ({
  name: `efficientnet-b${variant}`,
  summary:
    variant === 0 ? 'inverted residuals with squeeze-and-excitation' : `B0 with ${width} × width, ${depth} × depth`,
  year: 2019,
  inputSize,
  preprocess: IMAGENET,
  normalizationLayer: 'normalization',
  options: efficientnetOptions(dropout),
  stage: numbered(/^block(\d+)[a-z]_/),
  build: (options, classes) => ({
    ...inBlocks(efficientnetBlocks({ width, depth, lite: false }, options.stochasticDepth)),
    pool: pooling(options.pooling),
    classifier: classifier({ ...options, classes, initializer: CLASSIFIER_INITIALIZER }),
  }),
});

export const EFFICIENTNET_FAMILIES = [
  efficientnet(0, [1.0, 1.0, 224, 0.2]),
  efficientnet(1, [1.0, 1.1, 240, 0.2]),
  efficientnet(2, [1.1, 1.2, 260, 0.3]),
  efficientnet(3, [1.2, 1.4, 300, 0.3]),
  efficientnet(4, [1.4, 1.8, 380, 0.4]),
  efficientnet(5, [1.6, 2.2, 456, 0.4]),
  efficientnet(6, [1.8, 2.6, 528, 0.5]),
  efficientnet(7, [2.0, 3.1, 600, 0.5]),
];
