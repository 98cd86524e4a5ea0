import { z } from 'zod';
import { heNormal, type Network, type Scope } from '../nn/index.ts';
import { averagePool2d, concatenate, isOp, maxPool2d, relu, type Padding, type Tensor } from '../xla/index.ts';
import { chain, numbered, type ModelFamily } from './family.ts';
import { classifier, headOptions, pooling } from './head.ts';
import { conv, norm } from './layers.ts';
import { IMAGENET } from './preprocess.ts';

const densenetOptions = z.strictObject(headOptions());

/** Channels that each layer adds to what all layers before it have given. */
const GROWTH_RATE = 32;
/** The least epsilon that TensorFlow lets cuDNN have. */
const BATCH_NORM = { epsilon: 1.001e-5 };

const around = (size: number): [Padding, Padding] => [
  [size, size],
  [size, size],
];

export function densenetBlocks(blocks: readonly number[]): Network[] {
  const stem: Network = (scope, images) => {
    const x = conv(scope, 'conv1_conv', images, { filters: 64, kernel: 7, strides: 2, padding: around(3), bias: false, initializer: heNormal }); // prettier-ignore
    const settings = { window: [3, 3], strides: [2, 2], padding: around(1) } as const;
    return maxPool2d(relu(norm(scope, 'conv1_bn', x, BATCH_NORM)), settings);
  };
  const middle = blocks.flatMap((layers, block) => {
    const dense = Array.from({ length: layers }, (_, i): Network => {
      const name = `conv${block + 2}_block${i + 1}`;
      return (scope, x) => {
        const parts = partsOf(scope, x);
        const y = scope.block(parts, (inner, ...given) => denseLayer(inner, name, joined(given)));
        return joined([...parts, y]);
      };
    });
    const shrink: Network = (scope, x) =>
      scope.block(partsOf(scope, x), (inner, ...given) => transition(inner, `pool${block + 1}`, joined(given)));
    return block > 0 ? [shrink, ...dense] : dense;
  });
  const first: Network = (scope, images) => scope.block([images], stem);
  const last: Network = (scope, x) =>
    scope.block(partsOf(scope, x), (inner, ...given) => relu(norm(inner, 'bn', joined(given), BATCH_NORM)));
  return [first, ...middle, last];
}

/**
 * What is kept of a layer's input for its gradient, where it is rematerialised: what the layers before have given, each once.
 * Their inputs, joined as they are, would take memory by the square of their number (Pleiss et al. 2017, "Memory-Efficient
 * Implementation of DenseNets").
 */
const partsOf = ({ settings }: Scope, x: Tensor): readonly Tensor[] =>
  settings.remat === true && isOp(x.node, 'concatenate') ? x.node.inputs : [x];

const joined = (parts: readonly Tensor[]): Tensor => (parts.length === 1 ? parts[0] : concatenate(parts, 3));

/** New channels from all channels so far, through a bottleneck of four times as many. */
function denseLayer(scope: Scope, name: string, input: Tensor): Tensor {
  let x = relu(norm(scope, `${name}_0_bn`, input, BATCH_NORM));
  x = conv(scope, `${name}_1_conv`, x, { filters: 4 * GROWTH_RATE, kernel: 1, bias: false, initializer: heNormal });
  x = relu(norm(scope, `${name}_1_bn`, x, BATCH_NORM));
  return conv(scope, `${name}_2_conv`, x, { filters: GROWTH_RATE, kernel: 3, bias: false, initializer: heNormal });
}

/** Half the channels, half the size. */
function transition(scope: Scope, name: string, input: Tensor): Tensor {
  const filters = Math.floor(input.shape[3] / 2);
  const x = relu(norm(scope, `${name}_bn`, input, BATCH_NORM));
  const y = conv(scope, `${name}_conv`, x, { filters, kernel: 1, bias: false, initializer: heNormal });
  return averagePool2d(y, { window: [2, 2] });
}

const asParts = (blocks: readonly Network[]) => ({ features: chain(blocks), blocks });

/** Huang et al. 2017, "Densely Connected Convolutional Networks". */
const densenet = (layers: number, blocks: readonly number[]): ModelFamily<typeof densenetOptions> => ({
  name: `densenet${layers}`,
  summary: `densely connected network of ${layers} layers`,
  year: 2017,
  inputSize: 224,
  preprocess: IMAGENET,
  options: densenetOptions,
  stage: numbered(/^conv(\d+)_/),
  build: (options, classes) => ({
    ...asParts(densenetBlocks(blocks)),
    pool: pooling(options.pooling),
    classifier: classifier({ ...options, classes }),
  }),
});

export const DENSENET_FAMILIES = [
  densenet(121, [6, 12, 24, 16]),
  densenet(169, [6, 12, 32, 32]),
  densenet(201, [6, 12, 48, 32]),
];
