import { InvalidArgumentError, Option, type Command } from 'commander';
import { startProgress, type Progress } from '../../base/index.ts';
import { SPLITS, type InspectOptions, type Split } from '../../data/index.ts';

/** Flags that say what a data set is, for every command that opens one. */
export interface DataFlags {
  readonly size?: number;
  readonly split?: Split;
  readonly classNames?: string;
  readonly imageFeature?: string;
  readonly labelFeature?: string;
  readonly idFeature?: string;
}

export function addDataFlags(command: Command): Command {
  return command
    .option('--size <pixels>', 'which size, where the data set has several', positiveInteger)
    .addOption(new Option('--split <name>', 'only this split').choices(SPLITS))
    .option('--class-names <file>', 'class names: one a line, or JSON (default: classes.txt beside the records)')
    .option('--image-feature <name>', 'feature with the encoded picture (default: found by its name)')
    .option('--label-feature <name>', 'feature with the class number')
    .option('--id-feature <name>', 'feature with the name of the picture');
}

export function toInspectOptions(flags: DataFlags): InspectOptions {
  const { size: side, split, classNames, imageFeature: image, labelFeature: label, idFeature: id } = flags;
  return { side, split, classNames, features: { image, label, id } };
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

export function positiveInteger(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('expected a whole number from 1');
  return Number(text);
}
