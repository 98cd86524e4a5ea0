import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layerOf } from '../nn/index.ts';
import { buildModel, MODELS } from './registry.ts';
import { stagesOf } from './stages.ts';

const build = (name: string) => buildModel({ name, classes: 3, size: { height: 128, width: 128 } });

/** How many stages each kind of network has. */
const COUNTS: readonly (readonly [RegExp, number])[] = [
  [/^cnn$/, 4],
  [/^vgg/, 5],
  [/^resnet/, 5],
  [/^xception$/, 14],
  [/^densenet/, 5],
  [/^mobilenet-v2$/, 17],
  [/^efficientnet-/, 7],
  [/^convnext-/, 4],
];

for (const { name } of MODELS) {
  test(`${name}: every layer of the backbone has a stage, in order, and the head has none`, () => {
    const model = build(name);
    const stages = stagesOf(model);
    assert.equal(stages.count, COUNTS.find(([pattern]) => pattern.test(name))?.[1]);
    const found = model.variables.map(({ path }) => stages.of(path));
    const backbone = found.filter((stage) => stage !== undefined);
    assert.deepEqual(
      [...new Set(backbone)],
      Array.from({ length: stages.count }, (_, i) => i + 1),
    );
    assert.deepEqual(
      backbone,
      [...backbone].toSorted((a, b) => a - b),
    );
    // Behind the features come the head's layers only.
    const first = found.indexOf(undefined);
    assert.ok(first > 0);
    assert.ok(found.slice(first).every((stage) => stage === undefined));
  });
}

test('layers without a number of their own go with their neighbours', () => {
  const stage = (name: string, layer: string) => {
    const model = build(name);
    return stagesOf(model).of(model.variables.find(({ path }) => layerOf(path) === layer)?.path ?? '');
  };
  assert.equal(stage('efficientnet-b0', 'stem_conv'), 1);
  assert.equal(stage('efficientnet-b0', 'top_conv'), 7);
  assert.equal(stage('xception', 'conv2d_3'), 13);
  assert.equal(stage('densenet121', 'pool3_conv'), 3);
  assert.equal(stage('convnext-tiny', 'convnext_tiny_downsampling_block_0/convnext_tiny_downsampling_conv_0'), 2);
  assert.equal(stage('resnet50-v2', 'post_bn'), 5);
});
