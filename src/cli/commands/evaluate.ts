import { Option } from 'commander';
import { basename } from 'node:path';
import { formatTable, startProgress, UsageError } from '../../base/index.ts';
import { SPLITS, type Dataset, type Split } from '../../data/index.ts';
import { Confusion } from '../../metrics/index.ts';
import { writeReport } from '../../report/index.ts';
import {
  calibrate,
  compileEvaluator,
  compilePredictor,
  evenBatch,
  layerStatistics,
  loadTrainedModel,
  TTA,
  type CheckpointInfo,
  type Evaluation,
  writeCalibration,
  type Predictor,
  type RunCalibration,
  type Tta,
} from '../../train/index.ts';
import { badRecordsFlag } from '../bad-records-flag.ts';
import type { AddCommand, Context } from '../command.ts';
import { FlagError } from '../flag-error.ts';
import { addDeviceOptions, openDevice, USUAL_BATCH, type DeviceFlags } from '../device-flags.ts';
import { addFeatureFlags, featureNames, type FeatureFlags } from '../feature-flags.ts';
import { parseCount } from '../numbers.ts';
import { openSplit } from '../open-split.ts';
import { evaluationReport } from '../run-report.ts';
import { warnOfSeen } from '../warn-of-seen.ts';

interface EvaluateFlags extends DeviceFlags, FeatureFlags {
  readonly data: string;
  readonly split: Split;
  readonly batchSize?: number;
  readonly tta: Tta;
  readonly report?: string;
  readonly layers?: boolean;
  readonly calibrate?: boolean;
  readonly json?: boolean;
  readonly badRecords: 'fail' | 'skip';
}

/** `sepal evaluate RUN`. */
export const addEvaluate: AddCommand = (program, context) => {
  const command = program
    .command('evaluate')
    .description('accuracy, precision, recall, macro F1 and the confusion matrix on a labelled split')
    .argument('<run>', 'run folder, or a .safetensors file that sepal train wrote')
    .requiredOption('--data <dir>', 'folder of TFRecords')
    .addOption(new Option('--split <name>', 'which part of the data').choices(SPLITS).default('val'))
    .option('--batch-size <n>', 'images a step, over all replicas (default: as in training)', parseCount)
    .addOption(new Option('--tta <views>', 'views of each picture that are averaged').choices(TTA).default('none'))
    .option('--report <file>', 'write an HTML report')
    .option('--layers', "with --report: activations and gradients of every layer in it, over the split's first batch")
    .option('--calibrate', 'keep the temperature that fits this split in the run folder, for predict, serve and export')
    .addOption(badRecordsFlag())
    .option('--json', 'print JSON');
  addFeatureFlags(command);
  addDeviceOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  sepal evaluate runs/first --data flowers --split val --report evaluation.html
  sepal evaluate runs/first --data flowers --report layers.html --layers
  sepal evaluate runs/first --data flowers --calibrate`,
    )
    .action(async (run: string, flags: EvaluateFlags) => {
      await evaluate(run, flags, context());
    });
};

async function evaluate(run: string, flags: EvaluateFlags, context: Context): Promise<void> {
  if (flags.calibrate === true && flags.tta !== 'none') {
    throw new FlagError('FLAG', '--calibrate takes each picture as it is, as predict, serve and export do', {
      hint: 'leave out --tta',
    });
  }
  if (flags.layers === true && flags.report === undefined) {
    throw new FlagError('FLAG', '--layers adds to the report that --report writes', { hint: 'add --report FILE.html' });
  }
  const backend = await openDevice(flags, context, { predicts: flags.batchSize ?? USUAL_BATCH });
  try {
    const { model, info, weights, path } = await loadTrainedModel(backend, run);
    const { split, badRecords, classNames } = flags;
    const data = await openSplit(
      flags.data,
      { split, size: info.size, badRecords, classNames, features: featureNames(flags), labelsRequired: true },
      context,
    );
    try {
      requireSameClasses(info, data, path);
      warnOfSeen(run, info, split, context.log);
      const batchSize = evenBatch(flags.batchSize ?? info.recipe.batchSize, backend.replicas);
      const evaluator =
        flags.tta === 'none'
          ? await compileEvaluator(backend, model, batchSize)
          : viewsEvaluator(await compilePredictor(backend, model, batchSize, { tta: flags.tta }), model.classes);
      const bar = startProgress({ label: `evaluating ${split}`, total: data.count, unit: 'images/s' });
      const evaluation = await evaluator(weights, data, {
        signal: context.signal,
        onProgress: (done) => bar.update(done),
      }).finally(() => bar.stop());
      const { confusion, loss, probabilities } = evaluation;
      const calibration = calibrate(info, split, { probabilities, labels: data.labels });
      console.log(
        flags.json === true
          ? scoresJson(confusion, loss, info.classNames, calibration)
          : scoresText(confusion, loss, info.classNames, calibration),
      );
      if (flags.calibrate === true && calibration !== undefined) {
        await writeCalibration(path, calibration);
        context.log.info(
          `calibrated  predict, serve and export take the temperature ${calibration.temperature.toFixed(2)}`,
        );
      }
      if (flags.report !== undefined) {
        const report = await evaluationReport({
          name: `${basename(run)} on ${split}`,
          backend,
          model,
          weights,
          data,
          classNames: info.classNames,
          evaluation,
          seed: info.recipe.seed,
        });
        const layers =
          flags.layers === true ? await layerStatistics(backend, { model, info, weights }, data) : undefined;
        await writeReport({ ...report, layers }, flags.report);
        context.log.info(`report  ${flags.report}`);
      }
    } finally {
      await data.close();
    }
  } finally {
    await backend.close();
  }
}

/** Scores of the mean over views; a picture that could not be decoded has none. */
function viewsEvaluator(predict: Predictor, classes: number) {
  return async (...[weights, data, options]: Parameters<Predictor>): Promise<Evaluation> => {
    const probabilities = await predict(weights, data, options);
    const confusion = new Confusion(classes);
    let loss = 0;
    for (const [n, label] of data.labels.entries()) {
      const row = probabilities.subarray(n * classes, (n + 1) * classes);
      const highest = Math.max(...row);
      if (highest === 0) continue;
      confusion.add(label, row.indexOf(highest));
      loss -= Math.log(Math.max(row[label], Number.MIN_VALUE));
    }
    return { probabilities, confusion, loss: loss / Math.max(1, confusion.total) };
  };
}

function requireSameClasses(info: CheckpointInfo, data: Dataset, path: string): void {
  const known = info.classNames;
  const at = data.classNames.findIndex((name, i) => name !== known[i]);
  if (at === -1 && data.classNames.length <= known.length) return;
  throw new UsageError('CLASSES', `the classes of ${data.name} are not those that ${path} was trained on`, {
    expected: `${known.length} classes${at >= 0 && at < known.length ? `, class ${at} being "${known[at]}"` : ''}`,
    received: `${data.classNames.length} classes${at >= 0 ? `, class ${at} being "${data.classNames[at]}"` : ''}`,
  });
}

function scoresJson(
  confusion: Confusion,
  loss: number,
  classNames: readonly string[],
  calibration: RunCalibration | undefined,
): string {
  // prettier-ignore
  const { total: examples, accuracy, macroPrecision, macroRecall, macroF1, weightedF1 } = confusion;
  const classes = confusion.classes().map((scores, i) => ({ name: classNames[i], ...scores }));
  return JSON.stringify(
    {
      examples,
      loss,
      accuracy,
      macroPrecision,
      macroRecall,
      macroF1,
      weightedF1,
      calibration: calibration && {
        temperature: calibration.temperature,
        errorBefore: calibration.errorBefore,
        errorAfter: calibration.errorAfter,
      },
      classes,
      confusion: [...confusion.counts],
    },
    null,
    2,
  );
}

function scoresText(
  confusion: Confusion,
  loss: number,
  classNames: readonly string[],
  calibration: RunCalibration | undefined,
): string {
  // prettier-ignore
  const share = (value: number) => value.toFixed(4);
  const rows = confusion
    .classes()
    .map((scores, i) => [
      classNames[i],
      share(scores.precision),
      share(scores.recall),
      share(scores.f1),
      String(scores.support),
    ]);
  const table = formatTable(
    [
      ['class', 'precision', 'recall', 'F1', 'images'],
      ...rows,
      [
        'macro',
        share(confusion.macroPrecision),
        share(confusion.macroRecall),
        share(confusion.macroF1),
        String(confusion.total),
      ],
    ],
    [1, 2, 3, 4],
  );
  const parts = [
    table,
    '',
    `accuracy ${share(confusion.accuracy)} · macro F1 ${share(confusion.macroF1)} · loss ${share(loss)}`,
  ];
  if (calibration !== undefined) {
    const { temperature, errorBefore, errorAfter } = calibration;
    parts.push(
      `calibration error ${share(errorBefore)}; at temperature ${temperature.toFixed(2)} ${share(errorAfter)}`,
    );
  }
  if (classNames.length <= 12) parts.push('', confusionText(confusion, classNames));
  return parts.join('\n');
}

/** Rows are true classes, columns predicted ones. */
function confusionText(confusion: Confusion, names: readonly string[]): string {
  const { length } = names;
  const rows = names.map((name, i) => [
    name,
    ...Array.from({ length }, (_, j) => String(confusion.counts[i * length + j])),
  ]);
  return formatTable(
    [['true \\ predicted', ...names], ...rows],
    names.map((_, i) => i + 1),
  );
}
