import type { Command } from 'commander';
import { UsageError, writeFile } from '../../base/index.ts';
import { encodeTiles, MAX_PIXELS, type BadRecords } from '../../data/index.ts';
import { mixesPairs, phasesOf, previewAugmentation } from '../../train/index.ts';
import { badRecordsFlag } from '../bad-records-flag.ts';
import type { Context } from '../command.ts';
import { addDeviceOptions, openDevice, type DeviceFlags } from '../device-flags.ts';
import { addFeatureFlags, featureNames, type FeatureFlags } from '../feature-flags.ts';
import { FlagError } from '../flag-error.ts';
import { parseCount, parseSeed } from '../numbers.ts';
import { openSplit } from '../open-split.ts';
import { requireEnding } from '../require-ending.ts';
import { recipeFrom } from '../train/recipe-source.ts';

interface Flags extends DeviceFlags, FeatureFlags {
  readonly recipe: string;
  readonly set?: readonly string[];
  readonly size?: number;
  readonly seed?: number;
  readonly out: string;
  readonly rows: number;
  readonly columns: number;
  readonly badRecords: BadRecords;
  readonly json?: boolean;
}

/** `sepal data show`: a picture of what a model will see in training. */
export function addDataShow(data: Command, context: () => Context): void {
  const command = data
    .command('show')
    .description('write a contact sheet of training images as the model will see them: stored, then augmented')
    .argument('<dir>', 'folder of TFRecords with a train split')
    .option('--recipe <recipe>', 'a recipe file, or the name of one that comes with Sepal', 'cnn')
    .option('--set <path=value...>', 'any setting of the recipe, such as augment.rotate=15')
    .option('--size <px>', 'height and width of the images', parseCount)
    .option('--seed <n>', 'which images and draws', parseSeed)
    .option('--out <file>', 'the PNG file', 'augmented.png')
    .option('--rows <n>', 'images', parseCount, 6)
    .option('--columns <n>', 'pictures of each, the first as it is stored', parseCount, 8)
    .option('--json', 'print JSON')
    .addOption(badRecordsFlag());
  addFeatureFlags(command);
  addDeviceOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  sepal data show flowers --recipe my-recipe.yaml --out augmented.png\n' +
        '  sepal data show flowers --set augment.rotate=20 augment.cutmix=1',
    )
    .action(async (location: string, flags: Flags) => {
      await show(location, flags, context());
    });
}

async function show(location: string, flags: Flags, context: Context): Promise<void> {
  const { set, size, seed, rows, columns, classNames, badRecords } = flags;
  requireEnding(flags.out, '.png');
  const { name, recipe } = await recipeFrom(flags.recipe, {
    ...flags,
    set,
    size,
    seed,
    badRecords,
    report: false,
  });
  // The phase in which the whole model is trained, where there are several.
  const phases = phasesOf(recipe);
  const phase = phases[phases.length - 1];
  if (mixesPairs(phase.augment) && rows % 2 === 1) {
    throw new UsageError('ROWS', 'mixup and CutMix pair images', {
      expected: 'an even number of --rows',
      received: String(rows),
    });
  }
  const pixels = rows * columns * phase.size ** 2;
  if (pixels > MAX_PIXELS) {
    throw new FlagError('FLAG', `a sheet of ${rows} × ${columns} pictures of ${phase.size} px is too large`, {
      expected: `at most ${MAX_PIXELS / 1e6} megapixels`,
      received: `${Math.ceil(pixels / 1e6)} megapixels`,
      hint: 'give fewer --rows or --columns, or a smaller --size',
    });
  }
  const split = await openSplit(
    location,
    {
      split: 'train',
      size: phase.size,
      badRecords,
      classNames,
      features: featureNames(flags),
      labelsRequired: false,
    },
    context,
  );
  try {
    const backend = await openDevice({ ...flags, replicas: 1 }, context);
    try {
      await writeFile(
        flags.out,
        await encodeTiles(await previewAugmentation(backend, phase, split, { rows, columns })),
      );
    } finally {
      await backend.close();
    }
    if (flags.json === true) console.log(JSON.stringify({ file: flags.out, recipe: name, rows, columns }, null, 2));
    context.log.info(
      `${rows} training images by the recipe ${name}, the first of each row as it is stored: ${flags.out}`,
    );
  } finally {
    await split.close();
  }
}
