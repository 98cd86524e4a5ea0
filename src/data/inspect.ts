import type { Batch } from './batches.ts';
import { openDataset, type OpenOptions } from './dataset.ts';
import { readImageSize } from './decode.ts';
import { DataError } from './data-error.ts';
import type { DuplicateFinder, Member } from './duplicates.ts';
import { locate, type Split } from './locate.ts';
import type { Dataset } from './picture-set.ts';
import type { Skipped } from './source.ts';
import { isOfService } from './storage/retry.ts';

/** What is in one split of a data set. */
export interface SplitSummary {
  /** `all` for files that belong to no split. */
  readonly split: Split | 'all';
  readonly files: readonly string[];
  readonly records: number;
  readonly layout: string;
  readonly labelled: boolean;
  readonly classNames: readonly string[];
  /** Records of each class. */
  readonly classCounts: readonly number[];
  /** How many pictures have which size, `WIDTHxHEIGHT`, most first. */
  readonly sizes: ReadonlyMap<string, number>;
  /** Bad records, with why they are bad. */
  readonly bad: readonly Skipped[];
}

/** What `inspectDataset` looks at. */
export interface InspectOptions extends Pick<OpenOptions, 'features' | 'classNames' | 'signal'> {
  /** Only this split. */
  readonly split?: Split;
  /** Chooses among the sizes a data set comes in. */
  readonly side?: number;
  /** Decode every picture as well. */
  readonly decode?: boolean;
  /** Takes every picture that was decoded, to look for near-duplicates. */
  readonly duplicates?: DuplicateFinder;
  /** Told of every record that could be read. */
  readonly onRecord?: (record: Member) => void;
  /** Told what is being done, and how far it is. */
  readonly onProgress?: (step: string, done: number, total: number) => void;
}

/** Sizes of pictures are decoded to where they differ; any would do. */
const ANY_SIDE = 224;

/**
 * Reads a whole data set, split by split, and finds every bad record: all checksums and records, and with `decode` all
 * pictures.
 *
 * @throws DataError where there is nothing to inspect: no files, or no images in them.
 */
export async function inspectDataset(location: string, options: InspectOptions = {}): Promise<SplitSummary[]> {
  const { splits, side } = await locate(location, options.side);
  const wanted = [...splits.keys()].filter((split) => options.split === undefined || split === options.split);
  // Opening says what is missing where the split isn't there.
  const names: (Split | 'all')[] = wanted.length > 0 ? wanted : [options.split ?? 'all'];
  const summaries: SplitSummary[] = [];
  for (const split of names) {
    const { features, classNames, signal } = options;
    const dataset = await openDataset(location, {
      split: split === 'all' ? undefined : split,
      size: options.side ?? side ?? ANY_SIDE,
      features,
      classNames,
      badRecords: 'skip',
      cacheBudgetBytes: 0,
      signal,
      onProgress: (bytes, total) => options.onProgress?.(`reading ${split}`, bytes, total),
    });
    try {
      summaries.push(await summarise(split, dataset, options));
    } finally {
      await dataset.close();
    }
  }
  return summaries;
}

async function summarise(
  split: Split | 'all',
  dataset: Dataset,
  { decode, duplicates, signal, onRecord, onProgress }: InspectOptions,
): Promise<SplitSummary> {
  if (onRecord !== undefined) {
    for (let index = 0; index < dataset.count; index++) onRecord(memberOf(split, dataset, index));
  }
  const sizes = await countSizes(dataset, signal);
  if (decode) {
    const onBatch = duplicates === undefined ? undefined : collect(split, dataset, duplicates);
    await decodeAll(dataset, signal, onBatch, (done) => onProgress?.(`decoding ${split}`, done, dataset.count));
  }
  return {
    split,
    files: dataset.files,
    records: dataset.count,
    layout: dataset.layout?.name ?? '',
    labelled: dataset.labelled,
    classNames: dataset.classNames,
    classCounts: countClasses(dataset),
    sizes,
    bad: [...dataset.skipped],
  };
}

function countClasses({ labels, classNames }: Dataset): number[] {
  const counts = classNames.map(() => 0);
  for (const label of labels) if (label >= 0 && label < counts.length) counts[label]++;
  return counts;
}

/** Sizes of the pictures as stored, by their headers alone. */
async function countSizes(dataset: Dataset, signal: AbortSignal | undefined): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (let index = 0; index < dataset.count; index++) {
    signal?.throwIfAborted();
    try {
      const { height, width } = await readImageSize(await dataset.encoded(index), dataset.place(index));
      const size = `${width}x${height}`;
      counts.set(size, (counts.get(size) ?? 0) + 1);
    } catch (error) {
      // Decoding names the pictures that can't be read; here they have no size.
      if (!(error instanceof DataError) || isOfService(error)) throw error;
      counts.set('unreadable', (counts.get('unreadable') ?? 0) + 1);
    }
  }
  return new Map([...counts].toSorted(([, a], [, b]) => b - a));
}

async function decodeAll(
  dataset: Dataset,
  signal: AbortSignal | undefined,
  onBatch: ((batch: Batch) => void) | undefined,
  onDone: (done: number) => void,
): Promise<void> {
  let done = 0;
  for await (const batch of dataset.batches({ batchSize: 64, signal })) {
    done += batch.count;
    onBatch?.(batch);
    onDone(done);
    batch.release();
  }
}

function collect(split: Split | 'all', dataset: Dataset, duplicates: DuplicateFinder): (batch: Batch) => void {
  const { height, width } = dataset.size;
  const pictureBytes = height * width * 3;
  return ({ images, mask, indices, count }) => {
    for (let row = 0; row < count; row++) {
      if (mask[row] === 0) continue;
      const index = indices[row];
      duplicates.add(
        memberOf(split, dataset, index),
        images.subarray(row * pictureBytes, (row + 1) * pictureBytes),
        height,
        width,
      );
    }
  };
}

function memberOf(split: Split | 'all', dataset: Dataset, index: number): Member {
  const label = dataset.labels[index];
  const className = label < 0 ? undefined : dataset.classNames[label];
  return { split, id: dataset.ids[index], className, place: dataset.place(index) };
}
