// `npm run precision -- [STEPS]`: what mixed_bfloat16 does to the loss on real photos. The program text that is compiled
// for a TPU v3-8 (8 replicas, all-reduce) runs on 8 CPU devices in both precisions. Exit status 1 beyond 2 %.
import { join } from 'node:path';
import { parseCount } from '../src/cli/numbers.ts';
import { CompileCache, openBackend } from '../src/runtime/index.ts';
import { curveDistance, curveRecipe, lossCurve, photoBatches } from '../test/precision-curve.ts';
import { runScript, scriptCommand } from './script-command.ts';

const PHOTOS = join(import.meta.dirname, '..', '..', 'shared', 'data', 'tf_flowers');
const WINDOW = 20;
const LIMIT = 0.02;

await runScript(
  scriptCommand(
    'npm run precision --',
    'The loss on real photos in float32 and in mixed_bfloat16, on 8 CPU devices laid out like a TPU v3-8.',
    'npm run precision -- 200',
  )
    .argument('[steps]', 'of training', parseCount, 200)
    .action(comparePrecisions),
);

async function comparePrecisions(steps: number): Promise<void> {
  const backend = await openBackend({ device: 'cpu', replicas: 8, compileCache: new CompileCache() });
  const batches = await photoBatches(PHOTOS, curveRecipe('float32'), steps);
  const curves = {
    float32: await lossCurve(backend, curveRecipe('float32'), PHOTOS, batches),
    mixed_bfloat16: await lossCurve(backend, curveRecipe('mixed_bfloat16'), PHOTOS, batches),
  };
  await backend.close();
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  console.log('steps      float32  mixed_bfloat16');
  for (let end = WINDOW; end <= steps; end += WINDOW) {
    const cells = Object.values(curves).map((curve) => mean(curve.losses.slice(end - WINDOW, end)).toFixed(4));
    console.log(`${String(end - WINDOW + 1).padStart(4)}–${String(end).padEnd(4)}  ${cells[0]}   ${cells[1]}`);
  }
  const distance = curveDistance(curves.float32.losses, curves.mixed_bfloat16.losses, WINDOW);
  console.log(`val. accuracy  ${curves.float32.accuracy.toFixed(4)}   ${curves.mixed_bfloat16.accuracy.toFixed(4)}`);
  console.log(`greatest distance of the means of ${WINDOW} steps: ${(100 * distance).toFixed(2)} %`);
  if (distance > LIMIT) process.exitCode = 1;
}
