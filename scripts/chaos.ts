// `npm run chaos -- --kills N --seed S`: kills a short training run with SIGKILL at random moments, N times, and resumes it
// each time; what it ends with must be what an unbroken run ends with, bit for bit.
import { startProgress } from '../src/base/index.ts';
import { chaos } from '../test/chaos/chaos.ts';
import { parseCount, parseSeed } from '../src/cli/numbers.ts';
import { runScript, scriptCommand } from './script-command.ts';

await runScript(
  scriptCommand(
    'npm run chaos --',
    'Kills training at random moments, resumes it, and compares what it ends with.',
    'npm run chaos -- --kills 100 --seed 7',
  )
    .option('--kills <n>', 'processes that are killed, over as many runs as that takes', parseCount, 20)
    .option('--seed <s>', 'the same seed draws the same moments', parseSeed, 1)
    .option(
      '--replicas <a,b>',
      'each life of a run draws one of these numbers; the results of several are compared for being near',
      (text: string) => text.split(',').map((word) => parseCount(word)),
      [1],
    )
    .action(killAndCompare),
);

interface Flags {
  readonly kills: number;
  readonly seed: number;
  readonly replicas: readonly number[];
}

async function killAndCompare({ kills, seed, replicas }: Flags): Promise<void> {
  const progress = startProgress({ label: 'chaos', total: kills, unit: 'kills/s' });
  const result = await chaos({
    kills,
    seed,
    replicas: replicas,
    onKill: (done, moment) => progress.update(done, moment),
  });
  progress.stop();
  for (const [moment, count] of Object.entries(result.kills)) console.log(`${moment.padEnd(9)} ${count} kills`);
  for (const difference of result.differences) console.log(difference);
  console.log(`${kills} kills over ${result.runs} runs, ${result.differences.length} differences, seed ${seed}`);
  process.exitCode = result.differences.length === 0 ? 0 : 1;
}
