// `npm run compete -- tf_flowers|flowers102 [--final] [flags of sepal train]`: from TFRecords to runs/compete-NAME/submission.csv,
// by the commands that a user would type. What is there already goes on where it stopped. Flags that say where programs run and how
// data is read (--device cuda, --bad-records skip) go to the predictions too.
//
// With --final each network is trained once more, on training and validation images together, by the recipe that was validated; it
// takes the weight and the temperature that were found when validation images were still unseen. With --folds N each network is
// N networks, and the weights are searched on what each said of images that it had not seen.
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Argument } from 'commander';
import { formatSeconds, UsageError, writeFile } from '../src/base/index.ts';
import { sharedFlags } from './compete/shared-flags.ts';
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
    .option('--final', 'train once more, on training and validation images together, and submit that')
    .argument('[flags...]', 'of sepal train, such as --seed 1, --folds 5 or --device cuda')
    .allowUnknownOption()
    .action(compete),
);

async function compete(name: string, flags: readonly string[], { final }: { readonly final?: boolean }): Promise<void> {
  const byFolds = flags.some((flag) => flag === '--folds' || flag.startsWith('--folds='));
  if (byFolds && final === true) {
    throw new UsageError('FLAG', '--final trains on all images once, --folds on parts of them: choose one');
  }
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
  const trainAll = async (folders: readonly string[], ...more: readonly string[]) => {
    for (const [i, recipe] of recipes.entries()) {
      const where = ['--data', shown(data), '--out', shown(folders[i]), '--auto-resume'];
      await sepal('train', recipe, ...where, ...flags, ...more);
    }
  };
  await trainAll(runs);
  let trained = performance.now();

  let ensemble = join(out, 'ensemble.json');
  const submission = join(out, 'submission.csv');
  const shared = sharedFlags(flags);
  const searchedOn = byFolds ? ['--out-of-fold'] : ['--data', shown(data)];
  await sepal('ensemble', ...runs.map(shown), ...searchedOn, '--tta', tta, '--out', shown(ensemble), ...shared);
  if (final === true) {
    const searched = performance.now();
    await trainAll(runs.map(finalOf), '--all-labelled');
    trained += performance.now() - searched;
    const found = JSON.parse(readFileSync(ensemble, 'utf8')) as { members: { run: string; weight: number }[] };
    const members = found.members.map((member) => ({ ...member, run: finalOf(member.run) }));
    ensemble = join(out, 'ensemble-final.json');
    await writeFile(ensemble, `${JSON.stringify({ ...found, members }, null, 2)}\n`);
  }
  await sepal('submit', shown(ensemble), '--data', shown(data), '--out', shown(submission), ...shared);

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

/** Where a network is trained on all labelled images. */
function finalOf(folder: string): string {
  return `${folder}-final`;
}
