// `npm run chaos -- --kills N --seed S`: kills a short training run with SIGKILL at random moments, N times, and resumes it
// each time; what it ends with must be what an unbroken run ends with, bit for bit.
import { parseArgs } from 'node:util';
import { startProgress } from '../src/base/index.ts';
import { chaos } from '../test/chaos/chaos.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    replicas: { type: 'string', default: '1' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log(`usage: npm run chaos -- [--kills N] [--seed S] [--replicas 1,2]

  --kills N       processes that are killed, over as many runs as that takes (20)
  --seed S        the same seed draws the same moments (1)
  --replicas A,B  each life of a run draws one of these numbers; the results of several are compared for being near (1)

example: npm run chaos -- --kills 100 --seed 7`);
  process.exit(0);
}

const kills = Number(values.kills);
const progress = startProgress({ label: 'chaos', total: kills, unit: 'kills/s' });
const result = await chaos({
  kills,
  seed: Number(values.seed),
  replicas: values.replicas.split(',').map(Number),
  onKill: (done, moment) => progress.update(done, moment),
});
progress.stop();
for (const [moment, count] of Object.entries(result.kills)) console.log(`${moment.padEnd(9)} ${count} kills`);
for (const difference of result.differences) console.log(difference);
console.log(`${kills} kills over ${result.runs} runs, ${result.differences.length} differences, seed ${values.seed}`);
process.exitCode = result.differences.length === 0 ? 0 : 1;
