import { z } from 'zod';
import { heNormal, heNormalFanOut, relu6, type Network, type Scope } from '../nn/index.ts';
import { add, type Padding, type Tensor } from '../xla/index.ts';
import { inBlocks, numbered, type ModelFamily } from './family.ts';
import { classifier, headOptions, pooling } from './head.ts';
import { conv, depthwiseConv, norm } from './layers.ts';
import { SYMMETRIC } from './preprocess.ts';
import { roundChannels } from './round-channels.ts';

const mobilenetV2Options = z.strictObject({
  width: z.number().min(0.1).max(4).default(1).describe('factor of all channels but the last ones (alpha)'),
  padding: z
    .enum(['same', 'symmetric'])
    .default('same')
    .describe(
      'zeros where a convolution strides: the odd one at the end as in TensorFlow, or both sides as in PyTorch',
    ),
  epsilon: z.number().positive().default(1e-3).describe("batch norm's: Keras has 1e-3, PyTorch 1e-5"),
  ...headOptions({ dropout: 0.2 }),
});

type MobileNetV2Options = z.output<typeof mobilenetV2Options>;

/** Expansion, channels, blocks and stride of the first block: table 2 of the paper. */
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

function mobilenetV2Blocks({ width, padding, epsilon }: MobileNetV2Options): Network[] {
  const settings: LayerSettings = { epsilon, padding: padding === 'same' ? 'same' : SYMMETRIC_3X3 };
  const stem: Network = (scope, images) => {
    const filters = roundChannels(32 * width);
    const x = conv(scope, 'Conv1', images, { filters, kernel: 3, strides: 2, padding: settings.padding, ...PLAIN });
    return relu6(batchNormed(scope, 'bn_Conv1', x, epsilon));
  };
  const middle = STAGES.flatMap(([expansion, channels, repeats, firstStride]) => {
    const filters = roundChannels(Math.floor(channels * width));
    return Array.from({ length: repeats }, (_, i) => ({ expansion, filters, strides: i === 0 ? firstStride : 1 }));
  }).map((block, i): Network => {
    const name = i === 0 ? 'expanded_conv_' : `block_${i}_`;
    return (scope, x) => invertedResidual(scope, x, { ...settings, ...block, name });
  });
  const top: Network = (scope, x) => {
    // "When the width multiplier is below 1, it is applied to all layers but the very last one."
    const filters = width > 1 ? roundChannels(1280 * width) : 1280;
    return relu6(batchNormed(scope, 'Conv_1_bn', conv(scope, 'Conv_1', x, { filters, kernel: 1, ...PLAIN }), epsilon));
  };
  return [stem, ...middle, top];
}

const PLAIN = { bias: false, initializer: heNormal } as const;
const SYMMETRIC_3X3: [Padding, Padding] = [
  [1, 1],
  [1, 1],
];

const batchNormed = (scope: Scope, name: string, x: Tensor, epsilon: number): Tensor =>
  norm(scope, name, x, { momentum: 0.999, epsilon });

interface LayerSettings {
  readonly epsilon: number;
  readonly padding: 'same' | [Padding, Padding];
}

interface BlockSettings extends LayerSettings {
  readonly name: string;
  readonly expansion: number;
  readonly filters: number;
  readonly strides: number;
}

/** Expand, depthwise convolution, project; the shortcut joins the narrow ends. */
function invertedResidual(scope: Scope, input: Tensor, block: BlockSettings): Tensor {
  const { name, expansion, filters, strides, epsilon, padding } = block;
  let x = input;
  if (expansion > 1) {
    x = conv(scope, `${name}expand`, x, { filters: expansion * input.shape[3], kernel: 1, ...PLAIN });
    x = relu6(batchNormed(scope, `${name}expand_BN`, x, epsilon));
  }
  x = depthwiseConv(scope, `${name}depthwise`, x, { kernel: 3, strides, padding, bias: false, initializer: heNormalFanOut }); // prettier-ignore
  x = relu6(batchNormed(scope, `${name}depthwise_BN`, x, epsilon));
  x = conv(scope, `${name}project`, x, { filters, kernel: 1, ...PLAIN });
  x = batchNormed(scope, `${name}project_BN`, x, epsilon);
  return strides === 1 && input.shape[3] === filters ? add(input, x) : x;
}

/** Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks". */
const mobilenetV2: ModelFamily<typeof mobilenetV2Options> = {
  name: 'mobilenet-v2',
  summary: 'inverted residuals with linear bottlenecks',
  year: 2018,
  inputSize: 224,
  preprocess: SYMMETRIC,
  options: mobilenetV2Options,
  stage: numbered(/^block_(\d+)_/, 0),
  build: (options, classes) => ({
    ...inBlocks(mobilenetV2Blocks(options)),
    pool: pooling(options.pooling),
    classifier: classifier({ ...options, classes }),
  }),
};

export const MOBILENET_V2_FAMILIES = [mobilenetV2];
