import { z } from 'zod';
import { dropPath, gelu, type Initializer, type Network, type Scope } from '../nn/index.ts';
import { add, convert, mul, type Tensor } from '../xla/index.ts';
import { inBlocks, numbered, type ModelFamily } from './family.ts';
import { classifier, headOptions, pooling, stochasticDepthOption } from './head.ts';
import { conv, layerNormalization, linear } from './layers.ts';
import { IMAGENET } from './preprocess.ts';

const convnextOptions = (stochasticDepth: number) =>
  z.strictObject({
    ...headOptions(),
    stochasticDepth: stochasticDepthOption(stochasticDepth),
    layerScale: z.number().positive().default(1e-6).describe('first value of the scale of each residual branch'),
  });

type Options = ReturnType<typeof convnextOptions>;

const INITIALIZER: Initializer = { kind: 'truncatedNormal', stddev: 0.02 };
const LAYER_NORM = { epsilon: 1e-6 };

interface Size {
  /** First part of the layers' names. */
  readonly prefix: string;
  /** Blocks of each stage. */
  readonly depths: readonly number[];
  /** Channels of each stage. */
  readonly widths: readonly number[];
}

function convnextBlocks({ prefix, depths, widths }: Size, options: z.output<Options>): Network[] {
  const last = depths.reduce((a, b) => a + b) - 1;
  const stem: Network = (scope, images) =>
    scope.in(`${prefix}_stem`, (inner) => {
      const patches = conv(inner, `${prefix}_stem_conv`, images, patchSettings(widths[0], 4));
      return layerNormalization(inner, `${prefix}_stem_layernorm`, patches, LAYER_NORM);
    });
  const stages = depths.flatMap((depth, stage) => {
    const before = depths.slice(0, stage).reduce((a, b) => a + b, 0);
    const down: Network = (scope, x) =>
      scope.in(`${prefix}_downsampling_block_${stage - 1}`, (inner) => {
        const y = layerNormalization(inner, `${prefix}_downsampling_layernorm_${stage - 1}`, x, LAYER_NORM);
        return conv(inner, `${prefix}_downsampling_conv_${stage - 1}`, y, patchSettings(widths[stage], 2));
      });
    const residual = Array.from({ length: depth }, (_, block): Network => {
      const index = before + block;
      const dropRate = (options.stochasticDepth * index) / last;
      const name = `${prefix}_stage_${stage}_block_${block}`;
      return (scope, x) => convnextBlock(scope, x, { name, index, dropRate, layerScale: options.layerScale });
    });
    return stage > 0 ? [down, ...residual] : residual;
  });
  return [stem, ...stages];
}

/** Patches side by side; what is left at the right and below is cut off. */
const patchSettings = (filters: number, size: number) =>
  ({ filters, kernel: size, strides: size, padding: 'valid', initializer: INITIALIZER }) as const;

interface BlockSettings {
  readonly name: string;
  /** Number of the block in the network. */
  readonly index: number;
  readonly dropRate: number;
  readonly layerScale: number;
}

/** A 7×7 depthwise convolution, then two dense layers at every position. */
function convnextBlock(scope: Scope, input: Tensor, { name, index, dropRate, layerScale }: BlockSettings): Tensor {
  const channels = input.shape[3];
  // Keras has it as a grouped convolution, with a kernel [7, 7, 1, C].
  const spatial = { filters: channels, kernel: 7, groups: channels, initializer: INITIALIZER };
  let x = conv(scope, `${name}_depthwise_conv`, input, spatial);
  x = layerNormalization(scope, `${name}_layernorm`, x, LAYER_NORM);
  x = gelu(linear(scope, `${name}_pointwise_conv_1`, x, { units: 4 * channels, initializer: INITIALIZER }));
  x = linear(scope, `${name}_pointwise_conv_2`, x, { units: channels, initializer: INITIALIZER });
  x = scope.in(`${name}_layer_scale`, (inner) => {
    // Keras's layer gives its variable no name, so it is counted.
    const variable = index === 0 ? 'variable' : `variable_${index}`;
    const scale = inner.variable(variable, [channels], 'scale', { kind: 'constant', value: layerScale });
    return mul(x, convert(scale, x.dtype));
  });
  return add(input, dropPath(scope, x, dropRate));
}

/** Liu et al. 2022, "A ConvNet for the 2020s". */
const convnext = (
  size: string,
  depths: readonly number[],
  widths: readonly number[],
  stochasticDepth: number,
): ModelFamily<Options> => {
  const prefix = `convnext_${size}`;
  return {
    name: `convnext-${size}`,
    summary: `blocks of depthwise 7×7 convolutions and dense layers, ${widths[0]} to ${widths[3]} channels`,
    year: 2022,
    inputSize: 224,
    preprocess: IMAGENET,
    options: convnextOptions(stochasticDepth),
    stage: (path) => numbered(/_stage_(\d+)_/, 0)(path) ?? numbered(/_downsampling_block_(\d+)/, -1)(path),
    build(options, classes) {
      const head = classifier({ ...options, classes, initializer: INITIALIZER, name: `${prefix}_head_dense` });
      return {
        ...inBlocks(convnextBlocks({ prefix, depths, widths }, options)),
        pool: pooling(options.pooling),
        classifier: (scope, x) => head(scope, layerNormalization(scope, `${prefix}_head_layernorm`, x, LAYER_NORM)),
      };
    },
  };
};

export const CONVNEXT_FAMILIES = [
  convnext('tiny', [3, 3, 9, 3], [96, 192, 384, 768], 0.1),
  convnext('small', [3, 3, 27, 3], [96, 192, 384, 768], 0.4),
  convnext('base', [3, 3, 27, 3], [128, 256, 512, 1024], 0.5),
];
