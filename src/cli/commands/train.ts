import { Option } from 'commander';
import { resolve } from 'node:path';
import { DIVERGENCE_POLICIES, FROZEN_STATISTICS, MONITORS, PRECISIONS, REMATS } from '../../train/index.ts';
import { badRecordsFlag } from '../bad-records-flag.ts';
import type { AddCommand } from '../command.ts';
import { parseCount, parseFolds, parseNumber, parsePositive, parseSeconds } from '../numbers.ts';
import { addDeviceOptions, addHostOptions } from '../device-flags.ts';
import { addFeatureFlags } from '../feature-flags.ts';
import { findRate } from '../train/find-rate.ts';
import { runTraining } from '../train/run-training.ts';
import type { TrainFlags } from '../train/train-flags.ts';

/** `sepal train RECIPE`. */
export const addTrain: AddCommand = (program, context) => {
  const command = program
    .command('train')
    .description('train a model from a recipe; flags win over the recipe')
    .argument('[recipe]', 'a recipe file, or the name of one that comes with Sepal', 'cnn')
    .option('--data <dir>', 'folder of TFRecords with train and val splits')
    .option('--out <dir>', 'run folder (default: runs/RECIPE-DATE)')
    .option('--model <name>', 'architecture (sepal models lists them)')
    .option('--weights <what>', 'none, imagenet, noisy-student, hf://OWNER/NAME, or a file of weights to start from')
    .option('--freeze <layers>', 'layers that keep their weights: none, backbone, or stages:N (the first N)')
    .addOption(
      new Option('--frozen-statistics <which>', 'batch norm that keeps its statistics').choices(FROZEN_STATISTICS),
    )
    .option('--epochs <n>', 'passes over the training images', parseCount)
    .option('--batch-size <n>', 'images a step, over all replicas', parseCount)
    .option('--size <px>', 'height and width of the images', parseCount)
    .option('--seed <n>', 'for initial weights, order and augmentation', parseNumber)
    .option('--learning-rate <rate>', 'the highest learning rate of the schedule', parsePositive)
    .addOption(
      new Option(
        '--precision <policy>',
        'what layers compute in; auto is mixed_bfloat16 on TPUs and on NVIDIA GPUs from Ampere on, else float32',
      ).choices(PRECISIONS),
    )
    .addOption(
      new Option('--remat <what>', 'compute again for the gradient, in place of keeping it in memory').choices(REMATS),
    )
    .addOption(new Option('--monitor <score>', 'validation score that picks the best weights').choices(MONITORS))
    .option('--patience <n>', 'stop after so many epochs without a better score', parseCount)
    .addOption(
      new Option(
        '--on-divergence <policy>',
        'at a loss or gradient that is NaN or infinite: stop (default), skip the step, or roll back with a lower rate',
      ).choices(DIVERGENCE_POLICIES),
    )
    .option('--set <path=value...>', 'any setting of the recipe, such as augment.flip=true')
    .option('--folds <n>', 'cross-validation over train and val together: a run for each fold', parseFolds)
    .addOption(
      new Option('--all-labelled', 'train on train and val together, and keep the last weights').conflicts('folds'),
    )
    .option('--find-lr', 'try learning rates in a short training that is thrown away, and draw the loss')
    .option('--resume', 'go on from the last checkpoint in --out')
    .option('--auto-resume', 'go on from the last checkpoint in --out where there is one, else start anew')
    .option(
      '--max-time <time>',
      'end after this time, such as 2h45m, with the best weights and the report',
      parseSeconds,
    )
    .option('--checkpoint-every <time>', 'time between checkpoints within an epoch (default: 10m)', parseSeconds)
    .option('--keep-best <n>', "weights of so many of the best epochs are kept (default: the best one's)", parseCount)
    .addOption(badRecordsFlag())
    .addOption(
      new Option(
        '--submit',
        'predict the test split into submission.csv in the run folder, within --max-time',
      ).conflicts(['folds', 'findLr']),
    )
    .option('--no-report', 'write no HTML report')
    .option('--tensorboard', "write the epochs' scores for TensorBoard too: tensorboard --logdir RUN/tensorboard")
    .option('--json', 'print JSON lines: the start, each epoch, the end; one object with --find-lr');
  addFeatureFlags(command);
  addHostOptions(command);
  addDeviceOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  sepal train tf-flowers-cnn --data tf_flowers
  sepal train my-recipe.yaml --data flowers --out runs/first --epochs 20
  sepal train my-recipe.yaml --data flowers --out runs/first --resume
  sepal train my-recipe.yaml --data flowers --find-lr
  sepal train my-recipe.yaml --data flowers --out runs/folds --folds 5
  sepal train my-recipe.yaml --data flowers --out runs/first --max-time 2h45m --submit
  sepal train cnn --data flowers --model efficientnet-lite0 --weights imagenet --freeze backbone --epochs 10
  sepal train cnn --data flowers --set model.options.width=48 augment.flip=true

Ctrl-C and SIGTERM save everything and end with status 130 and 143;
--resume goes on.`,
    )
    .action(async (recipe: string, flags: TrainFlags) => {
      const settings = { ...flags, out: flags.out === undefined ? undefined : resolve(flags.out) };
      await (flags.findLr === true ? findRate : runTraining)(recipe, settings, context());
    });
};
