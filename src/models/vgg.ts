import { z } from 'zod';
import { heNormal, type Network } from '../nn/index.ts';
import { maxPool2d, relu } from '../xla/index.ts';
import { inBlocks, numbered, type ModelFamily } from './family.ts';
import { classifier, headOptions, pooling } from './head.ts';
import { conv } from './layers.ts';
import { CAFFE } from './preprocess.ts';

// The paper's head: two dense layers of 4096 on all positions, with dropout 0.5 after each. It fixes the image size.
const vggOptions = z.strictObject(headOptions({ pooling: 'flatten', hidden: [4096, 4096], dropout: 0.5 }));

const FILTERS = [64, 128, 256, 512, 512];

/** 3×3 convolutions with ReLU, so many a block, and 2×2 max pooling after each block. */
function vggBlocks(convs: readonly number[]): Network[] {
  return FILTERS.map((filters, block): Network => {
    return (scope, input) => {
      let x = input;
      for (let i = 1; i <= convs[block]; i++) {
        x = relu(conv(scope, `block${block + 1}_conv${i}`, x, { filters, kernel: 3, initializer: heNormal }));
      }
      return maxPool2d(x, { window: [2, 2] });
    };
  });
}

/** Simonyan and Zisserman 2015, "Very Deep Convolutional Networks for Large-Scale Image Recognition". */
const vgg = (name: string, convs: readonly number[]): ModelFamily<typeof vggOptions> => ({
  name,
  summary: `VGG of ${convs.reduce((a, b) => a + b) + 3} layers: 3×3 convolutions without batch norm`,
  year: 2015,
  inputSize: 224,
  preprocess: CAFFE,
  options: vggOptions,
  stage: numbered(/^block(\d+)_/),
  build: (options, classes) => ({
    ...inBlocks(vggBlocks(convs)),
    pool: pooling(options.pooling),
    classifier: classifier({ ...options, classes }),
  }),
});

export const VGG_FAMILIES = [vgg('vgg16', [2, 2, 3, 3, 3]), vgg('vgg19', [2, 2, 4, 4, 4])];
