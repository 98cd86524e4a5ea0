import { UsageError } from '../../base/index.ts';
import type { TrainingData } from '../../train/index.ts';
import type { Context } from '../command.ts';
import { featureNames } from '../feature-flags.ts';
import { openSplit } from '../open-split.ts';
import type { TrainFlags } from './train-flags.ts';

/** Opens the two splits of a training at a size; `close` frees them. */
export async function openTrainingData(
  flags: TrainFlags,
  size: number,
  context: Context,
): Promise<TrainingData & { close(): Promise<void> }> {
  if (flags.data === undefined) {
    throw new UsageError('NO_DATA', 'no data set is given', {
      hint: 'add --data DIR; sepal data make --out flowers draws one to try with',
    });
  }
  const { badRecords, classNames } = flags;
  const options = { size, badRecords, classNames, features: featureNames(flags), labelsRequired: true };
  const train = await openSplit(flags.data, { ...options, split: 'train' }, context);
  const validation = await openSplit(flags.data, { ...options, split: 'val' }, context);
  return {
    train,
    validation,
    close: async () => {
      await train.close();
      await validation.close();
    },
  };
}
