// `npm run fuzz -- --cases N --seed S`: damaged files for every reader, N in all. Exits 1 if one crashed, hung, grew
// without bound or threw anything but a typed error; each failure is printed with the command that repeats it.
import { parseArgs } from 'node:util';
import { formatBytes, formatCount, formatSeconds, formatTable, plural, startProgress } from '../src/base/index.ts';
import { fuzz, type FuzzFailure } from '../test/fuzz/fuzz.ts';
import { TARGETS } from '../test/fuzz/targets/index.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    readers: { type: 'string' },
    keep: { type: 'string', default: 'fuzz-failures' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const names = TARGETS.map(({ name }) => name);
const targets = values.readers?.split(',') ?? names;
const unknown = targets.find((name) => !names.includes(name));
if (values.help || unknown !== undefined) {
  if (unknown !== undefined) console.error(`error: there is no reader ${unknown}`);
  console.log(`usage: npm run fuzz -- [--cases N] [--seed S] [--readers A,B] [--from CASE] [--keep DIR]

  --cases N      cases in all, shared by the readers (20000)
  --seed S       the same seed gives the same files (1)
  --readers A,B  only these: ${names.join(', ')}
  --from CASE    number of the first case of each reader, to repeat one that failed
  --keep DIR     where files that crashed, hung or filled the memory are kept (fuzz-failures)

example: npm run fuzz -- --cases 1000000 --seed 7`);
  process.exit(unknown === undefined ? 0 : 2);
}

const [total, seed, from] = [values.cases, values.seed, values.from].map(Number);
// A reader that starts a thread for each file gets a share that takes no longer than the others'.
const weights = TARGETS.filter(({ name }) => targets.includes(name)).map(({ share = 1 }) => share);
const weight = weights.reduce((sum, value) => sum + value, 0);
const casesOf = (name: string): number => {
  const { share = 1 } = TARGETS.find((target) => target.name === name)!;
  return Math.ceil((total * share) / weight);
};
const failures: FuzzFailure[] = [];
const rows = [['reader', 'cases', 'refused', 'read', 'cases/s', 'peak memory', 'failures']];
const started = performance.now();
for (const target of targets) {
  const cases = casesOf(target);
  const progress = startProgress({ label: target, total: cases, unit: 'cases/s' });
  const [result] = await fuzz({
    cases,
    seed,
    from,
    targets: [target],
    keep: values.keep,
    onProgress: (_, number, failed) => progress.update(number - from, failed === 0 ? '' : `${failed} failures`),
  });
  progress.stop();
  failures.push(...result.failures);
  const peak = result.peak === undefined ? '–' : formatBytes(result.peak);
  const read = result.cases - result.refused - result.failures.length;
  rows.push([target, ...[result.cases, result.refused, read].map(formatCount), (result.cases / result.seconds).toFixed(0), peak, String(result.failures.length)]); // prettier-ignore
}
console.log(formatTable(rows, [1, 2, 3, 4, 5, 6]));
const alike = Map.groupBy(failures, ({ target, kind, what }) => `${target}: ${kind}: ${what.split('\n')[0]}`);
for (const [title, [first, ...rest]] of alike) {
  const { target, number, what, file } = first;
  const more = rest.length === 0 ? '' : ` (and ${plural(rest.length, 'more case')})`;
  console.log(`\n${title}${more}\n${what.split('\n').slice(1, 5).join('\n')}`);
  if (file !== undefined) console.log(`  file: ${file}`);
  console.log(`  again: npm run fuzz -- --cases 1 --seed ${seed} --readers ${target} --from ${number}`);
}
const done = targets.reduce((sum, target) => sum + casesOf(target), 0);
const seconds = (performance.now() - started) / 1000;
console.log(`\n${formatCount(done)} cases in ${formatSeconds(seconds)}, ${failures.length} failures, seed ${seed}`);
process.exitCode = failures.length === 0 ? 0 : 1;
