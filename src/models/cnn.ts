import { z } from 'zod';
import { batchNorm, conv2d, dense, dropout, heNormal, type Network, type Scope } from '../nn/index.ts';
import { averagePool2d, maxPool2d, relu, type Tensor } from '../xla/index.ts';
import { inBlocks, numbered, type ModelFamily, type ModelParts } from './family.ts';
import { pooling } from './head.ts';
import { SYMMETRIC } from './preprocess.ts';

const cnnOptions = z
  .strictObject({
    depth: z.int().min(1).max(8).default(4).describe('blocks, each of which halves height and width'),
    width: z.int().min(1).max(1024).default(32).describe('filters of the first block; each next one has twice as many'),
    maxWidth: z.int().min(1).max(4096).default(512).describe('filters no block goes beyond'),
    convs: z.int().min(1).max(4).default(1).describe('convolutions a block'),
    kernel: z.int().min(1).max(11).default(3).describe('height and width of the kernels'),
    stemStrides: z.int().min(1).max(4).default(1).describe('stride of the first convolution'),
    pooling: z.enum(['max', 'average']).default('max').describe('how a block halves its output'),
    dropout: z
      .number()
      .min(0)
      .max(0.95)
      .default(0.2)
      .describe('rate after each block from the second on, and before the classifier'),
    head: z
      .enum(['average', 'flatten'])
      .default('average')
      .describe('global average pooling, or all positions in a row'),
    hidden: z.int().min(0).max(8192).default(0).describe('units of a dense layer before the classifier; 0 for none'),
  })
  .describe('a plain convolutional network');

/** Moving averages of batch norm follow within tens of steps: an epoch of a small data set has no more. */
const STATISTICS_MOMENTUM = 0.9;

export type CnnOptions = z.output<typeof cnnOptions>;

/** Blocks of convolution, batch norm, ReLU, pooling and dropout, then pooled features and a classifier. */
export function cnn(options: CnnOptions, classes: number): ModelParts {
  return {
    ...inBlocks(
      Array.from({ length: options.depth }, (_, i): Network => {
        const block = i + 1;
        return (scope, x) => scope.in(`block${block}`, (inner) => convBlock(inner, x, options, block));
      }),
    ),
    pool: pooling(options.head),
    classifier(scope, features) {
      let x = features;
      if (options.hidden > 0) {
        x = scope.in('hidden', (inner) =>
          relu(
            batchNorm(inner, dense(inner, x, { units: options.hidden, bias: false, initializer: heNormal }), {
              momentum: STATISTICS_MOMENTUM,
            }),
          ),
        );
      }
      x = dropout(scope, x, options.dropout);
      return scope.in('classifier', (inner) => dense(inner, x, { units: classes }));
    },
  };
}

function convBlock(scope: Scope, input: Tensor, options: CnnOptions, block: number): Tensor {
  const filters = Math.min(options.width * 2 ** (block - 1), options.maxWidth);
  let x = input;
  for (let i = 1; i <= options.convs; i++) {
    const strides = block === 1 && i === 1 ? options.stemStrides : 1;
    x = scope.in(`conv${i}`, (inner) => {
      const y = conv2d(inner, x, { filters, kernel: options.kernel, strides, bias: false, initializer: heNormal });
      return relu(batchNorm(inner, y, { momentum: STATISTICS_MOMENTUM }));
    });
  }
  // A last odd row or column is left out, as Keras does by default; what is one pixel high or wide stays so.
  const window = [Math.min(2, x.shape[1]), Math.min(2, x.shape[2])] as const;
  x = options.pooling === 'max' ? maxPool2d(x, { window }) : averagePool2d(x, { window });
  return block === 1 ? x : dropout(scope, x, options.dropout);
}

export const cnnFamily: ModelFamily<typeof cnnOptions> = {
  name: 'cnn',
  summary: 'a plain CNN of blocks of convolution, batch norm, ReLU, pooling and dropout',
  inputSize: 192,
  preprocess: SYMMETRIC,
  options: cnnOptions,
  stage: numbered(/^block(\d+)\//),
  build: cnn,
};
