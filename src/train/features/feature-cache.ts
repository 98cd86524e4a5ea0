import { createHash } from 'node:crypto';
import type { Dataset } from '../../data/index.ts';
import type { Model, SplitModel } from '../../models/index.ts';
import { traceTrees, type TypesOf } from '../../runtime/index.ts';
import { lowerToStableHlo, type HostTensor, type Tensor } from '../../xla/index.ts';
import { FEATURE_BUDGET } from './feature-split.ts';
import { featuresOf, type Features } from './features.ts';
import type { Phase } from '../phase/phase.ts';
import type { TrainingData } from '../run/run-check.ts';
import { batchTypes } from '../step/step.ts';
import { variableTypes, type Weights, type WeightsOf } from '../step/train-state.ts';

/** The features of both parts of the data. */
export interface DataFeatures {
  readonly train: Features;
  readonly validation: Features;
}

/** What features follow from. */
export interface FeatureRequest {
  readonly model: Model;
  readonly split: SplitModel;
  readonly data: TrainingData;
  readonly phase: Pick<Phase, 'batchSize' | 'augment' | 'seed' | 'featureViews'>;
  readonly weights: WeightsOf<HostTensor>;
}

/** Features for runs one after the other, such as those of a search: computed once where the layers that give them are the same. */
export class FeatureCache {
  readonly #budget: number;
  /** Least recently used first. */
  readonly #held = new Map<string, DataFeatures>();
  readonly #numbers = new WeakMap<Dataset, number>();
  #dataSets = 0;

  constructor(budget = FEATURE_BUDGET) {
    this.#budget = budget;
  }

  /** The features that are known, or else those that `compute` gives. */
  async take(request: FeatureRequest, compute: () => Promise<DataFeatures>): Promise<DataFeatures> {
    const key = this.#key(request);
    const features = this.#held.get(key) ?? (await compute());
    this.#held.delete(key);
    this.#held.set(key, features);
    let total = [...this.#held.values()].reduce((sum, each) => sum + byteLength(each), 0);
    for (const [old, each] of this.#held) {
      if (total <= this.#budget) break;
      this.#held.delete(old);
      total -= byteLength(each);
    }
    return features;
  }

  /** A batch of another size would round differently, and a run must not depend on what ran before it. */
  #key({ model, split, data, phase, weights }: FeatureRequest): string {
    const { batchSize, featureViews, augment, seed } = phase;
    const hash = createHash('sha256').update(extractorText(model, split));
    const views = featureViews === 1 ? [] : [featureViews, augment, seed];
    hash.update(JSON.stringify([batchSize, this.#numberOf(data.train), this.#numberOf(data.validation), ...views]));
    for (const { path } of split.backbone) {
      const { buffer, byteOffset, byteLength: length } = (weights.params[path] ?? weights.statistics[path]).data;
      hash.update(new Uint8Array(buffer, byteOffset, length));
    }
    return hash.digest('hex');
  }

  #numberOf(data: Dataset): number {
    const number = this.#numbers.get(data) ?? this.#dataSets++;
    this.#numbers.set(data, number);
    return number;
  }
}

const byteLength = ({ train, validation }: DataFeatures): number => train.byteLength + validation.byteLength;

/** The program that gives one image's features: two that are alike give the same. */
function extractorText(model: Model, split: SplitModel): string {
  const types: TypesOf<[Weights, Tensor]> = [variableTypes({ variables: split.backbone }), batchTypes(model, 1).images];
  return lowerToStableHlo(traceTrees(featuresOf(model.prepareWhole, split.extractor), types).graph);
}
