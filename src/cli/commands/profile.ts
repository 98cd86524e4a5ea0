import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startProgress, writeFile } from '../../base/index.ts';
import { buildModel } from '../../models/index.ts';
import { chromeTrace, flamePage, kindTimes, layerTimes, profileStep, profileTable } from '../../profile/index.ts';
import { computeTypeOf, featureSplit, modelRequest, phasesOf, RECIPE_FILE } from '../../train/index.ts';
import type { AddCommand, Context } from '../command.ts';
import { addDeviceOptions, openDevice, type DeviceFlags } from '../device-flags.ts';
import { parseCount } from '../numbers.ts';
import { recipeFrom } from '../train/recipe-source.ts';

interface Flags extends DeviceFlags {
  readonly classes: number;
  readonly model?: string;
  readonly size?: number;
  readonly batchSize?: number;
  readonly set?: readonly string[];
  readonly repeats: number;
  readonly top: number;
  readonly out?: string;
  readonly trace?: string;
  readonly json?: boolean;
}

/** `sepal profile RECIPE|RUN`. */
export const addProfile: AddCommand = (program, context) => {
  const command = program
    .command('profile')
    .description('measure where a training step’s time goes, by layer and kind of op')
    .argument('[recipe]', 'a recipe file, the name of one that comes with Sepal, or a run’s folder', 'cnn')
    .option('--model <name>', 'architecture (sepal models lists them)')
    .option('--size <px>', 'height and width of the images', parseCount)
    .option('--batch-size <n>', 'images a step', parseCount)
    .option('--classes <n>', 'number of classes', parseCount, 104)
    .option('--set <path=value...>', 'any setting of the recipe, such as optimizer.name=adam')
    .option('--repeats <n>', 'runs of the step and of each kernel; the fastest counts', parseCount, 5)
    .option('--top <n>', 'layers to list', parseCount, 20)
    .option('--out <file>', 'write a flame chart, HTML')
    .option('--trace <file>', 'write the kernels as a trace for Perfetto, speedscope or Chrome, JSON')
    .option('--json', 'print JSON');
  addDeviceOptions(command)
    .addHelpText(
      'after',
      `
The step is compiled as sepal train compiles it, of a recipe with phases in the
last one, of frozen layers without those whose features are computed once; it
runs on random numbers. A GPU or TPU records the kernels of whole steps. On a
CPU each kernel runs by itself, which takes longer than in a step, where kernels
overlap and find their numbers in a cache; the table shows the step's own time
beside their sum.

Examples:
  sepal profile tf-flowers-cnn --out flame.html
  sepal profile --model resnet50 --size 192 --batch-size 16 --trace step.json`,
    )
    .action(async (recipe: string, flags: Flags) => {
      await profile(recipe, flags, context());
    });
};

async function profile(recipeOrRun: string, flags: Flags, context: Context): Promise<void> {
  const kept = join(recipeOrRun, RECIPE_FILE);
  const { recipe } = await recipeFrom(existsSync(kept) ? kept : recipeOrRun, {
    ...flags,
    badRecords: 'skip',
    report: false,
  });
  const backend = await openDevice({ ...flags, replicas: flags.replicas ?? 1 }, context);
  try {
    const phases = phasesOf(recipe);
    const phase = phases[phases.length - 1];
    const size = { height: phase.size, width: phase.size };
    const computeType = computeTypeOf(phase.precision, backend);
    const model = buildModel(modelRequest(phase, { classes: flags.classes, size, computeType }));
    const head = featureSplit(model, phase, { train: 0, validation: 0 })?.head;
    const where = phases.length > 1 ? `, phase ${phases.length} of ${phases.length}` : '';
    context.log.info(
      `compiling a step of ${model.name}${where}${head === undefined ? '' : ', on features computed once'}`,
    );
    let bar: ReturnType<typeof startProgress> | undefined;
    const result = await profileStep(backend, model, phase, {
      head,
      repeats: flags.repeats,
      signal: context.signal,
      onProgress: (done, total) => {
        bar ??= startProgress({ label: 'kernels', total });
        bar.update(done);
      },
    }).finally(() => bar?.stop());
    if (flags.out !== undefined) await writeFile(flags.out, flamePage(result));
    if (flags.trace !== undefined) await writeFile(flags.trace, JSON.stringify(chromeTrace(result)));
    if (flags.json === true) {
      const { kernels, ...whole } = result;
      const byKind = Object.fromEntries(kindTimes(result));
      console.log(JSON.stringify({ ...whole, byKind, layers: layerTimes(result), kernels }, null, 2));
    } else {
      console.log(profileTable(result, flags.top));
    }
  } finally {
    await backend.close();
  }
}
