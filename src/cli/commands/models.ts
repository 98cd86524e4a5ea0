import { formatTable } from '../../base/index.ts';
import { buildModel, forwardFlops, matchFamilies, weightsOf, type ModelFamily } from '../../models/index.ts';
import type { AddCommand } from '../command.ts';
import { parseCount } from '../numbers.ts';

interface ModelsFlags {
  readonly size?: number;
  readonly classes: number;
  readonly json?: boolean;
}

/** `sepal models`. */
export const addModels: AddCommand = (program) => {
  program
    .command('models')
    .description('architectures, with input size, parameters, cost and published weights')
    .argument('[patterns...]', 'names, or quoted patterns with * and ?')
    .option('--size <pixels>', 'height and width of the images (default: what each was made for)', parseCount)
    .option('--classes <n>', 'number of classes', parseCount, 1000)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nGFLOPs count the forward pass of one image, a multiply-add as two operations.\nThe last column has the weights that --weights downloads by name, with their\nlicence; --weights takes files and hf://OWNER/NAME too.\n' +
        "\nExamples:\n  sepal models\n  sepal models 'efficientnet-b?' --size 192 --classes 104",
    )
    .action((patterns: string[], flags: ModelsFlags) => {
      const rows = matchFamilies(patterns).map((family) => describe(family, flags));
      console.log(flags.json ? JSON.stringify(rows, null, 2) : toTable(rows));
    });
};

interface ModelRow {
  readonly name: string;
  readonly size: number;
  readonly parameters: number;
  readonly trainable: number;
  readonly flops: number;
  readonly year: number | null;
  readonly summary: string;
  /** What `--weights` takes besides files. */
  readonly weights: readonly { readonly tag: string; readonly licence: string; readonly provenance: string }[];
}

function describe({ name, inputSize, year, summary }: ModelFamily, flags: ModelsFlags): ModelRow {
  const size = flags.size ?? inputSize;
  const model = buildModel({ name, classes: flags.classes, size: { height: size, width: size } });
  const { total, trainable } = model.parameters;
  const weights = weightsOf(name).map(({ tag, licence, provenance }) => ({ tag, licence, provenance }));
  return { name, size, parameters: total, trainable, flops: forwardFlops(model), year: year ?? null, summary, weights };
}

function toTable(rows: readonly ModelRow[]): string {
  const header = ['model', 'size', 'parameters', 'GFLOPs', 'year', '', 'weights'];
  const cells = rows.map(({ name, size, parameters, flops, year, summary, weights }) => [
    name,
    String(size),
    `${(parameters / 1e6).toFixed(1)} M`,
    (flops / 1e9).toFixed(flops < 1e10 ? 2 : 1),
    year === null ? '' : String(year),
    summary,
    weights.map(({ tag, licence }) => `${tag} (${licence})`).join(', '),
  ]);
  return formatTable([header, ...cells], [1, 2, 3]);
}
