import { InvalidArgumentError, Option, type Command } from 'commander';
import { formatCount, plural, startProgress, type Progress } from '../../base/index.ts';
import { convertFolder, type BadRecords, type LabelTable } from '../../data/index.ts';
import type { Context } from '../command.ts';
import { FlagError } from '../flag-error.ts';
import { describeSkipped } from './data-check.ts';
import { parseCount, parseNatural } from '../numbers.ts';

interface Flags {
  readonly out: string;
  readonly size: number;
  readonly val: number;
  readonly test: number;
  readonly seed: number;
  readonly quality: number;
  readonly badRecords: BadRecords;
  readonly force?: boolean;
  readonly labels?: string;
  readonly fileColumn?: string;
  readonly labelColumn?: string;
  readonly json?: boolean;
}

/** `sepal data convert`: a folder of photos per class becomes TFRecord files. */
export function addDataConvert(data: Command, context: () => Context): void {
  data
    .command('convert')
    .description('make TFRecord files, split for training, from photos in folders or a table, or from Parquet files')
    .argument(
      '<folder>',
      'folder with one folder per class, such as daisy/1.jpg; any folder with --labels; or Parquet files',
    )
    .requiredOption('--out <dir>', 'folder to make')
    .option('--labels <csv>', 'table with a line for each photo, naming its file and its class')
    .option('--file-column <name>', 'column of the table with the files, where it has an unusual name')
    .option('--label-column <name>', 'column of the table with the classes, where it has an unusual name')
    .option('--size <pixels>', 'side of the square pictures; photos are cropped at their centre', parseCount, 224)
    .option('--val <share>', 'share of each class to validate on', share, 0.15)
    .option('--test <share>', 'share of each class to test on', share, 0.15)
    .option('--seed <n>', 'the same seed splits the same way', parseNatural, 0)
    .option('--quality <n>', 'JPEG quality, 1 to 100; JPEG files of the size already are kept as they are', quality, 95)
    .addOption(
      new Option('--bad-records <policy>', 'what to do with a file that is no readable picture')
        .choices(['fail', 'skip'])
        .default('fail'),
    )
    .option('--force', 'replace the data set that is in the folder')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  sepal data convert photos --out flowers --size 224\n  sepal data convert photos --labels labels.csv --out flowers',
    )
    .action(async (folder: string, flags: Flags) => {
      await convert(folder, flags, context());
    });
}

async function convert(folder: string, flags: Flags, { log, signal }: Context): Promise<void> {
  let bar: Progress | undefined;
  let converted;
  try {
    const onProgress = (done: number, total: number) => {
      bar ??= startProgress({ label: 'converting', total, unit: 'images/s' });
      bar.update(done);
    };
    converted = await convertFolder(folder, { ...flags, table: tableOf(flags), signal, onProgress });
  } finally {
    bar?.stop();
  }
  const { classNames, images, skipped, unlisted } = converted;
  if (unlisted > 0)
    log.warn(
      `${plural(unlisted, 'picture')} of the folder ${unlisted === 1 ? 'is' : 'are'} not in the table and left out`,
    );
  if (flags.json === true) {
    console.log(JSON.stringify({ out: flags.out, classes: classNames.length, images, skipped, unlisted }, null, 2));
  }
  for (const bad of skipped) log.warn(`skipped ${describeSkipped(bad)}`);
  log.info(
    `${plural(classNames.length, 'class', 'classes')} in ${flags.out}: ${formatCount(images.train)} pictures to train on, ` +
      `${formatCount(images.val)} to validate, ${formatCount(images.test)} to test` +
      (skipped.length > 0 ? `; ${formatCount(skipped.length)} skipped` : ''),
  );
}

function tableOf({ labels, fileColumn, labelColumn }: Flags): LabelTable | undefined {
  if (labels !== undefined) return { file: labels, imageColumn: fileColumn, labelColumn };
  if (fileColumn === undefined && labelColumn === undefined) return undefined;
  throw new FlagError('NO_TABLE', 'columns are named, but no table is given', { hint: 'add --labels FILE.csv' });
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value < 1)) throw new InvalidArgumentError('expected a share from 0 to 1');
  return value;
}

function quality(text: string): number {
  const value = parseCount(text);
  if (value > 100) throw new InvalidArgumentError('expected a whole number from 1 to 100');
  return value;
}
