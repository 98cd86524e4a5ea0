import { Option, type Command } from 'commander';
import { startProgress, type Progress } from '../../base/index.ts';
import { SPLITS, type InspectOptions, type Split } from '../../data/index.ts';
import { addFeatureFlags, featureNames, type FeatureFlags } from '../feature-flags.ts';
import { parseCount } from '../numbers.ts';

/** Flags that say what a data set is, for every command that opens one. */
export interface DataFlags extends FeatureFlags {
  readonly size?: number;
  readonly split?: Split;
}

export function addDataFlags(command: Command): Command {
  command
    .option('--size <pixels>', 'which size, where the data set has several', parseCount)
    .addOption(new Option('--split <name>', 'only this split').choices(SPLITS));
  return addFeatureFlags(command);
}

export function toInspectOptions(flags: DataFlags): InspectOptions {
  const { size: side, split, classNames } = flags;
  return { side, split, classNames, features: featureNames(flags) };
}

/** A bar for each step of work that comes in steps. */
export function stepDisplay(): {
  update: (step: string, done: number, total: number) => void;
  stop: () => void;
} {
  let bar: Progress | undefined;
  let current: string | undefined;
  return {
    update(step, done, total) {
      if (step !== current) {
        bar?.stop();
        current = step;
        bar = startProgress({ label: step, total });
      }
      bar?.update(done);
    },
    stop() {
      bar?.stop();
      bar = undefined;
    },
  };
}
