import { CLASSIFIER_INITIALIZER, efficientnetBlocks, efficientnetOptions } from './efficientnet.ts';
import { inBlocks, numbered, type ModelFamily } from './family.ts';
import { classifier, pooling } from './head.ts';
import type { Preprocess } from './preprocess.ts';

const LITE: Preprocess = { mean: [127, 127, 127], std: [128, 128, 128], channels: 'rgb' };

/** Liu 2020, "Higher accuracy on vision models with EfficientNet-Lite": EfficientNet for devices that work in integers. */
const efficientnetLite = (
  variant: number,
  [width, depth, inputSize, dropout]: readonly [number, number, number, number],
): ModelFamily<ReturnType<typeof efficientnetOptions>> => ({
  name: `efficientnet-lite${variant}`,
  summary: 'EfficientNet with ReLU6 and without squeeze-and-excitation',
  year: 2020,
  inputSize,
  preprocess: LITE,
  options: efficientnetOptions(dropout),
  stage: numbered(/^block(\d+)[a-z]_/),
  build: (options, classes) => ({
    ...inBlocks(efficientnetBlocks({ width, depth, lite: true }, options.stochasticDepth)),
    pool: pooling(options.pooling),
    classifier: classifier({ ...options, classes, initializer: CLASSIFIER_INITIALIZER }),
  }),
});

export const EFFICIENTNET_LITE_FAMILIES = [
  efficientnetLite(0, [1.0, 1.0, 224, 0.2]),
  efficientnetLite(1, [1.0, 1.1, 240, 0.2]),
  efficientnetLite(2, [1.1, 1.2, 260, 0.3]),
  efficientnetLite(3, [1.2, 1.4, 280, 0.3]),
  efficientnetLite(4, [1.4, 1.8, 300, 0.3]),
];
