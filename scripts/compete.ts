// `npm run compete -- tf_flowers|flowers102 [flags of sepal train]`: from TFRecords to runs/compete-NAME/submission.csv, by
// the commands that a user would type. What is there already goes on where it stopped.
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { didYouMean, formatSeconds } from '../src/base/index.ts';
import { run } from './process.ts';

const ROOT = join(import.meta.dirname, '..');
const DATA = join(ROOT, '..', 'shared', 'data');

interface Contest {
  readonly data: string;
  /** A run for each recipe that comes with Sepal. */
  readonly recipes: readonly string[];
  /** Views of each picture that are averaged. */
  readonly tta: string;
}

const CONTESTS: Readonly<Record<string, Contest>> = {
  tf_flowers: {
    data: join(DATA, 'tf_flowers'),
    recipes: ['tf-flowers-lite0', 'tf-flowers-mobilenet'],
    tta: 'flip',
  },
  flowers102: {
    data: join(DATA, 'flowers102'),
    recipes: ['flowers102-lite0', 'flowers102-mobilenet'],
    tta: 'flip',
  },
};

const [name = '', ...flags] = process.argv.slice(2);
if (!Object.hasOwn(CONTESTS, name)) {
  console.error(name === '' ? 'error: which data set?' : `error: no contest "${name}"`);
  console.error(`  hint: ${didYouMean(name, Object.keys(CONTESTS)) ?? Object.keys(CONTESTS).join(' or ')}`);
  process.exit(2);
}
const { data, recipes, tta } = CONTESTS[name];
if (!existsSync(data)) {
  console.error(`error: there is no ${relative(ROOT, data)}`);
  process.exit(1);
}

const out = join(ROOT, 'runs', `compete-${name}`);
const shown = (path: string) => relative(ROOT, path);

async function sepal(...args: readonly string[]): Promise<void> {
  console.log(`\n$ npm run sepal -- ${args.join(' ')}`);
  const status = await run(process.execPath, ['src/cli/main.ts', ...args], ROOT);
  if (status !== 0) process.exit(status);
}

await sepal('plugin', 'install', 'cpu');
const started = performance.now();
const runs = recipes.map((recipe) => join(out, recipe));
for (const [i, recipe] of recipes.entries()) {
  const resume = existsSync(join(runs[i], 'last.safetensors')) ? ['--resume'] : [];
  await sepal('train', recipe, '--data', shown(data), '--out', shown(runs[i]), ...resume, ...flags);
}
const trained = performance.now();

const ensemble = join(out, 'ensemble.json');
const submission = join(out, 'submission.csv');
await sepal('ensemble', ...runs.map(shown), '--data', shown(data), '--tta', tta, '--out', shown(ensemble));
await sepal('submit', shown(ensemble), '--data', shown(data), '--out', shown(submission));

console.log(`
Training took ${formatSeconds((trained - started) / 1000)}, predicting ${formatSeconds((performance.now() - trained) / 1000)}.

  the submission  ${shown(submission)}
  the ensemble    ${shown(ensemble)}
  the reports     ${runs.map((path) => shown(join(path, 'report.html'))).join(', ')}
`);
