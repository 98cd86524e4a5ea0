import type { Logger } from '../base/index.ts';
import type { Split } from '../data/index.ts';
import type { CheckpointInfo } from '../train/index.ts';

/** Says that scores on a split tell nothing of a run that was trained on its images. */
export function warnOfSeen(path: string, { data }: Pick<CheckpointInfo, 'data'>, split: Split, log: Logger): void {
  if (split !== 'val' || data?.joined === undefined) return;
  log.warn(
    data.joined === 'all'
      ? `${path} was trained on the images of val too: its scores on them say nothing`
      : `${path} was trained on the images of val too, but for those of a fold: its scores on them say little; --folds wrote those that count into out-of-fold.csv`,
  );
}
