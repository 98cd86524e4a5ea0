import { formatSeconds, formatTable } from '../../base/index.ts';
import type { Monitor } from '../../train/index.ts';
import { scoreName } from '../score-name.ts';
import { bestEpoch, rankTrials, trialFolder, valueText, type Trial, type TuneResult } from '../../tune/index.ts';

/** `0.9412 in epoch 6`. */
export function scoreText(trial: Pick<Trial, 'scores'>, monitor: Monitor): string {
  const best = bestEpoch(trial, monitor);
  return best === undefined ? 'none' : `${best.score.toFixed(4)} in epoch ${best.epoch}`;
}

/** `complete`, or what came between. */
export function stateText({ state, scores, problem }: Trial): string {
  if (state === 'pruned') return `pruned after epoch ${scores.length}`;
  if (state === 'failed') return `failed: ${problem ?? ''}`;
  return state === 'running' ? `interrupted after epoch ${scores.length}` : state;
}

/** All trials, best first. */
export function searchTable({ trials, monitor, space }: TuneResult): string {
  const paths = [...space.ranges.keys()];
  const rows = rankTrials(trials, monitor).map((trial) => {
    const best = bestEpoch(trial, monitor);
    return [
      String(trial.number),
      best?.score.toFixed(4) ?? '–',
      best === undefined ? '–' : String(best.epoch),
      formatSeconds(trial.seconds),
      ...paths.map((path) => valueText(trial.values[path])),
      stateText(trial),
    ];
  });
  const right = [
    0,
    1,
    2,
    3,
    ...paths.flatMap((path, i) => (space.ranges.get(path)?.kind === 'interval' ? [i + 4] : [])),
  ];
  return formatTable([['trial', scoreName(monitor), 'epoch', 'time', ...shortNames(paths), 'state'], ...rows], right);
}

/** The same for programs; `folder` is that of the search. */
export function searchJson({ trials, monitor, best }: TuneResult, folder: string): string {
  const rows = rankTrials(trials, monitor).map((trial) => {
    const { number, state, values, epochs, scores, seconds, problem } = trial;
    return {
      trial: number,
      state,
      best: bestEpoch(trial, monitor) ?? null,
      epochs: scores.length,
      plannedEpochs: epochs,
      values,
      scores,
      seconds,
      problem,
      run: `${folder}/${trialFolder(number)}`,
    };
  });
  return JSON.stringify({ monitor, best: best?.number ?? null, trials: rows }, null, 2);
}

/** The ends of dotted paths that tell them apart: `rate`, or `schedule.rate` where there is another rate. */
export function shortNames(paths: readonly string[]): string[] {
  const endOf = (path: string, words: number) => path.split('.').slice(-words).join('.');
  return paths.map((path) => {
    const isAlone = (words: number) =>
      paths.every((other) => other === path || endOf(other, words) !== endOf(path, words));
    const words = path.split('.').findIndex((_, i) => isAlone(i + 1)) + 1;
    return words === 0 ? path : endOf(path, words);
  });
}
