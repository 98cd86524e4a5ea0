import { join } from 'node:path';
import { stringify } from 'yaml';
import { plural, writeFile } from '../../base/index.ts';
import { writeTuneReport, type TuneAxis, type TuneReportTrial } from '../../report/index.ts';
import type { Backend } from '../../runtime/index.ts';
import type { Monitor, TrainingData } from '../../train/index.ts';
import { bestEpoch, rankTrials, valueText, type Range, type Space, type Trial, type TuneResult, type TuneSettings } from '../../tune/index.ts'; // prettier-ignore
import { commandLine } from '../run-report.ts';
import { scoreName } from '../score-name.ts';
import { shellWord } from '../shell-word.ts';
import { sepalVersion } from '../version.ts';
import { scoreText, shortNames } from './summary.ts';

/** The best trial's recipe in the folder of a search. */
export const BEST_RECIPE = 'best.yaml';
export const SEARCH_REPORT = 'report.html';

/** What results tell besides the trials. */
export interface SearchFacts {
  readonly name: string;
  readonly out: string;
  readonly tuning: TuneSettings;
  readonly backend: Backend;
  readonly data: TrainingData;
  /** Where the data is, as the user gave it. */
  readonly location: string;
}

/** Writes what a search has found so far: its report, and the best trial's settings as a recipe. */
export async function writeResults(facts: SearchFacts, { trials, best, monitor, space }: TuneResult): Promise<void> {
  const { name, out, tuning, backend, data, location } = facts;
  const recipe = best === undefined ? undefined : recipeText(space, best, trials.length, monitor, location);
  if (recipe !== undefined) await writeFile(join(out, BEST_RECIPE), recipe);
  const ranges = [...space.ranges];
  const names = shortNames(ranges.map(([path]) => path));
  const row = (trial: Trial): TuneReportTrial => ({
    ...trial,
    best: bestEpoch(trial, monitor),
    values: ranges.map(([path, range]) => {
      const value = trial.values[path];
      return range.kind === 'interval' ? Number(value) : valueText(value);
    }),
  });
  const report = {
    name,
    created: new Date(),
    monitor: `validation ${scoreName(monitor)}`,
    isLoss: monitor === 'loss',
    ranges: ranges.map(([path, range], i) => ({ path, name: names[i], text: rangeText(tuning.ranges[path]), axis: axisOf(range) })), // prettier-ignore
    trials: rankTrials(trials, monitor).map(row),
    best: best?.number,
    search: {
      Trials: tuning.trials,
      Sampler: tuning.sampler,
      Seed: tuning.seed,
      Pruning: tuning.prune ? `1 of ${tuning.reductionFactor}, from epoch ${tuning.minEpochs} on` : 'none',
    },
    data: {
      Set: data.train.name,
      Training: plural(data.train.count, 'image'),
      Validation: plural(data.validation.count, 'image'),
      Classes: data.train.classNames.length,
    },
    device: {
      Platform: backend.platform,
      Kind: backend.devices[0].kind,
      Replicas: backend.replicas,
      Node: process.version,
    },
    recipe,
    command: commandLine(),
    version: sepalVersion(),
  };
  await writeTuneReport(report, join(out, SEARCH_REPORT));
}

/** A trial's settings as a recipe file that says where they come from. */
export function recipeText(space: Space, trial: Trial, count: number, monitor: Monitor, location: string): string {
  return `# The best of ${plural(count, 'trial')} of sepal tune, trial ${trial.number}: validation ${scoreName(monitor)} ${scoreText(trial, monitor)}.
# These images picked it, so on others it is likely to do worse.
#
#   sepal train ${BEST_RECIPE} --data ${shellWord(location)}
${stringify(space.settingsOf(trial.values))}`;
}

/** A range as it was given. */
export const rangeText = (range: unknown): string =>
  Array.isArray(range) ? range.map(valueText).join(', ') : String(range);

function axisOf(range: Range): TuneAxis {
  if (range.kind === 'choices') return { kind: 'choices', choices: range.choices.map(valueText) };
  const { low, high, log } = range;
  return { kind: log ? 'log' : 'linear', low, high };
}
