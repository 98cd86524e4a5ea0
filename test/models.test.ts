import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { buildModel, forwardFlops, kerasVariables, MODELS, type Model } from '../src/models/index.ts';
import { applyNetwork, isTrainable, sparseCategoricalCrossEntropy } from '../src/nn/index.ts';
import { elementCount, gradient, lowerToStableHlo, mean, trace, type Graph } from '../src/xla/index.ts';

/**
 * Parameters with 1000 classes: what Keras counts (`count_params`), and timm for EfficientNet-Lite, of which it counts
 * the trainable ones only.
 */
const PARAMETERS: Readonly<Record<string, number>> = {
  vgg16: 138_357_544,
  vgg19: 143_667_240,
  resnet50: 25_636_712,
  resnet101: 44_707_176,
  resnet152: 60_419_944,
  'resnet50-v2': 25_613_800,
  'resnet101-v2': 44_675_560,
  'resnet152-v2': 60_380_648,
  xception: 22_910_480,
  densenet121: 8_062_504,
  densenet169: 14_307_880,
  densenet201: 20_242_984,
  'mobilenet-v2': 3_538_984,
  'efficientnet-b0': 5_330_571,
  'efficientnet-b1': 7_856_239,
  'efficientnet-b2': 9_177_569,
  'efficientnet-b3': 12_320_535,
  'efficientnet-b4': 19_466_823,
  'efficientnet-b5': 30_562_527,
  'efficientnet-b6': 43_265_143,
  'efficientnet-b7': 66_658_687,
  'efficientnet-lite0': 4_652_008,
  'efficientnet-lite1': 5_416_680,
  'efficientnet-lite2': 6_092_072,
  'efficientnet-lite3': 8_197_096,
  'efficientnet-lite4': 13_006_568,
  'convnext-tiny': 28_589_128,
  'convnext-small': 50_223_688,
  'convnext-base': 88_591_464,
};

/** Multiply-adds of the forward pass in millions, as the papers give them under the name of FLOPs. */
const PAPER_FLOPS: Readonly<Record<string, number>> = {
  resnet50: 3_800,
  resnet152: 11_300,
  'mobilenet-v2': 300,
  'efficientnet-b0': 390,
  'efficientnet-b7': 37_000,
  'convnext-tiny': 4_500,
};

const square = (size: number) => ({ height: size, width: size });

/** Loss and gradients with all that is random in training, for images of the model's size. */
function traceTraining(model: Model): Graph {
  const images = { shape: [2, model.size.height, model.size.width, 3], dtype: 'float32' } as const;
  const key = { shape: [2], dtype: 'uint32' } as const;
  const labels = { shape: [2], dtype: 'int32' } as const;
  return trace([images, labels, key, ...model.variables], (pixels, truth, random, ...tensors) => {
    const values = Object.fromEntries(model.variables.map(({ path }, i) => [path, tensors[i]]));
    const { output, updates } = applyNetwork(model.network, values, pixels, { training: true, key: random });
    const loss = mean(sparseCategoricalCrossEntropy(output, truth));
    const trained = model.variables.filter(isTrainable).map(({ path }) => values[path]);
    return [loss, ...gradient(loss, trained), ...Object.values(updates)];
  });
}

for (const { name, inputSize } of MODELS) {
  suite(name, () => {
    test('has the published number of parameters, each path once', () => {
      const model = buildModel({ name, classes: 1000, size: square(inputSize) });
      const paths = new Set(model.variables.map(({ path }) => path));
      assert.equal(paths.size, model.variables.length);
      if (name === 'cnn') return;
      const counted = name.includes('lite')
        ? model.parameters.trainable
        : kerasVariables(model).reduce((sum, { shape }) => sum + elementCount(shape), 0);
      assert.equal(counted, PARAMETERS[name]);
    });

    test('trains on images of an odd size', () => {
      const model = buildModel({ name, classes: 7, size: square(97) });
      const graph = traceTraining(model);
      const trained = model.variables.filter(isTrainable);
      const statistics = model.variables.length - trained.length;
      assert.equal(graph.outputs.length, 1 + trained.length + statistics, 'a statistic is not updated');
      assert.match(lowerToStableHlo(graph, { platform: 'cpu' }), /func\.func public @main/);
    });

    if (name in PAPER_FLOPS) {
      test('costs what the paper says', () => {
        const found = forwardFlops(buildModel({ name, classes: 1000, size: square(inputSize) })) / 2e6;
        const error = Math.abs(found / PAPER_FLOPS[name] - 1);
        assert.ok(error < 0.05, `${found.toFixed(0)} million multiply-adds, the paper has ${PAPER_FLOPS[name]}`);
      });
    }
  });
}

test('heads take every pooling and hidden layers', () => {
  const parameters = (options: Readonly<Record<string, unknown>>) =>
    buildModel({ name: 'resnet50', options, classes: 10, size: square(64) }).parameters.trainable;
  const plain = parameters({});
  assert.equal(parameters({ pooling: 'max' }), plain);
  assert.equal(parameters({ pooling: 'gem' }), plain + 1);
  assert.equal(parameters({ pooling: 'flatten' }), plain + (2 * 2 - 1) * 2048 * 10);
  assert.equal(parameters({ hidden: [32] }), plain - 2048 * 10 + 2048 * 32 + 32 + 32 * 10);
});

test("PyTorch's variants have the variables of Keras's", () => {
  const paths = (name: string, options: Readonly<Record<string, unknown>>) =>
    buildModel({ name, options, classes: 10, size: square(64) }).variables.map(({ path }) => path);
  assert.deepEqual(paths('resnet50', { downsampling: 'second' }), paths('resnet50', {}));
  assert.deepEqual(paths('mobilenet-v2', { padding: 'symmetric', epsilon: 1e-5 }), paths('mobilenet-v2', {}));
});

test('images that are too small are refused with the model and the size', () => {
  assert.throws(() => buildModel({ name: 'vgg16', classes: 10, size: square(16) }), {
    code: 'MODEL_SIZE',
    message: /vgg16 can't take images of 16×16/,
  });
});
