import { join, relative } from 'node:path';
import { formatCount, plural, UsageError } from '../../base/index.ts';
import { parseTune, Space, trialFolder, tune, type TuneSettings } from '../../tune/index.ts';
import type { Context } from '../command.ts';
import { openDevice } from '../device-flags.ts';
import { FlagError, namingFlags } from '../flag-error.ts';
import { newFolder } from '../new-folder.ts';
import { writeRunReport } from '../run-report.ts';
import { shellWord } from '../shell-word.ts';
import { scoreName } from '../score-name.ts';
import { writtenRecipe } from '../train/recipe-source.ts';
import { TrainingSource } from '../train/training-source.ts';
import { BEST_RECIPE, rangeText, recipeText, SEARCH_REPORT, writeResults } from './results.ts';
import { searchJson, searchTable, scoreText } from './summary.ts';
import { tuneDisplay } from './tune-display.ts';
import type { TuneFlags } from './tune-flags.ts';

/** Seconds that closing all takes at most. */
const END_SECONDS = 5;

/** What `sepal tune` does: opens data and device, searches, writes what was found, and says what to do with it. */
export async function runTune(recipeName: string, flags: TuneFlags, context: Context): Promise<void> {
  const { log, signal } = context;
  const { range = [], prune: _prune, seed: _seed, ...recipeFlags } = flags;
  const { name, settings: written, placeOf } = await writtenRecipe(recipeName, recipeFlags);
  const { tune: section = {}, ...settings } = written;
  const tuning = layTuneFlags(
    parseTune(section, (path) => `${placeOf(['tune', ...path])}: tune`),
    flags,
    rangesOf(range),
  );
  if (Object.keys(tuning.ranges).length === 0) {
    throw new FlagError('NO_RANGES', 'there is nothing to search', {
      hint: 'add --range schedule.rate=1e-4..1e-2:log, or a tune section with ranges to the recipe',
    });
  }
  const space = namingFlags(() => new Space(settings, tuning.ranges, placeOf));
  const source = new TrainingSource({ ...flags, report: false }, context);
  const out = flags.out ?? newFolder(`tune-${name}`);
  const shown = relative('.', out) || '.';

  const dataAt = async (size: number) => source.splits(size);
  const { size } = space.example();
  const data = await dataAt(size);
  const backend = await openDevice(flags, context);
  const location = flags.data ?? '';
  const facts = { name, out, tuning, backend, data, location };
  const display = tuneDisplay(tuning, data.train.count, log);
  try {
    log.info(`search  ${shown}`);
    log.info(`device  ${backend.describe()}`);
    log.info(`data    ${data.train.describe()}; ${formatCount(data.validation.count)} for validation`);
    log.info(`ranges  ${Object.entries(tuning.ranges).map(([setting, text]) => `${setting}=${rangeText(text)}`).join(' ')}`); // prettier-ignore
    log.info(`trials  ${plural(tuning.trials, 'trial')}, ${tuning.sampler}, ${pruningText(tuning)}`);
    const result = await tune({
      settings,
      tune: tuning,
      backend,
      dataAt,
      out,
      resume: flags.resume,
      signal,
      deadline:
        flags.maxTime === undefined ? undefined : 1000 * (flags.maxTime - Math.min(END_SECONDS, flags.maxTime / 4)),
      onEvent: display.onEvent,
      onBest: async ({ trial, recipe, data: used, result: run, out: folder }) => {
        display.stop();
        const text = recipeText(space, trial, trial.number, recipe.monitor, location);
        await writeRunReport({ name: `${name}, trial ${trial.number}`, out: folder, recipe, recipeText: text, backend, data: used, result: run }); // prettier-ignore
      },
      onProgress: async (sofar) => writeResults(facts, sofar),
    });
    display.stop();
    await writeResults(facts, result);
    console.log(flags.json === true ? searchJson(result, shown) : searchTable(result));
    const { best, trials, monitor } = result;
    if (best === undefined) {
      throw new UsageError('NO_TRIAL', 'no trial has finished an epoch that could be compared', {
        hint: trials.some(({ state }) => state === 'failed')
          ? `all failed, the last one because ${trials.at(-1)?.problem ?? ''}: choose other ranges`
          : 'go on with --resume',
      });
    }
    const images = formatCount(data.validation.count);
    log.info(`best    trial ${best.number}: validation ${scoreName(monitor)} ${scoreText(best, monitor)}`);
    log.info(
      `note    it is the best of ${trials.length} on the ${images} validation images that picked it, so on others it is likely to do worse: ` +
        'measure it by folds or on a test split',
    );
    log.info(`report  ${join(shown, SEARCH_REPORT)}`);
    log.info(`next    sepal train ${shellWord(join(shown, BEST_RECIPE))} --data ${shellWord(location)} --folds 5`);
    log.info(
      `        sepal evaluate ${shellWord(join(shown, trialFolder(best.number)))} --data ${shellWord(location)} --split test`,
    );
  } finally {
    display.stop();
    await source.close();
    await backend.close();
  }
}

/** `PATH=RANGE` flags by their paths. */
function rangesOf(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const split = text.indexOf('=');
      if (split > 0) return [text.slice(0, split), text.slice(split + 1)];
      throw new FlagError('RANGE', `--range ${text}`, {
        expected: 'PATH=RANGE, such as schedule.rate=1e-4..1e-2:log',
      });
    }),
  );
}

/** Flags of settings of a `tune` section. */
const FLAGS: Readonly<Record<string, string>> = {
  trials: '--trials',
  seed: '--seed',
  sampler: '--sampler',
  reductionFactor: '--reduction-factor',
  minEpochs: '--min-epochs',
};

function layTuneFlags(section: TuneSettings, flags: TuneFlags, ranges: Record<string, string>): TuneSettings {
  const { trials, seed, sampler, reductionFactor, minEpochs } = flags;
  const given = Object.entries({ trials, seed, sampler, reductionFactor, minEpochs }).filter(
    ([, value]) => value !== undefined,
  );
  const prune = section.prune && flags.prune;
  const settings = { ...section, ...Object.fromEntries(given), prune, ranges: { ...section.ranges, ...ranges } };
  return namingFlags(() => parseTune(settings, ([name]) => FLAGS[String(name)]));
}

const pruningText = ({ prune, reductionFactor, minEpochs }: TuneSettings): string =>
  prune ? `one of ${reductionFactor} goes on after ${plural(minEpochs, 'epoch')}, and again and again` : 'no pruning';
