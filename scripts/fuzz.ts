// `npm run fuzz -- --cases N --seed S`: damaged files for every reader, N in all. Exits 1 if one crashed, hung, grew
// without bound or threw anything but a typed error; each failure is printed with the command that repeats it.
import { InvalidArgumentError } from 'commander';
import {
  didYouMean,
  formatBytes,
  formatCount,
  formatSeconds,
  formatTable,
  plural,
  startProgress,
} from '../src/base/index.ts';
import { fuzz, type FuzzFailure } from '../test/fuzz/fuzz.ts';
import { TARGETS } from '../test/fuzz/targets/index.ts';
import { parseCount, parseNatural, parseSeed } from '../src/cli/numbers.ts';
import { runScript, scriptCommand } from './script-command.ts';

const NAMES = TARGETS.map(({ name }) => name);

await runScript(
  scriptCommand('npm run fuzz --', 'Damaged files for every reader.', 'npm run fuzz -- --cases 1000000 --seed 7')
    .option('--cases <n>', 'in all, shared by the readers', parseCount, 20_000)
    .option('--seed <s>', 'the same seed gives the same files', parseSeed, 1)
    .option('--readers <a,b>', `only these of ${NAMES.join(', ')}`, readersOf, NAMES)
    .option('--from <case>', 'number of the first case of each reader, to repeat one that failed', parseNatural, 0)
    .option('--keep <dir>', 'where files that crashed, hung or filled the memory are kept', 'fuzz-failures')
    .action(fuzzReaders),
);

interface Flags {
  readonly cases: number;
  readonly seed: number;
  readonly readers: readonly string[];
  readonly from: number;
  readonly keep: string;
}

function readersOf(text: string): string[] {
  const names = text.split(',');
  const unknown = names.find((name) => !NAMES.includes(name));
  if (unknown === undefined) return names;
  throw new InvalidArgumentError(`there is no reader ${unknown}; ${didYouMean(unknown, NAMES)}`);
}

async function fuzzReaders({ cases: total, seed, readers: targets, from, keep }: Flags): Promise<void> {
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
      keep,
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
}
