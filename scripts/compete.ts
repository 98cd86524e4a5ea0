// `npm run compete -- tf_flowers|flowers102 [flags of sepal train]`: from TFRecords to runs/compete-NAME/submission.csv, by
// the commands that a user would type. What is there already goes on where it stopped.
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Argument } from 'commander';
import { formatSeconds, UsageError } from '../src/base/index.ts';
import { run } from './process.ts';
import { runScript, scriptCommand } from './script-command.ts';

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

await runScript(
  scriptCommand(
    'npm run compete --',
    'From TFRecords to runs/compete-NAME/submission.csv. What is there already goes on where it stopped.',
    'npm run compete -- tf_flowers',
  )
    .addArgument(new Argument('<contest>', 'the data set').choices(Object.keys(CONTESTS)))
    .argument('[flags...]', 'of sepal train, such as --epochs 1')
    .allowUnknownOption()
    .action(compete),
);

async function compete(name: string, flags: readonly string[]): Promise<void> {
  const { data, recipes, tta } = CONTESTS[name];
  if (!existsSync(data)) {
    throw new UsageError('NO_DATA', `there is no ${shown(data)}`, {
      hint: 'the contests are over data beside the project',
    });
  }
  const out = join(ROOT, 'runs', `compete-${name}`);
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
}

/** A path as one would type it. */
function shown(path: string): string {
  return relative(ROOT, path);
}

async function sepal(...args: readonly string[]): Promise<void> {
  console.log(`\n$ npm run sepal -- ${args.join(' ')}`);
  const status = await run(process.execPath, ['src/cli/main.ts', ...args], ROOT);
  if (status !== 0) process.exit(status);
}
