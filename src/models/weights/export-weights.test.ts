import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { formulaVariable } from '../../../test/formula-values.ts';
import type { HostTensor } from '../../xla/index.ts';
import type { Preprocess } from '../preprocess.ts';
import { buildModel, type Model } from '../registry.ts';
import { exportWeights, type WeightFormat } from './export-weights.ts';
import type { ExportedModel } from './exported-model.ts';
import { loadWeights } from './load-weights.ts';
import { readSafetensors } from './safetensors.ts';
import { describeWeights } from './weights-source.ts';

const CLASSES = ['daisy', 'rose', 'tulip'];
const PIXELS: Preprocess = { mean: [10, 20, 30], std: [40, 50, 60], channels: 'rgb' };

const build = (name: string, options: Readonly<Record<string, unknown>> = {}, size = 32): Model =>
  buildModel({ name, options, classes: CLASSES.length, size: { height: size, width: size } });

function exported(model: Model, preprocess = PIXELS): ExportedModel {
  const values = new Map(
    model.variables.map(({ path, shape }, i): [string, HostTensor] => [
      path,
      { shape, dtype: 'float32', data: formulaVariable(i, path, shape) },
    ]),
  );
  return { model, values, preprocess, classNames: CLASSES, licence: 'Apache-2.0' };
}

const PYTORCH = { padding: 'symmetric', epsilon: 1e-5 };

suite('exported weights', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-export-'));
  });
  after(() => rm(folder, { recursive: true }));

  const roundTrips: readonly (readonly [string, WeightFormat, string, Readonly<Record<string, unknown>>])[] = [
    ['mobilenet-v2', 'timm', 'a.safetensors', { ...PYTORCH, width: 0.35 }],
    ['mobilenet-v2', 'torchvision', 'b.safetensors', PYTORCH],
    ['mobilenet-v2', 'keras', 'c.weights.h5', { width: 0.35 }],
    ['mobilenet-v2', 'keras', 'd.h5', { width: 0.35 }],
    ['efficientnet-b0', 'keras', 'e.weights.h5', {}],
    ['efficientnet-lite0', 'timm', 'f.safetensors', {}],
    ['convnext-tiny', 'keras', 'g.h5', {}],
    ['convnext-tiny', 'torchvision', 'h.safetensors', {}],
  ];
  for (const [name, format, file, options] of roundTrips) {
    test(`${name} as ${file} for ${format} come back the same, with their preprocessing`, async () => {
      const model = build(name, options);
      const sent = exported(model);
      const path = join(folder, file);
      await exportWeights(sent, format, path);
      const { values, fresh, preprocess } = await loadWeights(model, await describeWeights(name, path));
      assert.deepEqual(fresh, []);
      assert.deepEqual(preprocess, PIXELS);
      for (const { path: variable } of model.variables) {
        assert.deepEqual(values.get(variable), sent.values.get(variable), variable);
      }
    });
  }

  test('for timm as a folder have the config that timm reads', async () => {
    const path = join(folder, 'timm');
    const { files } = await exportWeights(exported(build('mobilenet-v2', { ...PYTORCH, width: 0.5 })), 'timm', path);
    assert.deepEqual(files, [join(path, 'model.safetensors'), join(path, 'config.json')]);
    const config = JSON.parse(await readFile(join(path, 'config.json'), 'utf8')) as Record<string, unknown>;
    const { architecture, num_classes: classes, label_names: labels, pretrained_cfg: rest } = config;
    assert.deepEqual([architecture, classes, labels], ['mobilenetv2_050', 3, CLASSES]);
    const { input_size: size, mean } = rest as Record<string, unknown>;
    assert.deepEqual([size, mean], [[3, 32, 32], PIXELS.mean.map((x) => x / 255)]);
    const { metadata } = await readSafetensors(join(path, 'model.safetensors'));
    assert.deepEqual([metadata.format, metadata.licence], ['pt', 'Apache-2.0']);
  });

  test('without the biases that PyTorch does without have them in the statistics', async () => {
    const sent = exported(build('resnet50', { downsampling: 'second' }), { ...PIXELS, channels: 'bgr' });
    const path = join(folder, 'resnet.safetensors');
    await exportWeights(sent, 'torchvision', path);
    const { tensors } = await readSafetensors(path);
    const [bias, mean] = ['bias', 'moving_mean'].map(
      (leaf) => sent.values.get(leaf === 'bias' ? 'conv1_conv/bias' : 'conv1_bn/moving_mean')?.data ?? [],
    );
    assert.equal(tensors.get('bn1.running_mean')?.data[5], Math.fround(Number(mean[5]) - Number(bias[5])));
    assert.equal(tensors.has('conv1.bias'), false);
    // For RGB: the first channel's weights were the last one's.
    const kernel = sent.values.get('conv1_conv/kernel')?.data ?? [];
    assert.equal(tensors.get('conv1.weight')?.data[0], kernel[2 * 64]);
    const { preprocess } = await describeWeights('resnet50', path);
    assert.deepEqual(preprocess, { mean: [30, 20, 10], std: [60, 50, 40], channels: 'rgb' });
  });

  const refused: readonly (readonly [string, Model, WeightFormat, string, object])[] = [
    ['a network of our own', build('cnn'), 'timm', 'x.safetensors', { code: 'EXPORT_MODEL', hint: /onnx/ }],
    [
      'a width that only timm has',
      build('mobilenet-v2', { ...PYTORCH, width: 0.5 }),
      'torchvision',
      'x.safetensors',
      { code: 'EXPORT_MODEL', hint: 'choose another --format: timm, onnx' },
    ],
    [
      'a width and a padding that neither has',
      build('mobilenet-v2', { width: 0.5 }),
      'torchvision',
      'x.safetensors',
      { code: 'EXPORT_MODEL', hint: 'choose another --format: onnx' },
    ],
    ['a network that only timm has', build('efficientnet-lite0'), 'keras', 'x.h5', { code: 'EXPORT_MODEL' }],
    [
      'strides at the other convolution',
      build('resnet50'),
      'timm',
      'x.safetensors',
      { code: 'EXPORT_OPTIONS', expected: 'downsampling: "second"', received: '"first"' },
    ],
    ['padding of PyTorch for Keras', build('mobilenet-v2', PYTORCH), 'keras', 'x.h5', { code: 'EXPORT_OPTIONS' }],
    [
      'a hidden layer for timm',
      build('efficientnet-b0', { hidden: [9] }),
      'timm',
      'x.safetensors',
      { code: 'EXPORT_OPTIONS', expected: 'hidden: []' },
    ],
    [
      'pooling that Keras lacks',
      build('efficientnet-b0', { pooling: 'gem' }),
      'keras',
      'x.h5',
      { code: 'EXPORT_OPTIONS', received: '"gem"' },
    ],
    [
      'pooling that Keras has without a classifier only',
      build('mobilenet-v2', { pooling: 'max' }),
      'keras',
      'x.h5',
      { code: 'EXPORT_OPTIONS', expected: 'pooling: "average"', received: '"max"' },
    ],
    [
      'a hidden layer for Keras',
      build('mobilenet-v2', { hidden: [9] }),
      'keras',
      'x.weights.h5',
      { code: 'EXPORT_OPTIONS', expected: 'hidden: []', hint: /onnx/ },
    ],
    ...(['timm', 'torchvision', 'keras'] as const).map(
      (format) =>
        [
          `VGG with dense layers of other sizes for ${format}`,
          build('vgg16', { hidden: [8, 8] }, 224),
          format,
          format === 'keras' ? 'x.h5' : 'x.safetensors',
          { code: 'EXPORT_OPTIONS', expected: 'hidden: [4096,4096]', received: '[8,8]' },
        ] as const,
    ),
    ['VGG without dense layers', build('vgg16', { hidden: [] }), 'timm', 'x.safetensors', { code: 'EXPORT_OPTIONS' }],
    [
      'VGG that pools',
      build('vgg16', { hidden: [8], pooling: 'average' }),
      'keras',
      'x.h5',
      { code: 'EXPORT_OPTIONS' },
    ],
    ['VGG of another size', build('vgg16'), 'timm', 'x.safetensors', { code: 'EXPORT_HEAD' }],
    ['another ending', build('xception', {}, 71), 'keras', 'x.keras', { code: 'EXPORT_ENDING' }],
  ];
  for (const [what, model, format, file, expected] of refused) {
    test(`are refused, and nothing written, for ${what}`, async () => {
      const files = await readdir(folder);
      await assert.rejects(exportWeights(exported(model), format, join(folder, file)), expected);
      assert.deepEqual(await readdir(folder), files);
    });
  }
});
