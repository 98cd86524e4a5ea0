import { Random } from '../src/base/index.ts';
import { parseCount } from '../src/cli/numbers.ts';
import { buildModel } from '../src/models/index.ts';
import { jit, openBackend, type Backend } from '../src/runtime/index.ts';
import { augment, augmentSchema, mixExamples } from '../src/train/augment/index.ts';
import { parseRecipe } from '../src/train/index.ts';
import { stepInputTypes } from '../src/train/step/step.ts';
import { stepProgram } from '../src/train/step/step-program.ts';
import { initialState, initialWeights, seededValues, type DeviceState } from '../src/train/step/train-state.ts';
import { add, full, optimizationBarrier, randomKey, sum, type Tensor } from '../src/xla/index.ts';
import { scriptCommand } from '../scripts/script-command.ts';
import { median, toMarkdown } from './row.ts';

/** Each kind alone, then together. */
const KINDS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  nothing: {},
  'flip and crop (the recipes so far)': { flip: true, crop: { scale: [0.35, 1] } },
  'turn by quarters': { turn: true, flipVertical: true },
  'rotate 15, shear 10, zoom, shift': { rotate: 15, shear: 10, zoom: [0.9, 1.1], shift: 0.1 },
  'rotate 45': { rotate: 45 },
  'brightness, contrast, saturation, hue': { brightness: 0.3, contrast: 0.3, saturation: 0.3, hue: 0.1 },
  grayscale: { grayscale: 0.2 },
  noise: { noise: 0.05 },
  blur: { blur: {} },
  'random erasing': { erase: {} },
  'mixup and CutMix': { mixup: 0.2, cutmix: 1 },
  RandAugment: { preset: { name: 'randaugment' } },
  TrivialAugment: { preset: { name: 'trivialaugment' } },
  'all but presets': {
    flip: true,
    flipVertical: true,
    turn: true,
    crop: { scale: [0.35, 1] },
    rotate: 15,
    shear: 10,
    zoom: [0.9, 1.1],
    shift: 0.1,
    brightness: 0.3,
    contrast: 0.3,
    saturation: 0.3,
    hue: 0.1,
    grayscale: 0.2,
    noise: 0.05,
    blur: {},
    erase: {},
    mixup: 0.2,
    cutmix: 1,
  },
};

/**
 * `npm run bench -- augment`: what augmentation costs beside a training step of the same batch without it, on the CPU.
 *
 * The step and the kinds take turns, so that all of them see the same machine.
 */
export const augmentBench = scriptCommand(
  'augment',
  'each kind of augmentation, beside a training step without it',
  'npm run bench -- augment --model resnet50 --batch 16',
)
  .option('--model <name>', 'whose step it is compared with', 'resnet50')
  .option('--size <px>', 'side of the pictures', parseCount, 192)
  .option('--batch <n>', 'pictures of a batch', parseCount, 16)
  .option('--repeats <n>', 'of everything', parseCount, 5)
  .option('--no-step', 'leave out the step')
  .action(benchAugment);

interface Flags {
  readonly model: string;
  readonly size: number;
  readonly batch: number;
  readonly repeats: number;
  readonly step: boolean;
}

async function benchAugment({ model, size, batch, repeats, step: withStep }: Flags): Promise<void> {
  const backend = await openBackend({ device: 'cpu', replicas: 1 });
  const runs = new Map<string, () => Promise<void>>();
  if (withStep) runs.set('step', await stepRun(backend, model, size, batch));
  for (const [name, settings] of Object.entries(KINDS)) {
    runs.set(name, await augmentRun(backend, settings, size, batch));
  }
  const seconds = new Map<string, number[]>([...runs.keys()].map((name) => [name, []]));
  // Time on processors tells the cost on a machine that others use too.
  const busy = new Map<string, number[]>([...runs.keys()].map((name) => [name, []]));
  for (let repeat = 0; repeat <= repeats; repeat++) {
    for (const [name, run] of runs) {
      const started = performance.now();
      const before = process.cpuUsage();
      await run();
      const { user, system } = process.cpuUsage(before);
      // The first one warms up.
      if (repeat === 0) continue;
      seconds.get(name)!.push((performance.now() - started) / 1000);
      busy.get(name)!.push((user + system) / 1e6);
    }
  }
  const least = (name: string) => Math.min(...seconds.get(name)!);
  const cpu = (name: string) => Math.min(...busy.get(name)!);
  const share = (of: (name: string) => number, name: string) =>
    withStep ? `${((100 * Math.max(0, of(name) - of('nothing'))) / of('step')).toFixed(1)} %` : '';
  const rows = Object.keys(KINDS).map((name) => {
    return [
      name,
      (least(name) * 1000).toFixed(1),
      (median(seconds.get(name)!) * 1000).toFixed(1),
      share(least, name),
      (cpu(name) * 1000).toFixed(1),
      share(cpu, name),
    ];
  });
  const step = withStep ? `; a step takes ${least('step').toFixed(2)} s, ${cpu('step').toFixed(2)} s of CPU` : '';
  console.log(`batch ${batch} of ${size} px, ${model}${step}\n`);
  console.log(
    toMarkdown([
      ['augmentation', 'ms (least)', 'ms (median)', 'of a step', 'CPU ms (least)', "of a step's CPU"],
      ...rows,
    ]),
  );
  await backend.close();
}

async function augmentRun(
  backend: Backend,
  settings: Readonly<Record<string, unknown>>,
  size: number,
  batch: number,
): Promise<() => Promise<void>> {
  const parsed = augmentSchema.parse(settings);
  const images = { shape: [batch, size, size, 3], dtype: 'uint8' } as const;
  const program = await jit(
    backend,
    (pixels: Tensor) => {
      const draws = { key: randomKey(1), firstExample: full([], 0, 'uint32') };
      const changed = augment(pixels, parsed, draws);
      const mixed = mixExamples(changed, full([batch], 0, 'int32'), full([batch], 1, 'float32'), parsed, draws);
      // Written out in full, as the model's first layer would have it; the sum is all that comes back.
      const [result] = optimizationBarrier([mixed?.images ?? changed]);
      return mixed === undefined ? sum(result) : add(sum(result), sum(mixed.share));
    },
    [images],
    { name: 'augment' },
  );
  const random = new Random(1, 'pixels');
  const pixels = await backend.replicate(
    Uint8Array.from({ length: batch * size * size * 3 }, () => random.integer(256)),
    images,
  );
  return async () => {
    const result = await program(pixels);
    await result.toHost();
    result.dispose();
  };
}

/** A training step with SGD on random pictures, without augmentation. */
async function stepRun(backend: Backend, name: string, size: number, batch: number): Promise<() => Promise<void>> {
  const recipe = parseRecipe(
    {
      model: { name },
      size,
      epochs: 1,
      batchSize: batch,
      optimizer: { name: 'sgd', momentum: 0.9 },
      schedule: { name: 'constant', rate: 1e-4 },
    },
    'bench',
  );
  const model = buildModel({ ...recipe.model, classes: 104, size: { height: size, width: size } });
  const { body, types, form, ...program } = stepProgram(model, recipe, 1);
  const step = await jit(backend, body, types, program);
  const random = new Random(2, 'pixels');
  const arrays = {
    images: await backend.replicate(
      Uint8Array.from({ length: batch * size * size * 3 }, () => random.integer(256)),
      { shape: [batch, size, size, 3], dtype: 'uint8' },
    ),
    labels: await backend.replicate(new Int32Array(batch), { shape: [batch], dtype: 'int32' }),
    mask: await backend.replicate(new Uint8Array(batch).fill(1), { shape: [batch], dtype: 'uint8' }),
  };
  const inputs = {
    learningRate: await backend.replicate(Float32Array.of(1e-4), stepInputTypes.learningRate),
    key: await backend.replicate(Uint32Array.of(0, 1), stepInputTypes.key),
  };
  let state: DeviceState = await backend.replicateTree(initialState(form, initialWeights(model, seededValues(0))));
  return async () => {
    const { state: next, check } = await step(state, arrays, inputs, { params: {}, statistics: {} });
    state = next;
    await check.summary.toHost();
    for (const array of Object.values(check)) array.dispose();
  };
}
