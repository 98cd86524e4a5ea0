import { Option } from 'commander';
import { exportWeights, WEIGHT_FORMATS, type WeightFormat } from '../../models/index.ts';
import { readTrainedModel } from '../../train/index.ts';
import type { AddCommand, Context } from '../command.ts';

interface ExportFlags {
  readonly format: WeightFormat;
  readonly out: string;
  readonly json?: boolean;
}

/** `sepal export RUN`. */
export const addExport: AddCommand = (program, context) => {
  program
    .command('export')
    .description('a trained model for other programs')
    .argument('<run>', 'run folder, or a .safetensors file that sepal train wrote')
    .addOption(new Option('--format <name>', 'who shall load it').choices(WEIGHT_FORMATS).makeOptionMandatory())
    .requiredOption('--out <path>', 'file or folder to write')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
timm         weights as .safetensors; a path without that ending is a folder for
             timm.create_model('local-dir:FOLDER', pretrained=True)
torchvision  weights as .safetensors
keras        weights as .weights.h5 (Keras 3) or .h5 (the older form)

Examples:
  sepal export runs/first --format timm --out flowers-timm
  sepal export runs/first --format keras --out flowers.weights.h5`,
    )
    .action(async (run: string, flags: ExportFlags) => {
      await runExport(run, flags, context());
    });
};

async function runExport(run: string, { format, out, json }: ExportFlags, { log }: Context): Promise<void> {
  const { model, info, values } = await readTrainedModel(run);
  const { classNames, preprocess } = info;
  const { files, architecture } = await exportWeights({ model, values, preprocess, classNames }, format, out);
  if (json === true) {
    console.log(JSON.stringify({ format, architecture, files }, null, 2));
    return;
  }
  for (const file of files) console.log(file);
  log.info(`for     ${architecture} with ${classNames.length} classes`);
}
