import { isDeepStrictEqual } from 'node:util';
import { Random } from '../base/index.ts';
import type { Monitor } from '../train/index.ts';
import { parzen, shares } from './parzen.ts';
import { placeOf, valueAt, type Choices, type Interval, type Range } from './range.ts';
import type { TuneSettings } from './settings.ts';
import type { Space, Values } from './space.ts';
import { rankTrials, type Trial } from './trial.ts';

/** Trials that are drawn at random before there is anything to learn from. */
const FIRST = 10;
/** Share of the trials that count as good. */
const GOOD = 0.2;
const MOST_GOOD = 25;
/** Numbers that are drawn near good ones, of which the likeliest to be so is taken. */
const CANDIDATES = 24;
/** Draws after which a combination that was tried already is tried again. */
const ATTEMPTS = 1000;

type SamplerSettings = Pick<TuneSettings, 'seed' | 'sampler'>;

/**
 * The values of trial `number` (from 1); undefined where every combination has been tried.
 *
 * Random values follow from the seed and the number alone, apart from combinations that were drawn before; those of the
 * Parzen estimators also from how the earlier trials did.
 */
export function propose(
  space: Space,
  number: number,
  earlier: readonly Trial[],
  { seed, sampler }: SamplerSettings,
  monitor: Monitor,
): Values | undefined {
  const isKnown = (values: Values) => earlier.some((trial) => isDeepStrictEqual(trial.values, values));
  if (earlier.length >= space.size) return undefined;
  const learns = sampler === 'tpe' && earlier.length >= FIRST;
  const ranked = learns ? rankForLearning(earlier, monitor) : [];
  for (let attempt = 0; ; attempt++) {
    const values = Object.fromEntries(
      [...space.ranges].map(([path, range]) => {
        const random = new Random(seed, 'trial', number, path, attempt);
        const known = ranked.map((trial) => trial.values[path]);
        return [path, learns ? likelyGood(range, known, random) : valueAt(range, random.uniform())];
      }),
    );
    if (!isKnown(values) || attempt >= ATTEMPTS) return values;
  }
}

/** Best first. A pruned trial is worse than any that was not, and the worse the earlier it was; failed ones are the worst. */
function rankForLearning(trials: readonly Trial[], monitor: Monitor): Trial[] {
  const order = { complete: 0, running: 0, pruned: 1, failed: 2 };
  const ranked = rankTrials(trials, monitor);
  return ranked.toSorted((a, b) => {
    if (a.state !== b.state) return order[a.state] - order[b.state];
    return a.state === 'pruned' ? b.scores.length - a.scores.length : 0;
  });
}

/** A value that resembles the good ones, which are the first, more than the others. */
function likelyGood(range: Range, ranked: readonly unknown[], random: Random): unknown {
  const count = Math.min(MOST_GOOD, Math.ceil(GOOD * ranked.length));
  const [first, others] = [ranked.slice(0, count), ranked.slice(count)];
  return range.kind === 'choices'
    ? likelyChoice(range, first, others, random)
    : likelyNumber(range, first, others, random);
}

function likelyNumber(range: Interval, first: readonly unknown[], others: readonly unknown[], random: Random): unknown {
  const [good, bad] = [first, others].map((values) => parzen(values.map((value) => placeOf(range, Number(value)))));
  const candidates = Array.from({ length: CANDIDATES }, () => good.sample(random));
  const merit = (place: number) => good.at(place) / bad.at(place);
  return valueAt(range, candidates.reduce((a, b) => (merit(b) > merit(a) ? b : a))); // prettier-ignore
}

/** Drawn by merit: the first good trials may owe it to other settings, and the best choice alone would leave it at theirs. */
function likelyChoice(
  { choices }: Choices,
  first: readonly unknown[],
  others: readonly unknown[],
  random: Random,
): unknown {
  const [good, bad] = [first, others].map((values) => {
    const indices = values.map((value) => choices.findIndex((choice) => isDeepStrictEqual(choice, value)));
    return shares(indices, choices.length);
  });
  const merits = good.map((share, i) => share / bad[i]);
  let left = random.uniform(0, merits.reduce((a, b) => a + b, 0)); // prettier-ignore
  return choices[
    Math.max(
      0,
      merits.findIndex((merit) => (left -= merit) < 0),
    )
  ];
}
