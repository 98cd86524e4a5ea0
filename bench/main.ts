import { runScript, scriptCommand } from '../scripts/script-command.ts';
import { augmentBench } from './augment.ts';
import { bucketBench } from './bucket.ts';
import { checkpointBench } from './checkpoint.ts';
import { inputBench } from './input.ts';
import { finetuneBench, frozenBench } from './runs.ts';
import { setupBench } from './setup.ts';
import { startupBench } from './startup.ts';
import { inferenceBench, trainBench } from './step.ts';
import { tpuBench } from './tpu.ts';

const bench = scriptCommand(
  'npm run bench --',
  'Sepal beside its peers: the same work in one run on one machine, in turns.',
  'npm run bench -- train --models resnet50 --batch 16',
);
const cases = [
  setupBench,
  inputBench,
  bucketBench,
  augmentBench,
  trainBench,
  inferenceBench,
  startupBench,
  frozenBench,
  finetuneBench,
  checkpointBench,
  tpuBench,
];
for (const each of cases) bench.addCommand(each);
await runScript(bench);
