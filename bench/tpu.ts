import { z } from 'zod';
import { cacheFolder } from '../src/assets/index.ts';
import { UsageError } from '../src/base/index.ts';
import { parseCount } from '../src/cli/numbers.ts';
import { planJson, planRecipe } from '../src/plan/index.ts';
import { tpuTarget } from '../src/runtime/index.ts';
import { parseRecipe } from '../src/train/index.ts';
import { scriptCommand } from '../scripts/script-command.ts';
import { runPeer } from './python.ts';
import { toMarkdown } from './row.ts';

/** Models by both systems' names, with the size of their images. */
const MODELS = [
  { model: 'resnet50', keras: 'ResNet50', size: 192 },
  { model: 'densenet201', keras: 'DenseNet201', size: 512 },
  { model: 'efficientnet-b7', keras: 'EfficientNetB7', size: 512 },
] as const;

/** Keras's ImageNet classifiers with a head for "Petals to the Metal". */
const CLASSES = 104;

const Figures = z.object({
  flops: z.number(),
  bytesAccessed: z.number(),
  stepSeconds: z.number(),
  peakBytes: z.number(),
  compileSeconds: z.number(),
});
type Figures = z.infer<typeof Figures>;

/**
 * `npm run bench -- tpu`: what libtpu's compiler counts on for a training step of Sepal, and of the same model by Keras on
 * JAX, on a TPU that need not be there: Adam, bfloat16, everything trained.
 *
 * Compiling the two large models takes minutes each and system. Sepal's figures are kept by `sepal plan`'s cache.
 */
export const tpuBench = scriptCommand(
  'tpu',
  "a TPU's training step as libtpu's compiler counts on it, beside Keras on JAX",
  'npm run bench -- tpu --models resnet50 --no-peer',
)
  .option('--target <slice>', 'the TPU', 'v3-8')
  .option('--batch <n>', 'pictures of a batch', parseCount, 128)
  .option('--models <names>', 'some of them, with commas', MODELS.map(({ model }) => model).join(','))
  .option('--no-peer', 'leave out Keras on JAX')
  .option('--json', 'print the rows as JSON')
  .action(benchTpu);

interface Flags {
  readonly target: string;
  readonly batch: number;
  readonly models: string;
  readonly peer: boolean;
  readonly json?: boolean;
}

async function benchTpu({ target, batch, models, peer: withPeer, json }: Flags): Promise<void> {
  const { topology } = tpuTarget(target);
  const rows: { readonly model: string; readonly size: number; readonly system: string; readonly figures: Figures }[] =
    [];
  for (const name of models.split(',')) {
    const row = MODELS.find(({ model }) => model === name);
    if (row === undefined) {
      throw new UsageError('MODEL', `the benchmark has no model "${name}"`, {
        expected: MODELS.map(({ model }) => model).join(', '),
      });
    }
    console.error(`${row.model}: Sepal`);
    rows.push({ ...row, system: 'Sepal', figures: await planned(row.model, row.size, batch, target) }); // prettier-ignore
    if (!withPeer) continue;
    console.error(`${row.model}: Keras on JAX`);
    const peer = await runPeer('keras_tpu.py', [topology, row.keras, String(row.size), String(batch)]);
    rows.push({ ...row, system: 'Keras on JAX', figures: Figures.parse(peer) });
  }
  if (json === true) {
    console.log(JSON.stringify(rows, null, 2));
    return;
  }
  const head = ['model', 'px', 'system', 'seconds a step', 'peak GB', 'GFLOP', 'GB moved', 'compiled in'];
  const cells = rows.map(({ model, size, system, figures }) => [
    model,
    String(size),
    system,
    figures.stepSeconds.toFixed(5),
    (figures.peakBytes / 1e9).toFixed(3),
    (figures.flops / 1e9).toFixed(1),
    (figures.bytesAccessed / 1e9).toFixed(2),
    `${figures.compileSeconds.toFixed(0)} s`,
  ]);
  console.log(`${target}, batch ${batch}, a device's share of a step as the compiler estimates it:\n`);
  console.log(toMarkdown([head, ...cells]));
}

async function planned(name: string, size: number, batchSize: number, target: string): Promise<Figures> {
  const recipe = parseRecipe(
    {
      model: { name },
      size,
      epochs: 20,
      batchSize,
      optimizer: { name: 'adam' },
      schedule: { name: 'constant', rate: 0.0001 },
    },
    'bench',
  );
  const plan = await planRecipe({
    recipe,
    classes: CLASSES,
    examples: 16_465,
    validationExamples: 0,
    target,
    programs: [],
    decodeRate: 1,
    cache: cacheFolder('plans'),
  });
  return Figures.parse(planJson(plan));
}
