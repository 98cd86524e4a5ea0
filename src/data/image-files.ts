import { basename } from 'node:path';
import { didYouMean, formatBytes } from '../base/index.ts';
import { checkClassNames } from './classes.ts';
import { DataError, type Place } from './data-error.ts';
import { toSize, type ImageSize } from './decode.ts';
import { Gate } from './gate.ts';
import { isSplitName } from './locate.ts';
import { PictureSet, type Dataset } from './picture-set.ts';
import { PixelCache } from './pixel-cache.ts';
import type { BadRecords, Source } from './source.ts';
import { isOfService } from './storage/retry.ts';
import { joinPath, readStored, storageOf } from './storage/storage.ts';

/** Endings of pictures, also in formats that aren't read: such a photo is named as one that can't be, and not passed over. */
const IMAGE_FILE = /\.(jpe?g|jfif|png|webp|gif|tiff?|avif|heic|heif|bmp|jp2|jxl)$/i;

/** Larger files are no photos. */
const MAX_FILE_BYTES = 256 * 2 ** 20;

/** Files that are read at a time: more than any disk works on, and fewer than a process may have open, where a batch may have more. */
const READS = 64;

/** Whether a file is taken for a picture, by its name. */
export function isImageFile(path: string): boolean {
  return IMAGE_FILE.test(path) && !basename(path).startsWith('.');
}

/**
 * The picture files of a folder and below, by their paths from it on, sorted. What lies in hidden folders is left out: programs
 * keep copies there, as Jupyter does in `.ipynb_checkpoints`.
 */
export async function listImageFiles(folder: string): Promise<string[]> {
  const files = await (await storageOf(folder)).listAll(folder);
  return files.filter((file) => isImageFile(file) && !/(^|[\\/])\./.test(file)).toSorted();
}

/** Pictures in files of their own. */
export class ImageFileSource implements Source {
  readonly files: readonly string[];
  readonly labels: Int32Array;
  readonly heldBytes = 0;
  readonly hasIds = true;
  readonly #gate = new Gate(READS);

  constructor(files: readonly string[], labels?: Int32Array) {
    this.files = files;
    this.labels = labels ?? new Int32Array(files.length).fill(-1);
  }

  get count(): number {
    return this.files.length;
  }

  get ids(): readonly string[] {
    return this.files;
  }

  place(index: number): Place {
    return { file: this.files[index] };
  }

  read(indices: Uint32Array): Promise<(Buffer | DataError)[]> {
    return Promise.all(
      Array.from(indices, async (index) => {
        await this.#gate.enter();
        try {
          return await readImageFile(this.files[index]);
        } catch (error) {
          if (error instanceof DataError && !isOfService(error)) return error;
          throw error;
        } finally {
          this.#gate.leave();
        }
      }),
    );
  }

  async close(): Promise<void> {}
}

/** Reads one picture file whole. @throws DataError `NOT_FOUND`, `UNREADABLE`, `TOO_LARGE`. */
export async function readImageFile(file: string): Promise<Buffer> {
  const place = { file };
  try {
    const bytes = await readStored(file, MAX_FILE_BYTES);
    if (bytes !== undefined) return bytes;
    throw new DataError('TOO_LARGE', `more than ${formatBytes(MAX_FILE_BYTES)} are too much for a picture`, { place });
  } catch (cause) {
    if (cause instanceof DataError && cause.code !== 'NOT_FOUND') throw cause;
    const reason = cause instanceof DataError ? cause.reason : `can't be read: ${(cause as Error).message}`;
    throw new DataError('UNREADABLE', reason, { place, cause });
  }
}

/**
 * Opens picture files as an unlabelled data set; a folder stands for the picture files in it and below. Names are the
 * paths. Photos are turned upright as their EXIF orientation says.
 *
 * @throws DataError `NOT_FOUND` or `NO_IMAGES`.
 */
export async function openImages(
  paths: readonly string[],
  options: {
    readonly size: number | ImageSize;
    readonly classNames?: readonly string[];
    readonly badRecords?: BadRecords;
    readonly cacheBudgetBytes?: number;
  },
): Promise<Dataset> {
  const files: string[] = [];
  for (const path of paths) files.push(...(await expand(path)));
  const size = toSize(options.size);
  return new PictureSet({
    name: paths.length === 1 ? basename(paths[0]) : 'images',
    source: new ImageFileSource(files),
    layout: undefined,
    classNames: options.classNames ?? [],
    size,
    skipped: [],
    badRecords: options.badRecords ?? 'fail',
    cache: new PixelCache(size.height * size.width * 3, options.cacheBudgetBytes ?? 0),
    decode: { autoOrient: true },
  });
}

async function expand(path: string): Promise<string[]> {
  const kind = await (await storageOf(path)).kindOf(path);
  if (kind === undefined) throw new DataError('NOT_FOUND', `no such file or folder: ${path}`);
  if (kind === 'file') return [path];
  const files = await listImageFiles(path);
  if (files.length > 0) return files.map((file) => joinPath(path, file));
  throw new DataError('NO_IMAGES', `no picture files in ${path}`, {
    expected: '*.jpg, *.png, *.webp, *.gif, *.tif or *.avif files',
  });
}

/** Pictures with a class each: in one folder per class, or by a table. */
export interface ClassFolders {
  /** Names of the classes, sorted: their order gives the class numbers. */
  readonly classNames: readonly string[];
  readonly files: readonly string[];
  /** Class numbers of the files. */
  readonly labels: Int32Array;
  /** Pictures that are there but in no class. */
  readonly unlisted: number;
}

/**
 * Lists the pictures of a folder with one folder per class, those in folders below included.
 *
 * @throws DataError `NOT_FOUND`, `NO_CLASS_FOLDERS`, `NO_IMAGES` (an empty class) or `DUPLICATE_CLASS`.
 */
export async function listClassFolders(folder: string): Promise<ClassFolders> {
  const entries = await (await storageOf(folder)).list(folder);
  const names = entries
    .filter((entry) => entry.isFolder && !entry.name.startsWith('.'))
    .map((entry) => entry.name)
    .toSorted();
  if (names.length === 0) {
    throw new DataError('NO_CLASS_FOLDERS', `no class folders in ${folder}`, {
      expected: 'one folder per class, such as daisy/1.jpg and rose/2.jpg',
      received:
        entries.length === 0
          ? 'an empty folder'
          : didYouMean(
              '',
              entries.map((entry) => entry.name),
            ),
      hint: 'move the photos into such folders, or name their classes in a table: --labels FILE.csv',
    });
  }
  if (names.every(isSplitName)) {
    throw new DataError('NO_CLASS_FOLDERS', `the folders in ${folder} are called like splits, not like classes`, {
      expected: 'one folder per class, such as daisy/1.jpg and rose/2.jpg',
      received: names.join(', '),
      hint: 'put all photos of a class into one folder: the splits are drawn from them; or convert one of the folders',
    });
  }
  const classNames = checkClassNames(
    names.map((name) => name.trim()),
    folder,
  );
  const files: string[] = [];
  const labels: number[] = [];
  for (const [label, name] of names.entries()) {
    const inside = await expand(joinPath(folder, name));
    files.push(...inside);
    for (let i = 0; i < inside.length; i++) labels.push(label);
  }
  return { classNames, files, labels: Int32Array.from(labels), unlisted: 0 };
}
