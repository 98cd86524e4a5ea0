import { z } from 'zod';
import { sign, type Monitor } from '../train/index.ts';

export const trialSchema = z.object({
  /** From 1; its folder is called after it. */
  number: z.int().min(1),
  values: z.record(z.string(), z.unknown()),
  /** `pruned` trials fell behind the others, `failed` ones could not be trained to their end. */
  state: z.enum(['running', 'complete', 'pruned', 'failed']),
  /** Epochs that its recipe has. */
  epochs: z.int(),
  /** The monitored validation score of each epoch that it had. */
  scores: z.array(z.number()),
  /** Seconds of training. */
  seconds: z.number(),
  /** Why it failed. */
  problem: z.string().optional(),
});

/** One combination of values, and how it did. */
export type Trial = z.output<typeof trialSchema>;

/** A trial's best epoch (from 1) with its score; undefined before the first one has ended. */
export function bestEpoch(
  { scores }: Pick<Trial, 'scores'>,
  monitor: Monitor,
): { epoch: number; score: number } | undefined {
  if (scores.length === 0) return undefined;
  const index = scores.reduce((best, score, i) => (sign(monitor) * (score - scores[best]) > 0 ? i : best), 0);
  return { epoch: index + 1, score: scores[index] };
}

/** Best first: by their scores, failed ones and those without a score at the end; the earlier one of two that are alike. */
export function rankTrials<T extends Trial>(trials: readonly T[], monitor: Monitor): T[] {
  const merit = (trial: Trial): number => {
    const best = trial.state === 'failed' ? undefined : bestEpoch(trial, monitor);
    return best === undefined ? -Infinity : sign(monitor) * best.score;
  };
  return trials.toSorted((a, b) => {
    const [ours, theirs] = [merit(a), merit(b)];
    return ours === theirs ? a.number - b.number : theirs - ours;
  });
}

/** The best trial that there is weights of. */
export function bestTrial(trials: readonly Trial[], monitor: Monitor): Trial | undefined {
  return rankTrials(
    trials.filter(({ state, scores }) => state !== 'failed' && scores.length > 0),
    monitor,
  ).at(0);
}

/** The folder of a trial within that of the search. */
export const trialFolder = (number: number): string => `trial-${String(number).padStart(4, '0')}`;
