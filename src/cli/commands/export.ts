import { Option } from 'commander';
import { formatBytes, writeFile } from '../../base/index.ts';
import { ONNX_PRECISIONS, onnxModel, stableHloText, writeWebFolder, type OnnxPrecision } from '../../export/index.ts';
import { exportWeights, WEIGHT_FORMATS, weightsOf, type ExportedModel } from '../../models/index.ts';
import { calibrationText, readCalibration, readTrainedModel } from '../../train/index.ts';
import type { AddCommand, Context } from '../command.ts';
import { FlagError } from '../flag-error.ts';
import { parseCount } from '../numbers.ts';
import { requireEnding } from '../require-ending.ts';

const FORMATS = [...WEIGHT_FORMATS, 'onnx', 'web', 'stablehlo'] as const;
type Format = (typeof FORMATS)[number];

/** Formats that are whole programs; the others are weights. */
const GIVING_PROBABILITIES: ReadonlySet<Format> = new Set<Format>(['onnx', 'web', 'stablehlo']);

interface ExportFlags {
  readonly format: Format;
  readonly out: string;
  readonly precision?: OnnxPrecision;
  readonly batchSize?: number;
  readonly calibration: boolean;
  readonly json?: boolean;
}

/** `sepal export RUN`. */
export const addExport: AddCommand = (program, context) => {
  program
    .command('export')
    .description('a trained model for other programs')
    .argument('<run>', 'run folder, or a .safetensors file that sepal train wrote')
    .addOption(new Option('--format <name>', 'which program is to load it').choices(FORMATS).makeOptionMandatory())
    .requiredOption('--out <path>', 'file or folder to write')
    .addOption(
      new Option(
        '--precision <type>',
        'onnx, web: what weights are stored in and layers compute in (default: float32)',
      ).choices(ONNX_PRECISIONS),
    )
    .option('--batch-size <n>', 'stablehlo: images a call (default: 1)', parseCount)
    .option('--no-calibration', 'onnx, web, stablehlo: probabilities without the temperature that validation asked for')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
timm         weights as .safetensors; a path without that ending is a folder for
             timm.create_model('local-dir:FOLDER', pretrained=True)
torchvision  weights as .safetensors
keras        weights as .weights.h5 (Keras 3) or .h5 (the older form)
onnx         the whole model, from uint8 images [batch, height, width, 3] to
             logits and probabilities
web          a page that names photos in the browser: a folder that any server
             of plain files can show
stablehlo    the inference program as text, its weights as arguments

Examples:
  sepal export runs/first --format onnx --out flowers.onnx
  sepal export runs/first --format web --out flowers-page && npx http-server flowers-page
  sepal export runs/first --format timm --out flowers-timm
  sepal export runs/first --format keras --out flowers.weights.h5`,
    )
    .action(async (run: string, flags: ExportFlags) => {
      await runExport(run, flags, context());
    });
};

/** What was written, and what loads it. */
interface Written {
  readonly files: readonly string[];
  /** Who reads them: `ONNX Runtime`, or an architecture as the other framework calls it. */
  readonly reader: string;
}

async function runExport(run: string, flags: ExportFlags, { log }: Context): Promise<void> {
  checkFlags(flags);
  const { model, info, values, path } = await readTrainedModel(run);
  const { classNames, preprocess, recipe } = info;
  // That of the weights that training began with goes along; weights from a file come without one.
  const licence = weightsOf(model.name).find(({ tag }) => tag === recipe.weights)?.licence;
  // Who takes the weights alone gets them as they were trained.
  const gives = GIVING_PROBABILITIES.has(flags.format);
  const calibration = gives && flags.calibration ? await readCalibration(path, info) : undefined;
  const exported = { model, values, preprocess, classNames, licence, temperature: calibration?.temperature };
  const { files, reader } = await write(exported, flags);
  if (flags.json === true) {
    console.log(JSON.stringify({ format: flags.format, architecture: model.name, for: reader, files }, null, 2));
    return;
  }
  for (const file of files) console.log(file);
  log.info(`for     ${reader}, ${classNames.length} classes`);
  if (calibration !== undefined) log.info(`probabilities at ${calibrationText(calibration)}`);
}

function checkFlags({ format, precision, batchSize, calibration }: ExportFlags): void {
  const strays = [
    ...(precision !== undefined && format !== 'onnx' && format !== 'web' ? ['--precision'] : []),
    ...(calibration || GIVING_PROBABILITIES.has(format) ? [] : ['--no-calibration']),
    ...(batchSize !== undefined && format !== 'stablehlo' ? ['--batch-size'] : []),
  ];
  if (strays.length > 0) throw new FlagError('FLAG', `${strays.join(' and ')} means nothing to --format ${format}`);
}

async function write(exported: ExportedModel, { format, out, precision, batchSize }: ExportFlags): Promise<Written> {
  switch (format) {
    case 'onnx': {
      requireEnding(out, '.onnx');
      const bytes = onnxModel(exported, precision);
      await writeFile(out, bytes);
      return { files: [out], reader: `ONNX Runtime (${formatBytes(bytes.length)})` };
    }
    case 'web':
      return { files: await writeWebFolder(exported, out, precision), reader: 'a browser' };
    case 'stablehlo':
      await writeFile(out, stableHloText(exported, batchSize));
      return { files: [out], reader: 'XLA' };
    case 'timm':
    case 'torchvision':
    case 'keras': {
      const { files, architecture } = await exportWeights(exported, format, out);
      return { files, reader: architecture };
    }
    default:
      return format satisfies never;
  }
}
