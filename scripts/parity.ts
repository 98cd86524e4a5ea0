// `npm run parity -- DIR`: our models against the outputs of keras.applications, one line a model. Exit status 1 if any differs.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openBackend } from '../src/runtime/index.ts';
import { checkFixture, type ParityResult } from './parity/check.ts';
import { readFixture } from './parity/fixture.ts';

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
  const where = result.ok ? '' : `  worst gradient: ${result.worstGradient}`;
  return `${name}  ${figures.join('  ')}  ${seconds.toFixed(0).padStart(4)} s  ${verdict}${where}`;
}

const [folder = DEFAULT_FOLDER] = process.argv.slice(2);
const files = (await readdir(folder)).filter((file) => file.endsWith('.json')).toSorted();
const backend = await openBackend({ device: 'cpu' });
let checked = 0;
let failures = 0;
for (const file of files) {
  const fixture = await readFixture(join(folder, file));
  if (fixture === undefined) {
    console.log(`${file}: no fixture of a model, left out`);
    continue;
  }
  const started = performance.now();
  const result = await checkFixture(backend, fixture);
  console.log(describe(result, (performance.now() - started) / 1000));
  checked++;
  if (!result.ok) failures++;
}
await backend.close();
console.log(`${checked} models, ${failures} failed`);
if (failures > 0 || checked === 0) process.exitCode = 1;
