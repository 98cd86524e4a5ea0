import { InvalidArgumentError, Option, type Command } from 'commander';
import { formatCount, plural, startProgress, writeFile } from '../../base/index.ts';
import { DIFFICULTIES, drawContactSheet, drawDataset, type Difficulty } from '../../data/index.ts';
import type { Context } from '../command.ts';
import { FlagError } from '../flag-error.ts';
import { requireEnding } from '../require-ending.ts';

interface Flags {
  readonly out?: string;
  readonly classes: number;
  readonly size: number;
  readonly train: number;
  readonly val: number;
  readonly test: number;
  readonly seed: number;
  readonly difficulty: Difficulty;
  readonly shards?: number;
  readonly force?: boolean;
  readonly preview?: string;
  readonly json?: boolean;
}

/** `sepal data make`: draws flowers into TFRecords, or an overview of them into a picture. */
export function addDataMake(data: Command, context: () => Context): void {
  data
    .command('make')
    .description('draw a data set of flowers: no download, any size, as hard as you like')
    .option('--out <dir>', 'folder to make')
    .option('--classes <n>', 'how many species, 2 to 104', integer, 5)
    .option('--size <pixels>', 'side of the pictures: 192, 224, 331 or 512', integer, 192)
    .option('--train <n>', 'pictures to train on, over all classes', integer, 800)
    .option('--val <n>', 'pictures to validate on', integer, 150)
    .option('--test <n>', 'pictures without labels', integer, 150)
    .option('--seed <n>', 'the same seed draws the same pictures', integer, 0)
    .addOption(
      new Option('--difficulty <level>', 'how far pictures of one species differ')
        .choices(DIFFICULTIES)
        .default('medium'),
    )
    .option('--shards <n>', 'TFRecord files in each split (default: one for each 250 pictures, 16 at most)', integer)
    .option('--force', 'replace the data set that is in the folder')
    .option('--json', 'print JSON')
    .option('--preview <file>', 'write an overview of the species as a PNG file; without --out, nothing else')
    .addHelpText(
      'after',
      '\nExamples:\n  sepal data make --out flowers\n' +
        '  sepal data make --out petals --classes 104 --train 12000 --val 3000 --difficulty hard\n' +
        '  sepal data make --classes 104 --preview species.png',
    )
    .action(async (flags: Flags) => {
      await make(flags, context());
    });
}

async function make(flags: Flags, { log, signal }: Context): Promise<void> {
  const { out, preview, ...options } = flags;
  if (out === undefined && preview === undefined) {
    throw new FlagError('NOTHING_TO_DO', 'nowhere to write to', {
      hint: 'give a folder with --out DIR, or an overview file with --preview FILE.png',
    });
  }
  if (preview !== undefined) requireEnding(preview, '.png', '--preview');
  let drawn: { readonly classes: number; readonly images: object } | undefined;
  if (out !== undefined) {
    const progress = startProgress({ label: 'drawing', total: flags.train + flags.val + flags.test, unit: 'images/s' });
    let made;
    try {
      made = await drawDataset({ ...options, out, signal, onProgress: (done) => progress.update(done) });
    } finally {
      progress.stop();
    }
    drawn = { classes: made.classes.length, images: made.images };
    const { train, val, test } = made.images;
    log.info(
      `drew ${plural(made.classes.length, 'species', 'species')} into ${out}: ${formatCount(train)} pictures to train on, ` +
        `${formatCount(val)} to validate, ${formatCount(test)} to test`,
    );
  }
  if (preview !== undefined) {
    const { classes, seed, difficulty } = options;
    await writeFile(preview, drawContactSheet({ classes, seed, difficulty }));
    log.info(`overview in ${preview}`);
  }
  if (flags.json === true) console.log(JSON.stringify({ out, ...drawn, preview }, null, 2));
}

function integer(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('expected a whole number');
  return Number(text);
}
