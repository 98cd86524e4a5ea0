import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { layerOf, type VariableSpec } from '../nn/index.ts';
import { buildModel, splitModel, stagesOf } from './index.ts';

const NAMES = ['cnn', 'vgg16', 'resnet50', 'resnet50-v2', 'xception', 'densenet121', 'mobilenet-v2', 'efficientnet-lite0', 'convnext-tiny']; // prettier-ignore

const paths = (specs: readonly VariableSpec[]) => specs.map(({ path }) => path);

suite('a model is taken apart', () => {
  for (const name of NAMES) {
    const model = buildModel({ name, classes: 3, size: { height: 96, width: 96 } });
    const stages = stagesOf(model);
    const stageOf = ({ path }: VariableSpec) => stages.of(path) ?? Infinity;

    test(`${name}, behind each of its stages`, () => {
      for (let count = 1; count <= stages.count; count++) {
        const split = splitModel(model, (spec) => stageOf(spec) <= count);
        assert.ok(split !== undefined);
        assert.deepEqual([...paths(split.backbone), ...paths(split.head.variables)], paths(model.variables));
        const frozen = model.variables.filter((spec) => stageOf(spec) <= count);
        // A block that spans two stages stays whole.
        assert.ok(split.backbone.length <= frozen.length && split.backbone.length > 0);
        const isInBackbone = new Set(paths(split.backbone).map(layerOf));
        assert.ok(split.head.variables.every(({ path }) => !isInBackbone.has(layerOf(path))));
      }
    });
  }

  test('only where its first block keeps its values', () => {
    const model = buildModel({ name: 'cnn', classes: 3, size: { height: 32, width: 32 } });
    assert.equal(splitModel(model, ({ path }) => !path.startsWith('block1/')), undefined); // prettier-ignore
  });
});
