import { z } from 'zod';
import { heNormal, type Network, type Scope } from '../nn/index.ts';
import { add, maxPool2d, relu, type Tensor } from '../xla/index.ts';
import { inBlocks, numbered, type ModelFamily } from './family.ts';
import { classifier, headOptions, pooling } from './head.ts';
import { conv, norm, separableConv } from './layers.ts';
import { SYMMETRIC } from './preprocess.ts';

const xceptionOptions = z.strictObject(headOptions({ dropout: 0.5 }));

/** Entry flow (blocks 1 to 4), middle flow (5 to 12) and exit flow (13 and 14) of the paper's figure 5. */
const BLOCKS: readonly Network[] = [
  (scope, images) => {
    const settings = { padding: 'valid', bias: false, initializer: heNormal } as const;
    let x = conv(scope, 'block1_conv1', images, { filters: 32, kernel: 3, strides: 2, ...settings });
    x = relu(norm(scope, 'block1_conv1_bn', x, {}));
    x = conv(scope, 'block1_conv2', x, { filters: 64, kernel: 3, ...settings });
    return relu(norm(scope, 'block1_conv2_bn', x, {}));
  },
  (scope, x) => downBlock(scope, x, { block: 2, filters: [128, 128], shortcut: 0 }),
  (scope, x) => downBlock(scope, relu(x), { block: 3, filters: [256, 256], shortcut: 1 }, x),
  (scope, x) => downBlock(scope, relu(x), { block: 4, filters: [728, 728], shortcut: 2 }, x),
  ...Array.from({ length: 8 }, (_, i): Network => {
    const block = i + 5;
    return (scope, input) => {
      let x = input;
      for (let j = 1; j <= 3; j++) x = separable(scope, `block${block}_sepconv${j}`, relu(x), 728);
      return add(x, input);
    };
  }),
  (scope, x) => downBlock(scope, relu(x), { block: 13, filters: [728, 1024], shortcut: 3 }, x),
  (scope, x) => relu(separable(scope, 'block14_sepconv1', x, 1536)),
  (scope, x) => relu(separable(scope, 'block14_sepconv2', x, 2048)),
];

interface DownSettings {
  readonly block: number;
  readonly filters: readonly [number, number];
  /** Number of the shortcut's layers, which have no names in Keras: it counts them. */
  readonly shortcut: number;
}

/** Two separable convolutions and max pooling beside a 1×1 convolution of stride 2 on `input`. */
function downBlock(scope: Scope, start: Tensor, { block, filters, shortcut }: DownSettings, input = start): Tensor {
  const [first, second] = filters;
  let x = separable(scope, `block${block}_sepconv1`, start, first);
  x = separable(scope, `block${block}_sepconv2`, relu(x), second);
  x = maxPool2d(x, { window: [3, 3], strides: [2, 2], padding: 'same' });
  const suffix = shortcut === 0 ? '' : `_${shortcut}`;
  const settings = { filters: second, kernel: 1, strides: 2, bias: false, initializer: heNormal };
  const residual = norm(scope, `batch_normalization${suffix}`, conv(scope, `conv2d${suffix}`, input, settings), {});
  return add(x, residual);
}

const separable = (scope: Scope, name: string, x: Tensor, filters: number): Tensor =>
  norm(scope, `${name}_bn`, separableConv(scope, name, x, { filters, kernel: 3, bias: false, initializer: heNormal }), {}); // prettier-ignore

/** Chollet 2017, "Xception: Deep Learning with Depthwise Separable Convolutions". */
const xception: ModelFamily<typeof xceptionOptions> = {
  name: 'xception',
  summary: 'residual network of separable convolutions',
  year: 2017,
  inputSize: 299,
  preprocess: SYMMETRIC,
  options: xceptionOptions,
  stage: numbered(/^block(\d+)_/),
  build: (options, classes) => ({
    ...inBlocks(BLOCKS),
    pool: pooling(options.pooling),
    classifier: classifier({ ...options, classes }),
  }),
};

export const XCEPTION_FAMILIES = [xception];
