import { Option } from 'commander';
import { resolve } from 'node:path';
import { MONITORS } from '../../train/index.ts';
import { SAMPLERS } from '../../tune/index.ts';
import { badRecordsFlag } from '../bad-records-flag.ts';
import type { AddCommand } from '../command.ts';
import { addDeviceOptions } from '../device-flags.ts';
import { addFeatureFlags } from '../feature-flags.ts';
import { parseCount, parseSeconds, parseSeed } from '../numbers.ts';
import { runTune } from '../tune/run-tune.ts';
import type { TuneFlags } from '../tune/tune-flags.ts';

/** `sepal tune RECIPE`. */
export const addTune: AddCommand = (program, context) => {
  const command = program
    .command('tune')
    .description('search the settings of a recipe that train best, and end bad trials early')
    .argument('<recipe>', 'a recipe file, or the name of one that comes with Sepal')
    .option('--data <dir>', 'folder of TFRecords with train and val splits')
    .option('--out <dir>', 'folder of the search, with a run folder for each trial (default: runs/tune-RECIPE-DATE)')
    .option('--range <path=range...>', 'what a setting may be, such as schedule.rate=1e-4..1e-2:log')
    .option('--trials <n>', 'combinations that are tried (default: 20)', parseCount)
    .addOption(new Option('--sampler <name>', 'draw at random, or near what did well (default: tpe)').choices(SAMPLERS))
    .option('--seed <n>', "of the values that are drawn; the recipe's own is --set seed=N (default: 0)", parseSeed)
    .option('--reduction-factor <n>', 'one trial of so many goes on at each comparison (default: 3)', parseCount)
    .option('--min-epochs <n>', 'epochs before the first comparison (default: 1)', parseCount)
    .option('--no-prune', 'train every trial to its end')
    .option('--epochs <n>', 'passes over the training images', parseCount)
    .option('--batch-size <n>', 'images a step, over all replicas', parseCount)
    .option('--size <px>', 'height and width of the images', parseCount)
    .option('--model <name>', 'architecture (sepal models lists them)')
    .option('--weights <what>', 'none, imagenet, noisy-student, hf://OWNER/NAME, or a file of weights to start from')
    .addOption(new Option('--monitor <score>', 'validation score that trials are compared by').choices(MONITORS))
    .option('--set <path=value...>', 'any setting of the recipe, such as augment.flip=true')
    .option('--resume', 'go on with the search in --out, from the trial that was interrupted')
    .option('--max-time <time>', 'end after this time, such as 2h45m; --resume goes on', parseSeconds)
    .addOption(badRecordsFlag())
    .option('--json', 'print JSON');
  addFeatureFlags(command);
  addDeviceOptions(command)
    .addHelpText(
      'after',
      `
A range is LOW..HIGH, any number between the two, or values separated by commas.
  :log      behind LOW..HIGH: each factor is as likely as any other
  :int      whole numbers only
  :step=N   only numbers that are N apart
A recipe may have the ranges itself:
  tune:
    ranges: { schedule.rate: 1e-4..1e-2:log, optimizer.weightDecay: [0, 0.01] }
    trials: 30

Examples:
  sepal tune tf-flowers-frozen --data tf_flowers --out runs/tuned --trials 20
  sepal tune my-recipe.yaml --data flowers --range schedule.rate=1e-4..1e-2:log batchSize=16..64:step=16
  sepal tune my-recipe.yaml --data flowers --range optimizer.name=sgd,adamw --no-prune --sampler random
  sepal tune my-recipe.yaml --data flowers --out runs/tuned --trials 40 --resume

Each trial has a run folder; best.yaml is the recipe of the best trial, and
report.html shows all trials. Ctrl-C saves everything.`,
    )
    .action(async (recipe: string, flags: TuneFlags) => {
      await runTune(recipe, { ...flags, out: flags.out === undefined ? undefined : resolve(flags.out) }, context());
    });
};
