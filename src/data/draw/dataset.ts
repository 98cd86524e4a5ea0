import { join } from 'node:path';
import { Random, UsageError } from '../../base/index.ts';
import { checkInteger } from '../check-integer.ts';
import { writeClassFile } from '../classes.ts';
import { encodeExample } from '../example.ts';
import { SPLITS, type Split } from '../locate.ts';
import { writeDatasetFolder } from '../output-folder.ts';
import { shardName, TfrecordWriter } from '../tfrecord-writer.ts';
import { firstSpecies } from './catalogue.ts';
import type { ImageKey } from './image.ts';
import { drawJpegs } from './pool.ts';
import { DIFFICULTIES, type Difficulty } from './scene.ts';
import type { Species } from './species.ts';

/** Sides that pictures come in: those of Kaggle's "Petals to the Metal". */
export const DRAWN_SIZES: readonly number[] = [192, 224, 331, 512];

/** Pictures in a file where the user doesn't say how many files, and the most files then. */
const SHARD_IMAGES = 250;
const MOST_SHARDS = 16;

/** The data set of drawn flowers that is made. */
export interface DrawOptions {
  /** The folder to make. */
  readonly out: string;
  /** How many species, 2 to 104; the first ones of the catalogue. */
  readonly classes?: number;
  /** Side of the pictures in pixels: 192, 224, 331 or 512. */
  readonly size?: number;
  /** Pictures in each split, spread evenly over the classes. */
  readonly train?: number;
  readonly val?: number;
  readonly test?: number;
  readonly seed?: number;
  readonly difficulty?: Difficulty;
  /** TFRecord files in each split. */
  readonly shards?: number;
  /** Replace a data set that is already in `out`. */
  readonly force?: boolean;
  readonly signal?: AbortSignal;
  /** Called while pictures are drawn. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What was drawn. */
export interface DrawnDataset {
  readonly folder: string;
  readonly classes: readonly string[];
  readonly images: Readonly<Record<Split, number>>;
}

/**
 * Draws a data set of flowers into TFRecord files in Kaggle's layout: `tfrecords-jpeg-SxS/{train,val,test}` with the
 * features `image`, `class` and `id` (`test` has no `class`), and `classes.txt`.
 *
 * The same options give the same bytes. The folder appears when it is whole; an abort or an error leaves nothing.
 *
 * @throws UsageError for options out of range and for a folder that holds something else (`OUT_NOT_EMPTY`).
 */
export async function drawDataset(options: DrawOptions): Promise<DrawnDataset> {
  const plan = checked(options);
  const classes = plan.species.map(({ name }) => name);
  await writeDatasetFolder(options.out, options.force ?? false, async (draft) => {
    await writeRecords(join(draft, `tfrecords-jpeg-${plan.size}x${plan.size}`), plan, options.onProgress);
    await writeClassFile(draft, classes);
    plan.signal?.throwIfAborted();
  });
  return { folder: options.out, classes, images: plan.images };
}

interface Plan {
  readonly species: readonly Species[];
  readonly size: number;
  readonly images: Readonly<Record<Split, number>>;
  readonly seed: number;
  readonly difficulty: Difficulty;
  readonly shards: number | undefined;
  readonly signal: AbortSignal | undefined;
}

function checked(options: DrawOptions): Plan {
  const {
    classes = 5,
    size = 192,
    train = 800,
    val = 150,
    test = 150,
    seed = 0,
    difficulty = 'medium',
    shards,
  } = options;
  const species = firstSpecies(classes);
  if (!DRAWN_SIZES.includes(size)) {
    const near = DRAWN_SIZES.toSorted((a, b) => Math.abs(a - size) - Math.abs(b - size))[0];
    throw new UsageError('BAD_SIZE', 'pictures are drawn in four sizes', {
      expected: DRAWN_SIZES.join(', '),
      received: String(size),
      hint: `the nearest is ${near}`,
    });
  }
  if (!DIFFICULTIES.includes(difficulty)) {
    throw new UsageError('BAD_DIFFICULTY', 'no such difficulty', {
      expected: DIFFICULTIES.join(', '),
      received: difficulty,
    });
  }
  checkInteger('train', train, 1, 1e7);
  checkInteger('val', val, 0, 1e7);
  checkInteger('test', test, 0, 1e7);
  checkInteger('seed', seed, 0, Number.MAX_SAFE_INTEGER);
  if (shards !== undefined) checkInteger('shards', shards, 1, 1000);
  return { species, size, images: { train, val, test }, seed, difficulty, shards, signal: options.signal };
}

/** Draws all splits, one after the other, into their files. */
async function writeRecords(folder: string, plan: Plan, onProgress: DrawOptions['onProgress']): Promise<void> {
  const keys = SPLITS.flatMap((split) => keysOf(split, plan));
  const files = SPLITS.flatMap((split) => filesOf(split, plan));
  let file = 0;
  let done = 0;
  let writer: TfrecordWriter | undefined;
  try {
    for await (const image of drawJpegs(keys, plan.signal)) {
      const { split, label, index } = keys[done];
      writer ??= await TfrecordWriter.create(join(folder, split));
      const id = `${split}-${String(index).padStart(6, '0')}`;
      await writer.write(encodeExample({ image, ...(split !== 'test' && { class: label }), id }));
      done++;
      onProgress?.(done, keys.length);
      const { shard, count } = files[file];
      if (writer.count < count) continue;
      await writer.finish(shardName(shard, plan.size, count));
      writer = undefined;
      file++;
    }
  } finally {
    await writer?.[Symbol.asyncDispose]();
  }
}

/** The pictures of a split: classes are even over the split and mixed within each file. */
function keysOf(split: Split, { species, images, size, seed, difficulty }: Plan): ImageKey[] {
  const order = new Random(seed, 'draw', split, 'order').permutation(images[split]);
  return Array.from(order, (place, index) => {
    return { seed, split, label: place % species.length, index, size, difficulty };
  });
}

/** The files of a split, of about equal length. */
function filesOf(split: Split, { images, shards }: Plan): { shard: number; count: number }[] {
  const all = images[split];
  const number = Math.min(all, shards ?? Math.min(MOST_SHARDS, Math.ceil(all / SHARD_IMAGES)));
  const start = (shard: number) => Math.round((shard * all) / number);
  return Array.from({ length: number }, (_, shard) => ({ shard, count: start(shard + 1) - start(shard) }));
}
