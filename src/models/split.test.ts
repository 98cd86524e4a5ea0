import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { applyNetwork, layerOf, type Network, type VariableSpec } from '../nn/index.ts';
import { nodesOf, trace, type TensorType } from '../xla/index.ts';
import { buildModel, splitModel, stagesOf, type Model } from './index.ts';

const NAMES = ['cnn', 'vgg16', 'resnet50', 'resnet50-v2', 'xception', 'densenet121', 'mobilenet-v2', 'efficientnet-lite0', 'convnext-tiny']; // prettier-ignore

const paths = (specs: readonly VariableSpec[]) => specs.map(({ path }) => path);

/** Whether a network in training draws random numbers where the backbone of its model is frozen. */
function drops(model: Model, network: Network, input: TensorType): boolean {
  const stages = stagesOf(model);
  const frozen = model.variables.filter(({ path }) => stages.of(path) !== undefined);
  const key = { shape: [2], dtype: 'uint32' } as const;
  const graph = trace([key, input, ...model.variables], (drawn, x, ...values) => {
    const variables = Object.fromEntries(model.variables.map(({ path }, i) => [path, values[i]]));
    const frozenLayers = new Set(frozen.map(({ path }) => layerOf(path)));
    return [applyNetwork(network, variables, x, { training: true, key: drawn, frozenLayers }).output];
  });
  return nodesOf(graph).includes(graph.parameters[0].node);
}

test('behind a frozen backbone the head drops what it drops behind features', () => {
  for (const name of ['cnn', 'mobilenet-v2', 'efficientnet-lite0']) {
    const build = (dropout: number) =>
      buildModel({ name, options: { dropout }, classes: 3, size: { height: 32, width: 32 } });
    for (const [model, expected] of [
      [build(0.5), true],
      [build(0), false],
    ] as const) {
      // prettier-ignore
      const { shape } = model.input;
      assert.equal(drops(model, model.network, { shape: [2, ...shape], dtype: 'float32' }), expected, name);
      const { head } = splitModel(model, ({ path }) => stagesOf(model).of(path) !== undefined)!;
      assert.equal(drops(model, head.network, { ...head.input, shape: [2, ...head.input.shape] }), expected, name);
    }
  }
});

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
