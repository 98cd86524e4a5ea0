import type { Sampler } from '../../tune/index.ts';
import type { DeviceFlags } from '../device-flags.ts';
import type { FeatureFlags } from '../feature-flags.ts';
import type { TrainFlags } from '../train/train-flags.ts';

/** Flags of `sepal tune`; each one that is given wins over the recipe and its `tune` section. */
export interface TuneFlags
  extends
    DeviceFlags,
    FeatureFlags,
    Pick<
      TrainFlags,
      | 'data'
      | 'out'
      | 'size'
      | 'batchSize'
      | 'model'
      | 'weights'
      | 'epochs'
      | 'monitor'
      | 'set'
      | 'resume'
      | 'maxTime'
      | 'badRecords'
    > {
  readonly range?: readonly string[];
  readonly trials?: number;
  readonly seed?: number;
  readonly sampler?: Sampler;
  /** False with `--no-prune`. */
  readonly prune: boolean;
  readonly reductionFactor?: number;
  readonly minEpochs?: number;
  readonly json?: boolean;
}
