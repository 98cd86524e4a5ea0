import { Argument, Option, type Command } from 'commander';
import { formatCount, plural, startProgress, type Progress } from '../../base/index.ts';
import { findPublicSet, getDataset, PUBLIC_SETS } from '../../data/index.ts';
import type { Context } from '../command.ts';
import { parseCount, parseNatural } from '../numbers.ts';
import { transferDisplay } from '../transfer-display.ts';
import { wrapText } from '../wrap-text.ts';

interface Flags {
  readonly out?: string;
  readonly size?: number;
  readonly seed: number;
  readonly force?: boolean;
  readonly mirror?: string;
  readonly kaggleApi?: string;
  readonly json?: boolean;
}

const SETS = PUBLIC_SETS.map(
  ({ name, summary, licence }) => `  ${name}\n${wrapText(`${summary}; ${licence}`, '    ')}`,
).join('\n');

/** `sepal data get NAME`. */
export function addDataGet(data: Command, context: () => Context): void {
  data
    .command('get')
    .description('download a public data set, verified, and make TFRecord files of it that sepal train reads')
    .addArgument(new Argument('<name>', 'data set').choices(PUBLIC_SETS.map(({ name }) => name)))
    .option('--out <dir>', 'folder to make (default: the name)')
    .option('--size <pixels>', 'side of the square pictures (default: 192)', parseCount)
    .option('--seed <n>', 'the same seed splits the same way, where there are no official splits', parseNatural, 0)
    .option('--mirror <url>', 'folder on the web that has the same files, in place of their publisher')
    .option('--force', 'replace the data set that is in the folder')
    .option('--json', 'print JSON')
    .addOption(new Option('--kaggle-api <url>').hideHelp())
    .addHelpText(
      'after',
      `\nData sets:\n${SETS}\n\nA broken download resumes where it stopped. What was downloaded stays in the\ncache.\n\n` +
        'Examples:\n  sepal data get tf_flowers\n  sepal data get oxford102 --size 224 --out flowers',
    )
    .action(async (name: string, flags: Flags) => {
      await get(name, flags, context());
    });
}

async function get(name: string, flags: Flags, { log, signal }: Context): Promise<void> {
  const set = findPublicSet(name);
  const out = flags.out ?? set.name;
  let transfer: { readonly file: string; readonly display: ReturnType<typeof transferDisplay> } | undefined;
  let bar: Progress | undefined;
  let result;
  try {
    result = await getDataset(set, {
      ...flags,
      out,
      signal,
      onNotice: (line) => {
        log.warn(line);
      },
      onTransfer(file, progress) {
        if (transfer?.file !== file) {
          transfer?.display.stop();
          transfer = { file, display: transferDisplay(file) };
        }
        transfer.display.update(progress);
      },
      onProgress(done, total) {
        transfer?.display.stop();
        bar ??= startProgress({ label: 'converting', total, unit: 'images/s' });
        bar.update(done);
      },
    });
  } finally {
    transfer?.display.stop();
    bar?.stop();
  }
  const { classNames, images } = result;
  if (flags.json === true) console.log(JSON.stringify({ name, out, classes: classNames.length, images }, null, 2));
  log.info(
    `${plural(classNames.length, 'class', 'classes')} in ${out}: ${formatCount(images.train)} pictures to train on, ` +
      `${formatCount(images.val)} to validate, ${formatCount(images.test)} to test (${set.licence})`,
  );
}
