import {
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
  type SchemaTree,
} from 'hyparquet';
import { basename } from 'node:path';
import { formatCount } from '../base/index.ts';
import { checkClassNames, checkLabels, MOST_CLASSES } from './classes.ts';
import { DataError, type Place } from './data-error.ts';
import { splitInName, type Split } from './locate.ts';
import { compressorsWithin } from './parquet-compressors.ts';
import type { Source } from './source.ts';
import { joinPath, storageOf } from './storage/storage.ts';

const PARQUET_FILE = /\.parquet$/i;
const IMAGE_COLUMNS = ['image', 'img', 'picture', 'photo', 'jpg', 'png'];
const LABEL_COLUMNS = ['label', 'labels', 'class', 'fine_label', 'category', 'target', 'species'];

/** Row groups whose pictures are held: that of the rows being read, and the next one. */
const GROUPS_HELD = 2;

/** The Parquet files at a location: itself, or those of a folder and below; none where it holds no such files. */
export async function findParquet(location: string): Promise<string[]> {
  const storage = await storageOf(location);
  if ((await storage.kindOf(location)) !== 'folder') return PARQUET_FILE.test(location) ? [location] : [];
  const files = (await storage.listAll(location)).filter((file) => PARQUET_FILE.test(file));
  return files.toSorted().map((file) => joinPath(location, file));
}

/** No file of pictures unpacks to more, as they hardly shrink: it is deflate's best. */
const MOST_UNPACKED = 1032;

/** Neighbouring rows of a file that are stored together. */
interface RowGroup {
  readonly file: number;
  /** Number of the first row in its file, and in the data set. */
  readonly start: number;
  readonly first: number;
  readonly rows: number;
}

interface ParquetFile {
  readonly path: string;
  /** Its path from the folder on that all files lie in. */
  readonly name: string;
  readonly buffer: AsyncBuffer;
  readonly metadata: FileMetaData;
}

/** The pictures of Parquet files as Hugging Face's data sets store them: a column of encoded images and one of labels. */
export class ParquetSource implements Source {
  readonly files: readonly string[];
  readonly labels: Int32Array;
  readonly ids: readonly string[];
  readonly hasIds = true;
  readonly classNames: readonly string[];
  readonly heldBytes = 0;
  readonly #files: readonly ParquetFile[];
  readonly #groups: readonly RowGroup[];
  readonly #image: string;
  readonly #held = new Map<RowGroup, Promise<(Uint8Array | undefined)[]>>();

  private constructor(
    files: readonly ParquetFile[],
    groups: readonly RowGroup[],
    image: string,
    found: { labels: Int32Array; ids: readonly string[]; classNames: readonly string[] },
  ) {
    this.files = files.map(({ path }) => path);
    this.#files = files;
    this.#groups = groups;
    this.#image = image;
    this.labels = found.labels;
    this.ids = found.ids;
    this.classNames = found.classNames;
  }

  /** @throws DataError `BAD_PARQUET`, `NOT_AN_IMAGE_SET` or `NO_LABELS`. */
  static async open(paths: readonly string[]): Promise<ParquetSource> {
    const names = namesOf(paths);
    const files = await Promise.all(paths.map(async (path, i) => openFile(path, names[i])));
    const stems = stemsOf(names);
    const { image, label, classes } = findColumns(files[0]);
    const groups: RowGroup[] = [];
    const values: unknown[] = [];
    const ids: string[] = [];
    for (const [number, file] of files.entries()) {
      let start = 0;
      // What labels are unpacked to is kept for all rows.
      const compressors = compressorsOf(file);
      for (const { num_rows } of file.metadata.row_groups) {
        const rows = Number(num_rows);
        groups.push({ file: number, start, first: values.length, rows });
        for (const row of await readRows(file, { column: label, start, rows, compressors })) values.push(row[label]);
        start += rows;
      }
      for (let row = 0; row < start; row++) ids.push(`${stems[number]}/${row}`);
    }
    const { labels, classNames } = toClasses(values, classes, files[0].path);
    const source = new ParquetSource(files, groups, image, { labels, ids, classNames });
    checkLabels(labels, classNames.length, (index) => source.place(index));
    return source;
  }

  get count(): number {
    return this.labels.length;
  }

  place(index: number): Place {
    const { file, start, first } = this.#groupOf(index);
    return { file: this.files[file], record: start + index - first };
  }

  /** The split that the file of a row is named after, or else the folder that it lies in, as in `train/0000.parquet`. */
  splitOf(index: number): Split | undefined {
    const { name } = this.#files[this.#groupOf(index).file];
    for (const part of name.split('/').toReversed()) {
      const split = splitInName(part);
      if (split !== undefined) return split;
    }
    return undefined;
  }

  read(indices: Uint32Array): Promise<(Buffer | DataError)[]> {
    return Promise.all(
      Array.from(indices, async (index) => {
        const group = this.#groupOf(index);
        const bytes = (await this.#images(group))[index - group.first];
        if (bytes === undefined)
          return new DataError('NO_IMAGE', 'a row without a picture', { place: this.place(index) });
        return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      }),
    );
  }

  async close(): Promise<void> {
    this.#held.clear();
  }

  #images(group: RowGroup): Promise<(Uint8Array | undefined)[]> {
    let images = this.#held.get(group);
    if (images === undefined) {
      for (const old of this.#held.keys()) {
        if (this.#held.size < GROUPS_HELD) break;
        this.#held.delete(old);
      }
      const { start, rows } = group;
      const file = this.#files[group.file];
      images = readRows(file, { column: this.#image, start, rows, compressors: compressorsOf(file) }).then((found) =>
        found.map((row) => bytesOf(row[this.#image])),
      );
      this.#held.set(group, images);
    }
    return images;
  }

  #groupOf(index: number): RowGroup {
    let low = 0;
    let high = this.#groups.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#groups[middle].first <= index) low = middle;
      else high = middle - 1;
    }
    return this.#groups[low];
  }
}

/** Paths from the folder on that all of them lie in. */
function namesOf(paths: readonly string[]): string[] {
  const parts = paths.map((path) => path.split(/[\\/]/));
  const [first] = parts;
  let common = 0;
  while (common < first.length - 1 && parts.every((each) => each[common] === first[common])) common++;
  return parts.map((each) => each.slice(common).join('/'));
}

/** What files are called in the names of their rows; folders stand in them where two files of different ones have one name. */
function stemsOf(names: readonly string[]): string[] {
  const short = names.map((name) => basename(name));
  const chosen = new Set(short).size === short.length ? short : names;
  return chosen.map((name) => name.replace(PARQUET_FILE, ''));
}

async function openFile(path: string, name: string): Promise<ParquetFile> {
  const stored = await (await storageOf(path)).open(path);
  await stored.close();
  const slice = async (start: number, end = stored.size): Promise<ArrayBuffer> => {
    const from = start < 0 ? stored.size + start : start;
    const bytes = Buffer.from(new ArrayBuffer(end - from));
    // Opened for each read, so that nothing is to be closed when the conversion ends early.
    const file = await (await storageOf(path)).open(path);
    try {
      for (let got = 0; got < bytes.length;) {
        const more = await file.read(bytes, got, bytes.length - got, from + got);
        if (more === 0)
          throw new DataError('TRUNCATED', 'the file got shorter while it was read', { place: { file: path } });
        got += more;
      }
    } finally {
      await file.close();
    }
    return bytes.buffer;
  };
  const buffer: AsyncBuffer = { byteLength: stored.size, slice };
  const metadata = await parsing(path, async () => {
    const read = await parquetMetadataAsync(buffer);
    checkShape(read, stored.size);
    return read;
  });
  return { path, name, buffer, metadata };
}

/**
 * Refuses a description that doesn't hold together. The library would begin to read a column and throw for the next one,
 * with nobody there for what the first one comes to; and so many rows as are claimed get memory before any is read.
 */
function checkShape(metadata: FileMetaData, bytes: number): void {
  let rows = 0;
  const wanted = leavesOf(parquetSchema(metadata)).join(' ');
  for (const { columns, num_rows } of metadata.row_groups) {
    const found = columns.map(({ meta_data }) => pathOf(meta_data?.path_in_schema));
    if (found.join(' ') !== wanted) throw new Error('a row group has other columns than the file');
    if (!(num_rows >= 0)) throw new Error(`a row group of ${num_rows} rows`);
    rows += Number(num_rows);
  }
  // Each has a picture.
  if (rows > bytes) throw new Error(`${rows} rows in ${bytes} bytes`);
}

const pathOf = (path: readonly string[] | undefined): string => JSON.stringify(path);

function leavesOf({ children, path }: SchemaTree): string[] {
  return children.length === 0 ? [pathOf(path)] : children.flatMap(leavesOf);
}

const compressorsOf = ({ buffer }: ParquetFile): Compressors => compressorsWithin(MOST_UNPACKED * buffer.byteLength);

interface Wanted {
  readonly column: string;
  readonly start: number;
  readonly rows: number;
  readonly compressors: Compressors;
}

function readRows(
  { path, buffer, metadata }: ParquetFile,
  { column, start, rows, compressors }: Wanted,
): Promise<Record<string, unknown>[]> {
  const range = { rowStart: start, rowEnd: start + rows };
  const options = { file: buffer, metadata, columns: [column], ...range, utf8: false, compressors };
  return parsing(path, () => parquetReadObjects(options));
}

async function parsing<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError('BAD_PARQUET', `no readable Parquet file: ${(cause as Error).message}`, {
      place: { file },
      cause,
    });
  }
}

/** What `datasets` writes about the columns, in the file's metadata. */
interface HuggingFaceInfo {
  readonly info?: { readonly features?: Record<string, Readonly<Record<string, unknown>>> };
}

const TYPE_KEY = '_type';

/** Metadata that can't be read says nothing; the columns' names may still do. */
function featuresIn(text: string): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  try {
    return (JSON.parse(text) as HuggingFaceInfo | null)?.info?.features ?? {};
  } catch {
    return {};
  }
}

function findColumns({ path, metadata }: ParquetFile): {
  image: string;
  label: string;
  classes: string[] | undefined;
} {
  const columns = parquetSchema(metadata).children.map(({ element }) => element.name);
  const text = metadata.key_value_metadata?.find(({ key }) => key === 'huggingface')?.value;
  const features = text === undefined ? {} : featuresIn(text);
  const ofType = (type: string) => columns.find((column) => features[column]?.[TYPE_KEY] === type);
  const named = (usual: readonly string[]) => columns.find((column) => usual.includes(column.toLowerCase()));
  const image = ofType('Image') ?? named(IMAGE_COLUMNS);
  const label = ofType('ClassLabel') ?? named(LABEL_COLUMNS);
  const details = { place: { file: path }, received: `the columns ${columns.join(', ')}` };
  if (image === undefined) {
    throw new DataError('NOT_AN_IMAGE_SET', 'no column of pictures', {
      ...details,
      expected: IMAGE_COLUMNS.join(', '),
    });
  }
  if (label === undefined) {
    throw new DataError('NO_LABELS', 'no column of labels', { ...details, expected: LABEL_COLUMNS.join(', ') });
  }
  const names = features[label]?.names;
  return { image, label, classes: Array.isArray(names) ? names.map(String) : undefined };
}

const LABEL_KINDS: ReadonlySet<string> = new Set(['bigint', 'number', 'string']);

/** Numbers of the labels: those that are there, or those of their words in sorted order; -1 where there is none. */
function toClasses(values: readonly unknown[], names: readonly string[] | undefined, file: string) {
  const isMissing = (value: unknown) => value === null || value === undefined;
  const isNumber = values.every((value) => isMissing(value) || typeof value === 'bigint' || typeof value === 'number');
  const strange = values.find(
    (value) => !isMissing(value) && !LABEL_KINDS.has(typeof value) && !(value instanceof Uint8Array),
  );
  if (strange !== undefined) {
    throw new DataError('NO_LABELS', 'the labels are neither numbers nor words', {
      place: { file },
      received: Array.isArray(strange) ? 'lists' : `a ${typeof strange}`,
    });
  }
  const words = values.map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : value));
  const sorted = [...new Set(words.filter((word) => typeof word === 'string'))].toSorted();
  const numbers = new Map(sorted.map((word, number) => [word, number]));
  const labels = Int32Array.from(words, (word) => {
    if (isMissing(word)) return -1;
    return isNumber ? labelOf(Number(word)) : (numbers.get(word as string) ?? -1);
  });
  const highest = labels.reduce((max, label) => Math.max(max, label), -1);
  if (highest === -1) throw new DataError('NO_LABELS', 'no row has a label', { place: { file } });
  if (highest >= MOST_CLASSES) {
    throw new DataError('LABEL_OUT_OF_RANGE', `label ${highest} is none of ${formatCount(MOST_CLASSES)} classes`, {
      place: { file },
    });
  }
  const plain = Array.from({ length: highest + 1 }, (_, i) => `class ${i}`);
  return { labels, classNames: checkClassNames(names ?? (isNumber ? plain : sorted), file) };
}

/** -1 for what is no class number; one that 32 bits can't hold would wrap around. */
const labelOf = (value: number): number => (Number.isInteger(value) ? Math.min(Math.max(value, -1), MOST_CLASSES) : -1);

/** The encoded picture: a struct with `bytes`, as `datasets` writes it, or the bytes themselves. */
function bytesOf(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  const bytes = (value as { bytes?: unknown } | null | undefined)?.bytes;
  return bytes instanceof Uint8Array ? bytes : undefined;
}
