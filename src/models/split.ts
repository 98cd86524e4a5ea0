import { describeNetwork, type Network, type VariableSpec } from '../nn/index.ts';
import { convert } from '../xla/index.ts';
import type { Classifier } from './classifier.ts';
import type { Model } from './registry.ts';

/** A model in two: what gives an image's features, and what classifies them. */
export interface SplitModel {
  /** From prepared images to features: vectors where the pooling has no variables, else feature maps. */
  readonly extractor: Network;
  /** Variables of the extractor. */
  readonly backbone: readonly VariableSpec[];
  readonly head: Classifier;
}

/** Takes a model apart before its first layer with variables behind the feature map. */
export function splitModel(model: Model): SplitModel {
  const { features, pool, classifier } = model.parts;
  const { height, width } = model.size;
  const map = describeNetwork(features, { shape: [1, height, width, 3], dtype: 'float32' }).output;
  const pooled = describeNetwork(pool, map);
  const isPooled = pooled.variables.length === 0;
  const extractor: Network = isPooled ? (scope, x) => pool(scope, features(scope, x)) : features;
  const network: Network = isPooled ? classifier : (scope, x) => classifier(scope, pool(scope, x));
  const { shape, dtype } = isPooled ? pooled.output : map;
  const { variables } = describeNetwork(network, { shape, dtype });
  const own = new Set(variables.map(({ path }) => path));
  return {
    extractor,
    backbone: model.variables.filter(({ path }) => !own.has(path)),
    head: {
      name: `${model.name}_head`,
      classes: model.classes,
      input: { shape: shape.slice(1), dtype },
      prepare: (inputs) => convert(inputs, model.computeType),
      network,
      variables,
    },
  };
}
