import type { DivergencePolicy, Monitor, Precision, Remat } from '../../train/index.ts';
import type { DeviceFlags } from '../device-flags.ts';
import type { FeatureFlags } from '../feature-flags.ts';

/** Flags of `sepal train`; each one that is given wins over the recipe. */
export interface TrainFlags extends DeviceFlags, FeatureFlags {
  readonly data?: string;
  readonly out?: string;
  readonly model?: string;
  readonly epochs?: number;
  readonly batchSize?: number;
  readonly weights?: string;
  readonly freeze?: string;
  readonly frozenStatistics?: string;
  readonly size?: number;
  readonly seed?: number;
  readonly precision?: Precision;
  readonly remat?: Remat;
  readonly learningRate?: number;
  readonly monitor?: Monitor;
  readonly onDivergence?: DivergencePolicy;
  readonly patience?: number;
  readonly set?: readonly string[];
  readonly resume?: boolean;
  readonly autoResume?: boolean;
  readonly findLr?: boolean;
  readonly folds?: number;
  readonly allLabelled?: boolean;
  /** Seconds. */
  readonly maxTime?: number;
  /** Seconds. */
  readonly checkpointEvery?: number;
  readonly keepBest?: number;
  readonly submit?: boolean;
  readonly badRecords: 'fail' | 'skip';
  readonly report: boolean;
  readonly tensorboard?: boolean;
  readonly json?: boolean;
}
