import { describeNetwork, type Network, type VariableSpec } from '../nn/index.ts';
import { convert, type Tensor, type TensorType } from '../xla/index.ts';
import type { Classifier } from './classifier.ts';
import { asHead, chain } from './family.ts';
import type { Model } from './registry.ts';

/** A model in two: what gives an image's features, and what classifies them. */
export interface SplitModel {
  /** From prepared images to features: a feature map, or a vector. */
  readonly extractor: Network;
  /** Variables of the extractor. */
  readonly backbone: readonly VariableSpec[];
  readonly head: Classifier;
}

/**
 * Takes a model apart before its first block with a variable that changes: what is in front of it gives the same features
 * in every step. Undefined where that is nothing but the image.
 */
export function splitModel(model: Model, isFixed: (spec: VariableSpec) => boolean): SplitModel | undefined {
  const { blocks, pool, classifier } = model.parts;
  const { height, width } = model.size;
  const candidates = [...blocks, pool];
  const backbone: VariableSpec[] = [];
  let features: TensorType = { shape: [1, height, width, 3], dtype: 'float32' };
  let count = 0;
  for (; count < candidates.length; count++) {
    const { variables, output } = describeNetwork(candidates[count], features);
    if (!variables.every(isFixed)) break;
    backbone.push(...variables);
    features = output;
  }
  if (backbone.length === 0) return undefined;
  const network = chain([...candidates.slice(count), asHead(classifier)]);
  const prepare = (inputs: Tensor) => convert(inputs, model.computeType);
  const { shape, dtype } = features;
  return {
    extractor: chain(candidates.slice(0, count)),
    backbone,
    head: {
      name: count === candidates.length ? `${model.name}_head` : `${model.name}_end`,
      classes: model.classes,
      input: { shape: shape.slice(1), dtype },
      prepare,
      prepareWhole: prepare,
      network,
      variables: describeNetwork(network, features).variables,
    },
  };
}
