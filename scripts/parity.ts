// `npm run parity -- DIR`: our models against the outputs of keras.applications, and published ImageNet weights against
// those of their original code, one line a model. Exit status 1 if any differs.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Option } from 'commander';
import { UsageError } from '../src/base/index.ts';
import { DEVICE_NAMES, openBackend, type DeviceName } from '../src/runtime/index.ts';
import { checkFixture, GRADIENT_TOLERANCE, type ParityResult } from './parity/check.ts';
import { readFixture } from './parity/fixture.ts';
import { scriptCommand, runScript } from './script-command.ts';
import { checkImagenetWeights, readImagenetExpectations, type ImagenetResult } from './parity/imagenet-weights.ts';

const DEFAULT_FOLDER = join(import.meta.dirname, '..', '..', 'shared', 'parity');

const percent = (error: number): string => (Number.isNaN(error) ? 'NaN' : error.toExponential(1));

function describe(result: ParityResult, seconds: number): string {
  const name = result.model.padEnd(16);
  const verdict = result.ok ? 'ok' : 'FAIL';
  if (result.problem !== undefined) return `${name}  ${verdict}  ${result.problem}`;
  const figures = [
    `inference ${percent(result.inference)}`,
    `training ${percent(result.training)}`,
    `loss ${percent(result.loss)}`,
    `gradients ${percent(result.gradients)}`,
  ];
  if (result.precision === 'float64') figures.push('(training in float64)');
  if (result.tolerance > GRADIENT_TOLERANCE)
    figures.push(`(float32's own rounding: up to ${percent(result.tolerance)} allowed)`);
  const where = result.ok ? '' : `  worst gradient: ${result.worstGradient}`;
  return `${name}  ${figures.join('  ')}  ${seconds.toFixed(0).padStart(4)} s  ${verdict}${where}`;
}

function describeImagenet({ model, ok, error, differing }: ImagenetResult, seconds: number): string {
  const top5 = differing.length === 0 ? 'top-5 equal' : `top-5 of ${differing.join(', ')} differ`;
  return `${model.padEnd(16)}  ImageNet weights: logits ${percent(error)}  ${top5}  ${seconds.toFixed(0).padStart(4)} s  ${ok ? 'ok' : 'FAIL'}`;
}

await runScript(
  scriptCommand(
    'npm run parity --',
    "Our models beside the outputs of keras.applications, and published ImageNet weights beside their original code's.",
    'npm run parity -- ../shared/parity',
  )
    .argument('[folder]', 'what keras.applications gave, a MODEL.json for each model', DEFAULT_FOLDER)
    .addOption(new Option('--device <name>', 'where to run').choices(DEVICE_NAMES).default('cpu'))
    .action(checkFolder),
);

async function checkFolder(folder: string, { device }: { readonly device: DeviceName }): Promise<void> {
  const files = (await readdir(folder).catch(refuseFolder)).filter((file) => file.endsWith('.json')).toSorted();
  const backend = await openBackend({ device, preallocate: false });
  let checked = 0;
  let failures = 0;
  for (const file of files) {
    const path = join(folder, file);
    const fixture = await readFixture(path);
    let started = performance.now();
    if (fixture === undefined) {
      const photos = await readImagenetExpectations(path);
      if (photos === undefined) console.log(`${file}: no fixture of a model, left out`);
      for (const [model, expected] of Object.entries(photos ?? {})) {
        const result = await checkImagenetWeights(backend, path, model, expected);
        console.log(describeImagenet(result, (performance.now() - started) / 1000));
        started = performance.now();
        checked++;
        if (!result.ok) failures++;
      }
      continue;
    }
    const result = await checkFixture(backend, fixture);
    console.log(describe(result, (performance.now() - started) / 1000));
    checked++;
    if (!result.ok) failures++;
  }
  await backend.close();
  console.log(`${checked} models, ${failures} failed`);
  if (failures > 0 || checked === 0) process.exitCode = 1;
}

function refuseFolder(error: unknown): never {
  throw new UsageError('FOLDER', error instanceof Error ? error.message : String(error), {
    expected: 'a folder of MODEL.json files',
  });
}
