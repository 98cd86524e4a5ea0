import { sign, type Monitor } from '../train/index.ts';
import type { TuneSettings } from './settings.ts';
import { bestEpoch, type Trial } from './trial.ts';

export type Halving = Pick<TuneSettings, 'reductionFactor' | 'minEpochs'>;

/** Epochs after which a trial of so many is compared: `minEpochs`, and `reductionFactor` times as many each time. */
export function rungs({ reductionFactor, minEpochs }: Halving, epochs: number): number[] {
  const found: number[] = [];
  for (let rung = minEpochs; rung < epochs; rung *= reductionFactor) found.push(rung);
  return found;
}

/**
 * The epoch after which a trial falls behind those before it; undefined for one that goes on.
 *
 * Asynchronous successive halving (Li et al. 2020) for one trial at a time: at each rung a trial goes on that is among the
 * best `1 / reductionFactor` of those that came so far, or the best one while they are fewer. What counts is the best score up to the rung, as it is the
 * best weights that are kept. Of two that are alike both go on.
 */
export function prunedAfter(
  trial: Pick<Trial, 'scores' | 'epochs'>,
  earlier: readonly Trial[],
  halving: Halving,
  monitor: Monitor,
): number | undefined {
  return rungs(halving, trial.epochs).find((rung) => {
    if (trial.scores.length < rung) return false;
    const own = bestWithin(trial.scores, rung, monitor);
    const others = earlier.flatMap((other) => {
      // One that stopped before the rung because nothing better came has what it has.
      const isThere = other.scores.length >= rung || (other.state === 'complete' && other.scores.length > 0);
      return isThere ? [bestWithin(other.scores, rung, monitor)] : [];
    });
    const better = others.filter((other) => other > own).length;
    return better >= Math.max(1, Math.floor((others.length + 1) / halving.reductionFactor));
  });
}

const bestWithin = (scores: readonly number[], epochs: number, monitor: Monitor): number =>
  sign(monitor) * (bestEpoch({ scores: scores.slice(0, epochs) }, monitor)?.score ?? NaN);
