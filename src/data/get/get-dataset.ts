import { mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  AssetError,
  cacheError,
  cacheFolder,
  checkFile,
  checkZip,
  download,
  extractMembers,
  KAGGLE_API,
  kaggleAuthorization,
  readKaggleToken,
  unpackTar,
  type DownloadOptions,
  type TransferProgress,
  type WebAsset,
} from '../../assets/index.ts';
import { didYouMean, makeFolder, removeAbandoned, UsageError, workPlace } from '../../base/index.ts';
import { writeClassFile } from '../classes.ts';
import { convertFolder, writePictures, type Converted } from '../convert.ts';
import { DataError } from '../data-error.ts';
import { ImageFileSource } from '../image-files.ts';
import { inspectDataset } from '../inspect.ts';
import { SPLITS, type Split } from '../locate.ts';
import { checkOut, writeDatasetFolder } from '../output-folder.ts';
import { OXFORD_CLASSES } from './class-names.ts';
import { readMatFile } from './mat-file.ts';
import { PUBLIC_SETS, type PublicSet, type SetForm } from './public-set.ts';

/** How a public data set is brought, and where it goes. */
export interface GetOptions extends Pick<DownloadOptions, 'signal' | 'onNotice' | 'attempts' | 'backoff'> {
  readonly out: string;
  /** Side of the square pictures in pixels. */
  readonly size?: number;
  /** The same seed splits the same way, where the publisher doesn't. */
  readonly seed?: number;
  readonly force?: boolean;
  /** Where the files are, in place of their publisher's server: the address of a folder. */
  readonly mirror?: string;
  /** Kaggle's API, for tests. */
  readonly kaggleApi?: string;
  /** Called while a file comes. */
  readonly onTransfer?: (file: string, progress: TransferProgress) => void;
  /** Called while pictures are converted. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** The data set of this name. @throws UsageError with the nearest names. */
export function findPublicSet(name: string): PublicSet {
  const found = PUBLIC_SETS.find((set) => set.name === name);
  if (found !== undefined) return found;
  const names = PUBLIC_SETS.map((set) => set.name);
  throw new UsageError('DATA_SET', `no data set "${name}" to get`, {
    expected: names.join(', '),
    hint: didYouMean(name, names),
  });
}

/**
 * Brings a public data set and lays it out as TFRecords that training reads. Downloads are kept in the cache, verified, and
 * go on where they stopped; the folder appears when it is whole.
 *
 * @throws AssetError `DOWNLOAD_FAILED` with the file to bring by hand and where to put it.
 */
export async function getDataset(
  set: PublicSet,
  options: GetOptions,
): Promise<Pick<Converted, 'classNames' | 'images'>> {
  // Before hours of downloading.
  await checkOut(options.out, options.force ?? false);
  const size = options.size ?? set.size;
  const bring = async (asset: WebAsset, more: Pick<DownloadOptions, 'authorization'> = {}) =>
    bringFile(set.name, asset, { ...options, ...more });
  return FORMS[set.form.kind](set.form as never, { ...options, size }, bring);
}

type Bring = (asset: WebAsset, more?: Pick<DownloadOptions, 'authorization'>) => Promise<string>;
type Sized = GetOptions & { readonly size: number };
type Form<K extends SetForm['kind']> = Extract<SetForm, { kind: K }>;

const FORMS: {
  [K in SetForm['kind']]: (
    form: Form<K>,
    options: Sized,
    bring: Bring,
  ) => Promise<Pick<Converted, 'classNames' | 'images'>>;
} = {
  folders: async ({ archive, folder }, options, bring) =>
    unpacked(await bring(archive), options, async (root) => convertFolder(join(root, folder), options)),

  async oxford({ archive, labels, splits }, options, bring) {
    const labelsFile = await bring(labels);
    const splitsFile = await bring(splits);
    const file = await bring(archive);
    const rows = await oxfordRows(labelsFile, splitsFile);
    return unpacked(file, options, async (root) => {
      const folder = join(root, 'jpg');
      const name = (index: number) => join(folder, `image_${String(index + 1).padStart(5, '0')}.jpg`);
      const source = new ImageFileSource(
        Array.from(rows.labels, (_, index) => name(index)),
        rows.labels,
      );
      return writePictures({ folder, source, classNames: OXFORD_CLASSES, unlisted: 0, splits: rows.splits }, options);
    });
  },

  async kaggle({ competition, sizes, classNames, records }, options, bring) {
    const { size, out, force = false, signal, kaggleApi = KAGGLE_API } = options;
    if (!sizes.includes(size)) {
      throw new UsageError('SIZE', `it has no pictures of ${size} px`, { expected: sizes.join(', ') });
    }
    const authorization = kaggleAuthorization(await readKaggleToken());
    const url = `${kaggleApi}/competitions/data/download-all/${competition}`;
    const file = await bring({ url, version: competition, check: checkArchive }, { authorization }).catch(
      (cause: unknown) => {
        throw explained(cause, competition);
      },
    );
    const member = RegExp(`^tfrecords-jpeg-${size}x${size}/(${SPLITS.join('|')})/[\\w.-]+\\.tfrec$`);
    const images = { train: 0, val: 0, test: 0 };
    await writeDatasetFolder(out, force, async (draft) => {
      await extractMembers(file, (name) => (member.test(name) ? join(draft, name) : undefined), {
        signal,
        onProgress: (progress) => options.onTransfer?.(basename(file), progress),
      });
      await makeFolder(draft);
      await writeClassFile(draft, classNames);
      for (const summary of await inspectDataset(draft, { side: size, signal })) {
        if (summary.split !== 'all') images[summary.split] = summary.records - summary.bad.length;
      }
      const wrong = SPLITS.find((split) => images[split] !== records[split]);
      if (wrong === undefined) return;
      throw new DataError('INCOMPLETE', `${file} is not whole`, {
        expected: `${records[wrong]} pictures in ${wrong}`,
        received: String(images[wrong]),
        hint: 'remove the file and bring it again',
      });
    });
    return { classNames, images };
  },
};

/** A file in the cache, which is downloaded unless it is there, and is what it should be in either case. */
async function bringFile(
  set: string,
  asset: WebAsset,
  options: GetOptions & Pick<DownloadOptions, 'authorization'>,
): Promise<string> {
  const { mirror, onTransfer, signal, onNotice, attempts, backoff, authorization } = options;
  const name = 'version' in asset ? `${asset.version}.zip` : basename(asset.url);
  const path = join(cacheFolder('data', set), name);
  const url = mirror === undefined || 'version' in asset ? asset.url : `${mirror.replace(/\/$/, '')}/${name}`;
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  if (isThere) {
    if (!('version' in asset)) await checkFile(path, asset, path, signal);
    return path;
  }
  try {
    const onProgress = (progress: TransferProgress) => onTransfer?.(name, progress);
    return await download({ ...asset, url }, path, { signal, onNotice, attempts, backoff, authorization, onProgress });
  } catch (cause) {
    if (!(cause instanceof AssetError) || cause.code !== 'DOWNLOAD_FAILED') throw cause;
    throw new AssetError('DOWNLOAD_FAILED', cause.message, {
      hint: `without a network, bring ${asset.url} from another machine and put it at ${path}`,
      cause,
    });
  }
}

/** Kaggle, or a server in between, may answer with a page. */
async function checkArchive(path: string): Promise<void> {
  try {
    await checkZip(path);
  } catch (cause) {
    if (!(cause instanceof AssetError)) throw cause;
    throw new AssetError('KAGGLE', 'what Kaggle sent is no whole zip archive', {
      received: `a file that begins with ${JSON.stringify(await firstWords(path))}`,
      hint: 'check the token and the proxy settings, then run it again; nothing of it was kept',
      cause,
    });
  }
}

async function firstWords(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(60), 0, 60, 0);
    return buffer.toString('latin1', 0, bytesRead).split('\n')[0];
  } finally {
    await file.close();
  }
}

/** Kaggle refuses those who have not accepted the rules. */
function explained(cause: unknown, competition: string): unknown {
  if (!(cause instanceof AssetError) || !/: 40[13]\b/.test(cause.message)) return cause;
  return new AssetError('KAGGLE', cause.message, {
    hint: `accept the rules on https://www.kaggle.com/competitions/${competition}/rules, and check that the token is a new one`,
    cause,
  });
}

/** Runs something on the content of an archive, in a folder beside it that is gone afterwards. */
async function unpacked<T>(archive: string, options: Sized, use: (root: string) => Promise<T>): Promise<T> {
  await removeAbandoned(archive);
  const root = workPlace(archive);
  try {
    await mkdir(root).catch((cause: unknown) => {
      throw cacheError(root, cause);
    });
    await unpackTar(archive, root, {
      signal: options.signal,
      onProgress: (progress) => options.onTransfer?.(basename(archive), progress),
    });
    return await use(root);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** Labels and splits of Oxford's pictures, which are counted from 1. */
async function oxfordRows(
  labelsFile: string,
  splitsFile: string,
): Promise<{ labels: Int32Array; splits: Record<Split, Uint32Array> }> {
  const read = async (file: string) => readMatFile(await readFile(file), file);
  const array = (arrays: Awaited<ReturnType<typeof read>>, name: string, file: string, most: number) => {
    const values = arrays.get(name)?.values;
    if (values === undefined || !values.every((value) => Number.isInteger(value) && value >= 1 && value <= most)) {
      throw new DataError('BAD_MAT', `has no list "${name}" of numbers from 1 to ${most}`, { place: { file } });
    }
    return values.map((value) => value - 1);
  };
  const labels = Int32Array.from(array(await read(labelsFile), 'labels', labelsFile, OXFORD_CLASSES.length));
  const lists = await read(splitsFile);
  const split = (name: string) => Uint32Array.from(array(lists, name, splitsFile, labels.length));
  return { labels, splits: { train: split('trnid'), val: split('valid'), test: split('tstid') } };
}
