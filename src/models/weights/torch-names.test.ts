import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { elementCount, formatShape, type HostTensor } from '../../xla/index.ts';
import { buildModel, findFamily, MODELS } from '../registry.ts';
import { fileShape, fromFile, toFile, type Layout, type Placement } from './placement.ts';
import { assertDistinct, torchPlacements, type TorchNames } from './torch-names.ts';
import { TORCH_NAMES } from './torch-namings.ts';

function placementsOf(names: TorchNames, family: string) {
  const size = findFamily(family).inputSize;
  const model = buildModel({
    name: family,
    options: names.options,
    classes: 1000,
    size: { height: size, width: size },
  });
  return { model, placements: torchPlacements(names, model.variables) };
}

/** Numbers of tensors in the projects' own state dicts, without counters of batches, and some of their tensors. */
const STATE_DICTS: Readonly<Record<string, readonly [number, Readonly<Record<string, string>>]>> = {
  'EfficientNet-PyTorch efficientnet-lite0': [
    247,
    {
      '_conv_stem.weight': '[32,3,3,3]',
      '_blocks.15._depthwise_conv.weight': '[1152,1,3,3]',
      '_blocks.1._expand_conv.weight': '[96,16,1,1]',
      '_bn1.running_var': '[1280]',
      '_fc.weight': '[1000,1280]',
    },
  ],
  'EfficientNet-PyTorch efficientnet-b0': [
    311,
    { '_blocks.0._se_reduce.bias': '[8]', '_blocks.15._bn2.bias': '[320]' },
  ],
  'timm efficientnet-b0': [
    311,
    {
      'blocks.0.0.conv_pw.weight': '[16,32,1,1]',
      'blocks.0.0.bn2.bias': '[16]',
      'blocks.2.1.conv_dw.weight': '[240,1,5,5]',
      'blocks.6.0.se.conv_expand.weight': '[1152,48,1,1]',
      'blocks.6.0.bn3.running_mean': '[320]',
      'conv_head.weight': '[1280,320,1,1]',
      'classifier.bias': '[1000]',
    },
  ],
  'torchvision mobilenet-v2': [
    262,
    {
      'features.1.conv.0.0.weight': '[32,1,3,3]',
      'features.1.conv.1.weight': '[16,32,1,1]',
      'features.17.conv.3.running_var': '[320]',
      'features.18.0.weight': '[1280,320,1,1]',
      'classifier.1.weight': '[1000,1280]',
    },
  ],
  'timm mobilenet-v2': [
    262,
    { 'blocks.0.0.conv_pw.weight': '[16,32,1,1]', 'blocks.5.2.conv_dw.weight': '[960,1,3,3]' },
  ],
  'torchvision resnet50': [
    267,
    {
      'conv1.weight': '[64,3,7,7]',
      'layer1.0.downsample.0.weight': '[256,64,1,1]',
      'layer3.5.conv2.weight': '[256,256,3,3]',
      'layer4.2.bn3.running_mean': '[2048]',
      'fc.weight': '[1000,2048]',
    },
  ],
  'torchvision densenet121': [
    606,
    {
      'features.conv0.weight': '[64,3,7,7]',
      'features.denseblock4.denselayer16.conv2.weight': '[32,128,3,3]',
      'features.denseblock1.denselayer1.norm2.weight': '[128]',
      'features.transition3.conv.weight': '[512,1024,1,1]',
      'features.norm5.bias': '[1024]',
      'classifier.weight': '[1000,1024]',
    },
  ],
  'torchvision-0.2 densenet169': [846, { 'features.denseblock4.denselayer32.norm.2.weight': '[128]' }],
  'torchvision vgg16': [
    32,
    {
      'features.0.weight': '[64,3,3,3]',
      'features.28.weight': '[512,512,3,3]',
      'classifier.0.weight': '[4096,25088]',
      'classifier.3.weight': '[4096,4096]',
      'classifier.6.weight': '[1000,4096]',
    },
  ],
  'torchvision vgg19': [38, { 'features.34.bias': '[512]' }],
  'timm vgg16': [32, { 'pre_logits.fc1.weight': '[4096,512,7,7]', 'pre_logits.fc2.weight': '[4096,4096,1,1]' }],
  'timm convnext-tiny': [
    182,
    {
      'stem.0.weight': '[96,3,4,4]',
      'stem.1.bias': '[96]',
      'stages.2.blocks.8.conv_dw.weight': '[384,1,7,7]',
      'stages.0.blocks.0.gamma': '[96]',
      'stages.0.blocks.0.mlp.fc1.weight': '[384,96]',
      'stages.3.downsample.0.weight': '[384]',
      'stages.3.downsample.1.weight': '[768,384,2,2]',
      'head.norm.weight': '[768]',
      'head.fc.weight': '[1000,768]',
    },
  ],
};

suite("names of PyTorch's projects", () => {
  for (const [title, [count, tensors]] of Object.entries(STATE_DICTS)) {
    test(title, () => {
      const [project, family] = title.split(' ');
      const names = TORCH_NAMES.find((table) => table.name === project && table.families.test(family));
      assert.ok(names);
      const { model, placements } = placementsOf(names, family);
      const shapes = new Map(
        model.variables.flatMap(({ path, shape }) => {
          const place = placements.of.get(path);
          assert.ok(place);
          return place === 'zeros' ? [] : [[place.name, formatShape(fileShape(place.layout, shape))] as const];
        }),
      );
      assert.equal(shapes.size, count);
      assert.deepEqual(Object.fromEntries(Object.keys(tensors).map((name) => [name, shapes.get(name)])), tensors);
    });
  }

  test('cover every variable of every architecture that has any, each once, with the marker among them', () => {
    for (const { name } of MODELS) {
      for (const names of TORCH_NAMES.filter(({ families }) => families.test(name))) {
        const { placements } = placementsOf(names, name);
        assertDistinct(placements);
        const places = [...placements.of].filter((entry): entry is [string, Placement] => entry[1] !== 'zeros');
        assert.ok(
          places.some(([, place]) => names.marker.test(place.name)),
          `${names.name} ${name}`,
        );
        for (const [path, place] of places) assert.ok(!place.name.includes('/'), `${names.name}: ${path}`);
      }
    }
  });
});

suite('a layout', () => {
  const counting = (shape: readonly number[]): HostTensor => ({
    shape,
    dtype: 'float32',
    data: Float32Array.from({ length: elementCount(shape) }, (_, i) => i),
  });
  const cases: readonly (readonly [
    string,
    Layout,
    readonly number[],
    readonly number[],
    (index: readonly number[]) => readonly number[],
  ])[] = [
    // prettier-ignore
    ['of a convolution', { order: [3, 2, 0, 1] }, [2, 3, 4, 5], [5, 4, 2, 3], ([h, w, i, o]) => [o, i, h, w]],
    ['of a depthwise one', { order: [2, 3, 0, 1] }, [2, 3, 4, 1], [4, 1, 2, 3], ([h, w, c, o]) => [c, o, h, w]],
    ['of a dense layer', { order: [1, 0] }, [3, 4], [4, 3], ([i, o]) => [o, i]],
    [
      'of a dense layer on a feature map',
      { unfolded: [2, 2, 3, 4], order: [3, 2, 0, 1], shape: [4, 12] },
      [12, 4],
      [4, 12],
      ([i, o]) => [o, (i % 3) * 4 + Math.floor(i / 3)],
    ],
  ];
  for (const [name, layout, shape, expected, place] of cases) {
    test(`${name} goes to the file and comes back`, () => {
      const ours = counting(shape);
      const theirs = toFile(layout, ours);
      assert.deepEqual(theirs.shape, expected);
      assert.deepEqual(fileShape(layout, shape), expected);
      const at = (sizes: readonly number[], index: readonly number[]) =>
        index.reduce((sum, position, axis) => sum * sizes[axis] + position, 0);
      for (let i = 0; i < ours.data.length; i++) {
        const index = shape.map((size, axis) => Math.floor(i / elementCount(shape.slice(axis + 1))) % size);
        assert.equal(theirs.data[at(expected, place(index))], i);
      }
      assert.deepEqual(fromFile(layout, theirs, shape), ours);
    });
  }
});
