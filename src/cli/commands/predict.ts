import { Option } from 'commander';
import { formatTable, startProgress, UsageError, writeFile } from '../../base/index.ts';
import { holdsRecords, kindOfPath, openImages, SPLITS, type Dataset, type Split } from '../../data/index.ts';
import { decodedByAll, pickRows, scaleByTemperature } from '../../metrics/index.ts';
import {
  calibrationText,
  compilePredictor,
  evenBatch,
  loadTrainedModel,
  readCalibration,
  type CheckpointInfo,
} from '../../train/index.ts';
import { badRecordsFlag } from '../bad-records-flag.ts';
import { csvCell } from '../csv-cell.ts';
import type { AddCommand, Context } from '../command.ts';
import { addDeviceOptions, openDevice, type DeviceFlags } from '../device-flags.ts';
import { addFeatureFlags, featureNames, type FeatureFlags } from '../feature-flags.ts';
import { FlagError } from '../flag-error.ts';
import { parseCount } from '../numbers.ts';
import { openSplit } from '../open-split.ts';

interface PredictFlags extends DeviceFlags, FeatureFlags {
  readonly top: number;
  readonly split?: Split;
  readonly csv?: string;
  readonly json?: boolean;
  readonly batchSize: number;
  readonly calibration: boolean;
  readonly badRecords: 'fail' | 'skip';
}

/** `sepal predict RUN IMAGE…`. */
export const addPredict: AddCommand = (program, context) => {
  const command = program
    .command('predict')
    .description('class probabilities for photos, folders of photos, and TFRecords')
    .argument('<run>', 'run folder, or a .safetensors file that sepal train wrote')
    .argument('<images...>', 'photos, folders of photos, or one TFRecord file or folder of TFRecords')
    .option('--top <k>', 'how many classes to show', parseCount, 3)
    .addOption(new Option('--split <name>', 'which part of a folder of TFRecords').choices(SPLITS))
    .option('--csv <file>', 'write all probabilities as CSV')
    .option('--batch-size <n>', 'images a step, over all replicas', parseCount, 32)
    .option(
      '--no-calibration',
      'probabilities as the network gives them, without the temperature that validation asked for',
    )
    .addOption(badRecordsFlag('damaged images'))
    .option('--json', 'print JSON');
  addFeatureFlags(command);
  addDeviceOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  sepal predict runs/first rose.jpg\n  sepal predict runs/first photos/ --csv probabilities.csv',
    )
    .action(async (run: string, images: string[], flags: PredictFlags) => {
      await predict(run, images, flags, context());
    });
};

async function predict(run: string, images: readonly string[], flags: PredictFlags, context: Context): Promise<void> {
  const backend = await openDevice(flags, context, { predicts: await mostRows(images, flags.batchSize) });
  try {
    const { model, info, weights, path } = await loadTrainedModel(backend, run);
    const calibration = flags.calibration ? await readCalibration(path, info) : undefined;
    const data = await openPictures(images, info, flags, context);
    try {
      const pictures = data.count;
      // Opening it has told of these.
      const skippedBefore = data.skipped.length;
      // Doubled from 1 on, so that other numbers of photos find their program in the cache.
      const wanted = Math.min(flags.batchSize, 2 ** Math.ceil(Math.log2(pictures)));
      const predictor = await compilePredictor(backend, model, evenBatch(wanted, backend.replicas), { pictures });
      const bar = startProgress({ label: 'predicting', total: pictures, unit: 'images/s' });
      const all = await predictor(weights, data, {
        signal: context.signal,
        onProgress: (done) => bar.update(done),
      }).finally(() => bar.stop());
      const decoded = decodedByAll([all], model.classes);
      const names = decoded.map((n) => data.ids[n]);
      const raw = pickRows(all, decoded, model.classes);
      const probabilities =
        calibration === undefined ? raw : scaleByTemperature(raw, model.classes, calibration.temperature);
      if (calibration !== undefined) context.log.info(`probabilities at ${calibrationText(calibration)}`);
      for (const { file, record, reason } of data.skipped.slice(skippedBefore))
        context.log.warn(`skipped ${file}${record === undefined ? '' : `, record ${record}`}: ${reason}`);
      const predictions = rank(names, probabilities, info.classNames, flags.top);
      console.log(flags.json === true ? JSON.stringify(predictions, null, 2) : predictionText(predictions));
      if (flags.csv !== undefined) {
        await writeFile(flags.csv, probabilitiesCsv(names, probabilities, info.classNames));
        context.log.info(`probabilities  ${flags.csv}`);
      }
    } finally {
      await data.close();
    }
  } finally {
    await backend.close();
  }
}

/** Rows of a batch, as far as paths tell: photos one by one are no more than their paths, so that one of them has all cores. */
async function mostRows(paths: readonly string[], batchSize: number): Promise<number> {
  if (paths.length >= batchSize) return batchSize;
  const singles = await Promise.all(paths.map(isPhoto));
  return singles.every(Boolean) ? paths.length : batchSize;
}

async function isPhoto(path: string): Promise<boolean> {
  return (await kindOfPath(path)) === 'file' && !(await holdsRecords(path));
}

/** Photos, unless the one path given is a TFRecord file or a folder that holds some. */
async function openPictures(
  paths: readonly string[],
  info: CheckpointInfo,
  flags: PredictFlags,
  context: Context,
): Promise<Dataset> {
  const { badRecords, split, classNames = info.classNames } = flags;
  const records: string[] = [];
  for (const path of paths) if (await holdsRecords(path)) records.push(path);
  if (records.length === 0) {
    requireNoneForRecords(flags);
    return openImages(paths, { size: info.size, classNames: info.classNames, badRecords });
  }
  if (paths.length > 1) {
    throw new UsageError('MIXED_INPUT', `${records[0]} holds TFRecords, which are predicted by themselves`, {
      hint: 'give one TFRecord file or folder, or photos only',
    });
  }
  return openSplit(
    paths[0],
    {
      split,
      size: info.size,
      classNames,
      badRecords,
      features: featureNames(flags),
      labelsRequired: false,
    },
    context,
  );
}

/** Flags that say how TFRecords are read would be passed over for photos. */
function requireNoneForRecords({ split, classNames, imageFeature, labelFeature, idFeature }: PredictFlags): void {
  const given = {
    '--split': split,
    '--class-names': classNames,
    '--image-feature': imageFeature,
    '--label-feature': labelFeature,
    '--id-feature': idFeature,
  };
  const strays = Object.entries(given).flatMap(([flag, value]) => (value === undefined ? [] : [flag]));
  if (strays.length > 0) throw new FlagError('FLAG', `only TFRecords take ${strays.join(' and ')}`);
}

interface Prediction {
  readonly image: string;
  readonly classes: readonly { readonly name: string; readonly probability: number }[];
}

function rank(
  images: readonly string[],
  probabilities: Float32Array,
  classNames: readonly string[],
  top: number,
): Prediction[] {
  const { length } = classNames;
  return images.map((image, i) => {
    const row = probabilities.subarray(i * length, (i + 1) * length);
    const order = [...row.keys()].toSorted((a, b) => row[b] - row[a]).slice(0, top);
    return { image, classes: order.map((c) => ({ name: classNames[c], probability: row[c] })) };
  });
}

function predictionText(predictions: readonly Prediction[]): string {
  return formatTable(
    predictions.map(({ image, classes }) => [
      image,
      ...classes.flatMap(({ name, probability }) => [name, `${(100 * probability).toFixed(1)} %`]),
    ]),
    [2, 4, 6, 8, 10],
  );
}

function probabilitiesCsv(
  images: readonly string[],
  probabilities: Float32Array,
  classNames: readonly string[],
): string {
  const { length } = classNames;
  const rows = images.map((id, i) =>
    [csvCell(id), ...Array.from(probabilities.subarray(i * length, (i + 1) * length), (p) => p.toPrecision(7))].join(
      ',',
    ),
  );
  return `${[['image', ...classNames.map(csvCell)].join(','), ...rows].join('\n')}\n`;
}
