import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatBytes, treeLeaves } from '../src/base/index.ts';
import { parseCount } from '../src/cli/numbers.ts';
import { buildModel, streamSafetensors } from '../src/models/index.ts';
import { compileCopy, isDeviceArray, openBackend } from '../src/runtime/index.ts';
import { sourcesOf } from '../src/train/run/checkpoint.ts';
import { parseRecipe } from '../src/train/recipe/recipe.ts';
import { CHECKPOINT_EVERY } from '../src/train/run/run-keeper.ts';
import { stepProgram } from '../src/train/step/step-program.ts';
import { initialState, initialWeights, stateTypes } from '../src/train/step/train-state.ts';
import { hostArray, elementCount } from '../src/xla/index.ts';
import { scriptCommand } from '../scripts/script-command.ts';

/**
 * `npm run bench -- checkpoint`: the state of a model with Adam is copied on the device, which training waits for, and written to a file
 * from the copy, which goes on beside it. The share is of the time between two checkpoints, and an upper bound: as if
 * nothing of the writing went on beside the steps.
 */
export const checkpointBench = scriptCommand(
  'checkpoint',
  'what a checkpoint costs',
  'npm run bench -- checkpoint efficientnet-b7 --every 600',
)
  .argument('[model]', 'whose state it is', 'efficientnet-b7')
  .option('--every <seconds>', 'between two checkpoints', parseCount, CHECKPOINT_EVERY)
  .option('--rounds <n>', 'checkpoints', parseCount, 3)
  .action(benchCheckpoint);

interface Flags {
  readonly every: number;
  readonly rounds: number;
}

async function benchCheckpoint(name: string, { every, rounds }: Flags): Promise<void> {
  const size = 224;
  const recipe = parseRecipe(
    { model: { name }, size, epochs: 1, batchSize: 1, optimizer: { name: 'adam' }, schedule: { name: 'constant', rate: 1e-3 } }, // prettier-ignore
    'bench',
  );
  const backend = await openBackend({ device: 'cpu', replicas: 1 });
  const model = buildModel({ name, classes: 104, size: { height: size, width: size } });
  const { form } = stepProgram(model, recipe, 1);
  const types = stateTypes(form);
  const copy = await compileCopy(backend, types);
  // Numbers are numbers: how long they take to write doesn't hang on which.
  const weights = initialWeights(model, ({ shape, dtype }) => hostArray(dtype, elementCount(shape)));
  const state = await backend.replicateTree(initialState(form, weights));
  const folder = await mkdtemp(join(tmpdir(), 'sepal-bench-'));
  try {
    console.log(
      '| model | file | copy, training waits | write, beside it | processor time of both | at most, of the time between two |',
    );
    console.log('| --- | --- | --- | --- | --- | --- |');
    for (let round = 0; round < rounds; round++) {
      const before = process.cpuUsage();
      const started = performance.now();
      const taken = await copy(state);
      const copied = performance.now();
      const path = join(folder, 'last.safetensors');
      await streamSafetensors(path, sourcesOf(taken), {});
      const written = performance.now();
      const { user, system } = process.cpuUsage(before);
      for (const array of treeLeaves(taken, isDeviceArray)) array.dispose();
      const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(2)} s`;
      const share = (100 * (written - started)) / 1000 / every;
      console.log(`| ${name} | ${formatBytes((await stat(path)).size)} | ${seconds(copied - started)} | ${seconds(written - copied)} | ${seconds((user + system) / 1000)} | ${share.toFixed(2)} % of ${every} s |`); // prettier-ignore
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
    await backend.close();
  }
}
