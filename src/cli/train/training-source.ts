import { Random } from '../../base/index.ts';
import { Selection, type Dataset, type Split } from '../../data/index.ts';
import { dealByClass } from '../../metrics/index.ts';
import { inOrderOf, type TrainingData } from '../../train/index.ts';
import type { Context } from '../command.ts';
import { featureNames } from '../feature-flags.ts';
import { FlagError } from '../flag-error.ts';
import { openSplit } from '../open-split.ts';
import type { TrainFlags } from './train-flags.ts';

/** A fold to validate on, and the others to train on. */
export interface Fold extends TrainingData {
  readonly train: Selection;
  readonly validation: Selection;
}

/** The labelled data of a training, at any size; what was opened is closed together. */
export class TrainingSource {
  readonly #flags: TrainFlags;
  readonly #context: Context;
  readonly #opened: Promise<Dataset>[] = [];
  readonly #ordered = new Map<string, Promise<Dataset>>();
  /** By splits, at the size that was asked for first: the other sizes are in its order, so that a fold is the same at every one. */
  readonly #first = new Map<string, Promise<Dataset>>();

  /** @throws FlagError `NO_DATA`. */
  constructor(flags: TrainFlags, context: Context) {
    if (flags.data === undefined) {
      throw new FlagError('NO_DATA', 'no data set is given', {
        hint: 'add --data DIR; sepal data make --out flowers draws one to try with',
      });
    }
    this.#flags = flags;
    this.#context = context;
  }

  /** Training and validation as the data set has them, or both to train on. */
  async splits(size: number): Promise<TrainingData> {
    const validation = await this.#open(size, 'val');
    if (this.#flags.allLabelled !== true) return { train: await this.#open(size, 'train'), validation };
    return { train: await this.#open(size, ['train', 'val']), validation, sharesFiles: true };
  }

  /** One fold (from 0) of all labelled images, every class in equal shares, to validate on, and the others to train on. */
  async fold(size: number, { fold, folds, seed }: { fold: number; folds: number; seed: number }): Promise<Fold> {
    const whole = await this.#open(size, ['train', 'val']);
    // Dealt out in random order: records may be sorted by where they come from.
    const order = new Random(seed, 'folds').permutation(whole.count);
    const parts = dealByClass(
      Array.from(order, (record) => whole.labels[record]),
      whole.classNames.length,
      folds,
    );
    const pick = (isWanted: (part: number) => boolean) => order.filter((_, i) => isWanted(parts[i])).toSorted();
    const name = `fold ${fold + 1} of ${folds}`;
    return {
      train: new Selection(
        whole,
        pick((part) => part !== fold),
        `all but ${name}`,
      ),
      validation: new Selection(
        whole,
        pick((part) => part === fold),
        name,
      ),
      sharesFiles: true,
    };
  }

  /** All labelled images. */
  async whole(size: number): Promise<Dataset> {
    return this.#open(size, ['train', 'val']);
  }

  async close(): Promise<void> {
    for (const opened of this.#opened) {
      await opened.then(
        async (data) => data.close(),
        () => {},
      );
    }
  }

  async #open(size: number, split: Split | readonly Split[]): Promise<Dataset> {
    const splits = [split].flat().join('+');
    const key = `${splits} ${size}`;
    const known = this.#ordered.get(key);
    if (known !== undefined) return known;
    const { data = '', badRecords, classNames } = this.#flags;
    const options = { size, split, badRecords, classNames, features: featureNames(this.#flags), labelsRequired: true };
    const opened = openSplit(data, options, this.#context);
    this.#opened.push(opened);
    const first = this.#first.get(splits) ?? opened;
    this.#first.set(splits, first);
    const ordered = Promise.all([first, opened]).then((both) => inOrderOf(...both));
    this.#ordered.set(key, ordered);
    return ordered;
  }
}
