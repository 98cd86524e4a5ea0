// One process of Sepal that runs training or inference steps: `step-sepal.ts CASE MODEL SIZE BATCH DEVICE PRECISION [CACHE]`, with the
// protocol of its peer, peers/step.py. CACHE is the folder of compiled programs.
import { createInterface } from 'node:readline';
import { gatherLargePages } from '../src/pjrt/index.ts';
import { Random } from '../src/base/index.ts';
import { buildModel } from '../src/models/index.ts';
import { CompileCache, jit, openBackend, predictionReplicas, type ArraysOf } from '../src/runtime/index.ts';
import { computeTypeOf } from '../src/train/step/precision.ts';
import { parseRecipe } from '../src/train/recipe/recipe.ts';
import { batchTypes, predictionStep, rowsPerReplica, stepInputTypes } from '../src/train/step/step.ts';
import { stepProgram } from '../src/train/step/step-program.ts';
import {
  initialState,
  initialWeights,
  seededValues,
  variableTypes,
  type DeviceState,
  type Weights,
} from '../src/train/step/train-state.ts';
import { sepalVersion } from '../src/cli/version.ts';
import type { StepDevice, StepPrecision } from './worker.ts';

const CLASSES = 104;

const [name, modelName, sizeText, batchText, device, precision, cache] = process.argv.slice(2);
const size = Number(sizeText);
const batch = Number(batchText);
const backend = await openBackend({
  device: device as StepDevice,
  // The peers' processes want some of a GPU's memory too.
  preallocate: false,
  replicas: name === 'train' || device !== 'cpu' ? 1 : predictionReplicas(batch),
  compileCache: cache === undefined ? undefined : new CompileCache(cache),
});
const model = buildModel({
  name: modelName,
  classes: CLASSES,
  size: { height: size, width: size },
  computeType: computeTypeOf(precision as StepPrecision, backend),
});
const step = name === 'train' ? await openTraining() : await openInference();
let started = performance.now();
await step();
const accelerator = device === 'cpu' ? undefined : backend.devices[0].kind;
answer({ system: `Sepal ${sepalVersion()}`, firstSeconds: sinceStart(), accelerator });
await step();
// As it is after a minute of running.
await gatherLargePages();
for await (const _ of createInterface({ input: process.stdin })) {
  const before = process.cpuUsage();
  started = performance.now();
  await step();
  const { user, system } = process.cpuUsage(before);
  answer({ seconds: sinceStart(), cpuSeconds: (user + system) / 1e6 });
}
const peakDeviceBytes = accelerator === undefined ? undefined : backend.devices[0].memoryStats()?.peakBytesInUse;
answer({ peakRssBytes: process.resourceUsage().maxRSS * 1024, peakDeviceBytes });
await backend.close();

/** A step of full fine-tuning with Adam, as in training: pixels go up with each step, and its loss comes back. */
async function openTraining(): Promise<() => Promise<void>> {
  const recipe = parseRecipe(
    {
      model: { name: modelName },
      size,
      epochs: 1,
      batchSize: batch,
      optimizer: { name: 'adam' },
      schedule: { name: 'constant', rate: 0.001 },
    },
    'bench',
  );
  const { body, types: all, form, ...program } = stepProgram(model, recipe, 1);
  const compiling = jit(backend, body, all, program);
  const { images, labels, mask } = pictures();
  const types = batchTypes(model, batch);
  const inputs = {
    learningRate: await backend.replicate(Float32Array.of(0.001), stepInputTypes.learningRate),
    key: await backend.replicate(Uint32Array.of(0, 0), stepInputTypes.key),
  };
  let state: DeviceState = await backend.replicateTree(initialState(form, initialWeights(model, seededValues(0))));
  const run = await compiling;
  return async () => {
    const arrays = {
      images: await backend.shard(images, types.images),
      labels: await backend.shard(labels, types.labels),
      mask: await backend.shard(mask, types.mask),
    };
    const { state: next, check } = await run(state, arrays, inputs, { params: {}, statistics: {} });
    state = next;
    await check.summary.toHost();
    for (const array of Object.values({ ...arrays, ...check })) array.dispose();
  };
}

/** A batch of predictions, as `sepal predict` makes them: pixels up, probabilities back. */
async function openInference(): Promise<() => Promise<void>> {
  const { images } = pictures();
  const whole = batchTypes(model, batch).images;
  const { images: part } = batchTypes(model, rowsPerReplica(batch, backend.replicas));
  const run = await jit(backend, predictionStep(model), [variableTypes(model), part], {
    name: `${model.name}_predict`,
    forInference: { weights: 0 },
  });
  const weights: ArraysOf<Weights> = await backend.replicateTree(initialWeights(model, seededValues(0)));
  return async () => {
    const pixels = await backend.shard(images, whole);
    const probabilities = await run(weights, pixels);
    await backend.gather(probabilities);
    probabilities.dispose();
    pixels.dispose();
  };
}

/** Random pictures, as a loader would have made them ready beside all that. */
function pictures(): { images: Uint8Array; labels: Int32Array; mask: Uint8Array } {
  const random = new Random(0, 'bench');
  const images = new Uint8Array(batch * size * size * 3);
  for (let i = 0; i < images.length; i++) images[i] = random.uint32() >>> 24;
  const labels = Int32Array.from({ length: batch }, () => random.integer(CLASSES));
  return { images, labels, mask: new Uint8Array(batch).fill(1) };
}

function sinceStart(): number {
  return (performance.now() - started) / 1000;
}

function answer(values: Record<string, unknown>): void {
  console.log(JSON.stringify(values));
}
