import { InvalidArgumentError, Option } from 'commander';
import { SPLITS } from '../../data/index.ts';
import { MEANS, type Mean } from '../../metrics/index.ts';
import { checkpointPath, Ingredients, runsOf, TTA, writeEnsemble } from '../../train/index.ts';
import { badRecordsFlag } from '../bad-records-flag.ts';
import type { AddCommand, Context } from '../command.ts';
import { FlagError } from '../flag-error.ts';
import { addDeviceOptions, openDevice, USUAL_BATCH, type DeviceFlags } from '../device-flags.ts';
import {
  alignTo,
  decodedRows,
  predictMembers,
  requireLabels,
  type MemberPredictions,
  type PredictOptions,
} from '../ensemble/member.ts';
import { readOutOfFold } from '../ensemble/out-of-fold.ts';
import { makeSoup, soupText, type SoupSummary } from '../ensemble/soup.ts';
import { summarize, summaryText } from '../ensemble/summary.ts';
import { addFeatureFlags } from '../feature-flags.ts';
import { parseCount } from '../numbers.ts';
import { shellWord } from '../shell-word.ts';

interface Flags extends DeviceFlags, Omit<PredictOptions, 'data'> {
  readonly data?: string;
  readonly outOfFold?: boolean;
  readonly weights?: readonly number[];
  readonly mean: Mean | 'best';
  readonly out?: string;
  readonly soup?: string;
  readonly greedy?: boolean;
  readonly json?: boolean;
}

/** `sepal ensemble RUN…`. */
export const addEnsemble: AddCommand = (program, context) => {
  const command = program
    .command('ensemble')
    .description('join several runs into one predictor: weights given, or searched for macro F1 on a labelled split')
    .argument('<runs...>', 'run folders, checkpoints (snapshots of one run), or folders of folds')
    .option('--data <dir>', 'folder of TFRecords')
    .addOption(new Option('--split <name>', 'labelled part of the data').choices(SPLITS).default('val'))
    .option('--out-of-fold', 'search on what the folds of cross-validations said of images that they had not seen')
    .option('--weights <list>', 'one number a run, such as 2,1,1 (default: searched)', parseWeights)
    .addOption(
      new Option('--mean <kind>', 'how probabilities are averaged; best tries both')
        .choices([...MEANS, 'best'])
        .default('best'),
    )
    .addOption(new Option('--tta <views>', 'views of each picture that are averaged').choices(TTA).default('none'))
    .option('--batch-size <n>', 'images a step, over all replicas (default: as in training)', parseCount)
    .option('--out <file>', 'write the ensemble (JSON), for sepal submit')
    .addOption(
      new Option(
        '--soup <file>',
        'also average the weights of the runs into one checkpoint, and score it beside them',
      ).conflicts('outOfFold'),
    )
    .option('--greedy', 'with --soup: only the weights that make the mean no worse on the split, the best ones first')
    .addOption(badRecordsFlag())
    .option('--json', 'print JSON');
  addFeatureFlags(command);
  addDeviceOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  sepal ensemble runs/a runs/b --data flowers --out ensemble.json\n' +
        '  sepal ensemble runs/a runs/b --data flowers --weights 2,1 --tta flip\n' +
        '  sepal ensemble runs/a runs/b runs/c --data flowers --soup soup.safetensors --greedy',
    )
    .action(async (runs: string[], flags: Flags) => {
      await ensemble(runs, flags, context());
    });
};

async function ensemble(runs: readonly string[], flags: Flags, context: Context): Promise<void> {
  const { weights, out } = flags;
  if (weights !== undefined && weights.length !== runs.length) {
    throw new FlagError('WEIGHTS', 'every run needs a weight', {
      expected: `${runs.length} numbers`,
      received: weights.join(','),
    });
  }
  if (flags.greedy === true && flags.soup === undefined) {
    throw new FlagError('FLAG', '--greedy chooses what goes into a soup, so it needs --soup FILE');
  }
  const predictions = await predictionsOf(runs, flags, context);
  const { soup } = predictions;
  const members = decodedRows(predictions.members);
  const place = flags.outOfFold === true ? 'the images out of fold' : flags.split;
  requireLabels(members[0], place);
  const means = flags.mean === 'best' ? MEANS : [flags.mean];
  const [summary] = means
    .map((mean) => summarize(members, mean, weights))
    .toSorted((a, b) => b.macroF1 - a.macroF1 || a.calibration.lossAfter - b.calibration.lossAfter);
  const { mean, calibration } = summary;
  if (out !== undefined) {
    await writeEnsemble(out, {
      format: 1,
      mean,
      tta: flags.tta,
      temperature: calibration.temperature,
      members: summary.members.map(({ run, weight }) => ({ run, weight })),
    });
  }
  const { probabilities: _, confusion: __, ...shown } = summary;
  console.log(
    flags.json === true ? JSON.stringify({ split: place, ...shown, soup }, null, 2) : summaryText(summary, place),
  );
  if (soup !== undefined && flags.json !== true) console.log(soupText(soup, place));
  if (out !== undefined)
    context.log.info(
      `ensemble  ${out}\nnext      sepal submit ${shellWord(out)} --data ${flags.data === undefined ? 'DIR' : shellWord(flags.data)}`,
    );
}

interface Predictions {
  readonly members: readonly MemberPredictions[];
  readonly soup?: SoupSummary;
}

/** By all members, the rows in one order: from the device, or from the files of their folds. */
async function predictionsOf(runs: readonly string[], flags: Flags, context: Context): Promise<Predictions> {
  if (flags.outOfFold === true) {
    const members = await Promise.all(runs.map(readOutOfFold));
    return { members: members.map((member) => alignTo(members[0], member)) };
  }
  const { data, soup } = flags;
  if (data === undefined) {
    throw new FlagError('NO_DATA', 'no data set is given', {
      hint: 'add --data DIR, or --out-of-fold for folders of folds',
    });
  }
  // Before any work: those of other networks are refused.
  const ingredients = soup === undefined ? undefined : await Ingredients.read(runs.flatMap(runsOf).map(checkpointPath));
  const backend = await openDevice(flags, context, { predicts: flags.batchSize ?? USUAL_BATCH });
  try {
    const members = await predictMembers(backend, runs, { ...flags, data }, context);
    if (soup === undefined || ingredients === undefined) return { members };
    return { members, soup: await makeSoup(backend, ingredients, members, { ...flags, data, soup }, context) };
  } finally {
    await backend.close();
  }
}

function parseWeights(text: string): number[] {
  const weights = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  if (weights.every((weight) => weight >= 0 && Number.isFinite(weight)) && weights.some((weight) => weight > 0)) {
    return weights;
  }
  throw new InvalidArgumentError('expected numbers of at least 0, such as 2,1,1.');
}
