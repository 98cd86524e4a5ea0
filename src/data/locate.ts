import { basename, dirname } from 'node:path';
import { didYouMean, plural } from '../base/index.ts';
import { DataError } from './data-error.ts';
import { isRemote, joinPath, parentOf, storageOf } from './storage/storage.ts';

/** The parts of a data set. */
export const SPLITS = ['train', 'val', 'test'] as const;
/** A part of a data set. */
export type Split = (typeof SPLITS)[number];

/** What people call the splits. */
const SPLIT_NAMES: Record<Split, readonly string[]> = {
  train: ['train', 'training'],
  val: ['val', 'valid', 'validation'],
  test: ['test', 'testing'],
};

/** Whether a folder is called as people call a split. */
export function isSplitName(name: string): boolean {
  return Object.values(SPLIT_NAMES).some((names) => names.includes(name.toLowerCase()));
}

/**
 * TFRecord files by name: `00-192x192-641.tfrec`, `x.tfrecord.gz`, `x_tfrecord-00000-of-00002`, and `train-00000-of-01024`, as
 * TensorFlow's scripts for ImageNet call them.
 */
const RECORD_FILE = new RegExp(
  String.raw`\.(tfrec|tfrecords?|record)(\.gz)?$|(tfrecord.*|(^|[\\/])(${Object.values(SPLIT_NAMES).flat().join('|')}))-\d+-of-\d+(\.gz)?$`,
  'i',
);

/** Kaggle's folder of one size, such as `tfrecords-jpeg-192x192`. */
const SIZE_FOLDER = /^tfrecords?\b.*?(\d+)x(\d+)$/i;

/** The TFRecord files of a data set, sorted by name, by split; files in no split stand under `all`. */
export interface Located {
  readonly splits: ReadonlyMap<Split | 'all', readonly string[]>;
  /** Side of the pictures in pixels, where the folder's name says it. */
  readonly side: number | undefined;
}

/**
 * Finds the TFRecord files at a location: a file, a folder of files, a folder with one folder per split, Kaggle's
 * folder with `tfrecords-jpeg-SxS` folders, or a glob pattern.
 *
 * `side` chooses among several sizes: that one, else the next larger, else the largest.
 *
 * @throws DataError `NOT_FOUND`, `NO_RECORD_FILES` or `WHICH_SIZE`.
 */
export async function locate(location: string, side?: number): Promise<Located> {
  const kind = await kindOfPath(location);
  if (kind === 'file') return { splits: new Map([['all', [location]]]), side: sideOf(location) };
  if (kind === 'folder') return locateFolder(location, side);
  if (/[*?[\]{}]/.test(location)) return locateGlob(location);
  throw await notFound(location);
}

async function locateGlob(pattern: string): Promise<Located> {
  const files = await (await storageOf(pattern)).glob(pattern);
  if (files.length === 0) {
    throw new DataError('NOT_FOUND', `no file matches ${pattern}`, { hint: 'quote the pattern, or check it with ls' });
  }
  return { splits: new Map([['all', files.toSorted()]]), side: sideOf(files[0]) };
}

async function locateFolder(folder: string, side: number | undefined): Promise<Located> {
  const entries = await (await storageOf(folder)).list(folder);
  const visible = entries.filter((entry) => !entry.name.startsWith('.'));
  const names = visible.map((entry) => entry.name);

  const files = visible.filter((entry) => !entry.isFolder && RECORD_FILE.test(entry.name));
  if (files.length > 0) {
    return {
      splits: bySplitInName(files.map((entry) => joinPath(folder, entry.name)).toSorted()),
      side: sideOf(folder),
    };
  }

  const splits = new Map<Split | 'all', string[]>();
  for (const split of SPLITS) {
    const name = names.find((candidate) => SPLIT_NAMES[split].includes(candidate.toLowerCase()));
    const inside = name === undefined ? [] : await recordFilesIn(joinPath(folder, name));
    if (inside.length > 0) splits.set(split, inside);
  }
  if (splits.size > 0) return { splits, side: sideOf(folder) ?? sideOf([...splits.values()][0][0]) };

  const sizes = names.filter((name) => SIZE_FOLDER.test(name));
  if (sizes.length > 0) return locateFolder(joinPath(folder, chooseSize(folder, sizes, side)), side);

  throw noRecordFiles(folder, names);
}

async function recordFilesIn(folder: string): Promise<string[]> {
  if ((await kindOfPath(folder)) !== 'folder') return [];
  const entries = await (await storageOf(folder)).list(folder);
  return entries
    .filter(({ name, isFolder }) => !isFolder && !name.startsWith('.') && RECORD_FILE.test(name))
    .map((entry) => entry.name)
    .toSorted()
    .map((name) => joinPath(folder, name));
}

/** Files whose names say their split, as TF-Slim's and TFDS's do; all of them under `all` where not every name does. */
function bySplitInName(files: readonly string[]): Map<Split | 'all', readonly string[]> {
  const groups = Map.groupBy(files, splitInName);
  if (groups.has(undefined)) return new Map([['all', files]]);
  return new Map(SPLITS.flatMap((split) => (groups.has(split) ? [[split, groups.get(split)!] as const] : [])));
}

/** The split that a file's name says. */
export function splitInName(file: string): Split | undefined {
  const words = basename(file)
    .toLowerCase()
    .split(/[^a-z]+/);
  return SPLITS.find((split) => SPLIT_NAMES[split].some((name) => words.includes(name)));
}

function chooseSize(folder: string, names: readonly string[], side: number | undefined): string {
  const bySide = names.toSorted((a, b) => sideOf(a)! - sideOf(b)!);
  if (bySide.length === 1) return bySide[0];
  if (side !== undefined) return bySide.find((name) => sideOf(name)! >= side) ?? bySide.at(-1)!;
  throw new DataError('WHICH_SIZE', `${folder} has ${plural(names.length, 'size')}: ${bySide.join(', ')}`, {
    hint: `choose one with --size ${sideOf(bySide[0])}, or give the folder of one size`,
  });
}

function sideOf(path: string): number | undefined {
  for (const part of [basename(path), basename(dirname(path)), basename(dirname(dirname(path)))]) {
    const match = SIZE_FOLDER.exec(part) ?? /(?:^|-)(\d+)x(\d+)-\d+\.tfrec$/i.exec(part);
    if (match !== null) return Number(match[1]);
  }
  return undefined;
}

function noRecordFiles(folder: string, names: readonly string[]): DataError {
  const there = names.length === 0 ? 'an empty folder' : names.slice(0, 8).join(', ') + (names.length > 8 ? ', …' : '');
  return new DataError('NO_RECORD_FILES', `no TFRecord files in ${folder}`, {
    expected: '*.tfrec or *.tfrecord files, or folders train, val, test or tfrecords-jpeg-SxS with such files',
    received: there,
    hint: 'a folder of photos per class becomes TFRecord files with: sepal data convert FOLDER --out DIR',
  });
}

async function notFound(location: string): Promise<DataError> {
  const message = `no such file or folder: ${location}`;
  if (isRemote(location)) return new DataError('NOT_FOUND', message, { hint: 'check the bucket and the folder in it' });
  // The first part of the path that is missing is the one that was mistyped.
  let missing = location;
  while (missing !== dirname(missing) && (await kindOfPath(dirname(missing))) === undefined) missing = dirname(missing);
  const parent = parentOf(missing);
  const entries = await (await storageOf(parent)).list(parent).catch(() => []);
  const siblings = entries.map((entry) => entry.name).filter((name) => !name.startsWith('.'));
  const hint = siblings.length > 0 ? `in ${parent}: ${didYouMean(basename(missing), siblings)}` : undefined;
  return new DataError('NOT_FOUND', message, { hint });
}

/** What a path leads to, on a disk or in a bucket; undefined where nothing is there. */
export async function kindOfPath(path: string): Promise<'file' | 'folder' | undefined> {
  return (await storageOf(path)).kindOf(path);
}

/** Whether a path is a TFRecord file by its name, or a folder with some in it or below. */
export async function holdsRecords(path: string): Promise<boolean> {
  if ((await kindOfPath(path)) !== 'folder') return RECORD_FILE.test(path);
  return (await (await storageOf(path)).listAll(path)).some((file) => RECORD_FILE.test(file));
}

/** The files of one split. */
export function filesOf(located: Located, location: string, split: Split | undefined): readonly string[] {
  const { splits } = located;
  const all = splits.get('all');
  if (split === undefined) {
    if (all !== undefined) return all;
    if (splits.size === 1) return [...splits.values()][0];
    throw new DataError('WHICH_SPLIT', `${location} has the splits ${[...splits.keys()].join(', ')}`, {
      hint: 'choose one with --split',
    });
  }
  const files = splits.get(split) ?? all;
  if (files !== undefined) return files;
  throw new DataError('NO_SPLIT', `${location} has no split "${split}"`, {
    received: `the splits ${[...splits.keys()].join(', ')}`,
    hint: didYouMean(split, splits.keys()),
  });
}
