import { parse } from 'csv-parse/sync';
import { basename } from 'node:path';
import { didYouMean, plural, SepalError } from '../base/index.ts';
import { checkClassNames } from './classes.ts';
import { DataError } from './data-error.ts';
import { listImageFiles, type ClassFolders } from './image-files.ts';
import { joinPath, readStored } from './storage/storage.ts';
import { decodeText } from './text.ts';

/** A CSV file that says which photo shows what. */
export interface LabelTable {
  readonly file: string;
  /** Columns with the names of the files and of the classes; else found by what they are usually called. */
  readonly imageColumn?: string;
  readonly labelColumn?: string;
}

const IMAGE_COLUMNS = [
  'file',
  'filename',
  'file_name',
  'path',
  'filepath',
  'image',
  'image_id',
  'image_name',
  'img',
  'id',
];
const LABEL_COLUMNS = ['label', 'class', 'class_name', 'species', 'breed', 'category', 'target', 'name'];

/**
 * Lists the pictures of a folder that a CSV file names, with the class that it gives them. Files may be named with or
 * without their folder and their extension. Pictures that the table doesn't name are left out.
 *
 * @throws DataError `NOT_FOUND`, `UNREADABLE`; `BAD_TABLE`, `NO_COLUMN`, `NO_SUCH_IMAGE`, `AMBIGUOUS_IMAGE`, `TWO_LABELS` with the line.
 */
export async function listLabelled(folder: string, table: LabelTable): Promise<ClassFolders> {
  const rows = await readTable(table);
  const files = await listImageFiles(folder);
  const find = finderOf(files, table.file);
  const labelOf = new Map<string, Row>();
  for (const row of rows) {
    const file = find(row);
    const other = labelOf.get(file);
    if (other !== undefined && other.label !== row.label) {
      throw new DataError('TWO_LABELS', `${file} has two labels`, {
        place: { file: table.file },
        received: `"${other.label}" in line ${other.line} and "${row.label}" in line ${row.line}`,
      });
    }
    labelOf.set(file, row);
  }
  const isNumber = rows.every(({ label }) => /^\d+$/.test(label));
  const names = [...new Set(rows.map(({ label }) => label))].toSorted(
    isNumber ? (a, b) => Number(a) - Number(b) : undefined,
  );
  const classNames = checkClassNames(names, table.file);
  const numbers = new Map(names.map((name, number) => [name, number]));
  const listed = files.filter((file) => labelOf.has(file));
  return {
    classNames,
    files: listed.map((file) => joinPath(folder, file)),
    labels: Int32Array.from(listed, (file) => numbers.get(labelOf.get(file)!.label)!),
    unlisted: files.length - listed.length,
  };
}

interface Row {
  readonly image: string;
  readonly label: string;
  readonly line: number;
}

async function readTable({ file, imageColumn, labelColumn }: LabelTable): Promise<Row[]> {
  const place = { file };
  const bytes = (await readStored(file).catch((cause: unknown) => {
    if (cause instanceof SepalError) throw cause;
    throw new DataError('UNREADABLE', `can't be read: ${(cause as Error).message}`, {
      place,
      expected: 'a CSV file',
      cause,
    });
  }))!;
  const text = decodeText(bytes);
  if (text === undefined) {
    throw new DataError('BAD_TABLE', 'the text is not in UTF-8', { place, hint: 'save it as "CSV UTF-8"' });
  }
  let header: readonly string[] = [];
  let records: { info: { lines: number }; record: Record<string, string> }[];
  try {
    records = parse(text, {
      columns: (names: string[]) => (header = names),
      info: true,
      trim: true,
      skip_empty_lines: true,
      delimiter: delimiterOf(text),
    }) as unknown as typeof records;
  } catch (cause) {
    throw new DataError('BAD_TABLE', `no table of comma-separated values: ${(cause as Error).message}`, {
      place,
      cause,
    });
  }
  if (records.length === 0) {
    throw new DataError('BAD_TABLE', 'a table without rows', {
      place,
      expected: 'a line of column names, then a line a photo',
    });
  }
  const columns = Object.keys(records[0].record);
  const image = chooseColumn(columns, imageColumn, IMAGE_COLUMNS, 'file', file);
  const label = chooseColumn(columns, labelColumn, LABEL_COLUMNS, 'label', file);
  for (const name of [image, label]) {
    if (header.indexOf(name) !== header.lastIndexOf(name))
      throw new DataError('BAD_TABLE', `two columns are called "${name}"`, { place });
  }
  return records.map(({ info: { lines: line }, record }) => {
    if (record[label] === '') throw new DataError('BAD_TABLE', `line ${line} has no label`, { place });
    return { image: record[image], label: record[label], line };
  });
}

/** What stands between the names of the columns: labels and notes may hold what stands between those of other tables. */
function delimiterOf(text: string): string {
  const columns = (delimiter: string): number => {
    try {
      return parse(text, { skip_empty_lines: true, to: 1, delimiter })[0]?.length ?? 0;
    } catch {
      // A quote that closes before another separator than its own.
      return 0;
    }
  };
  return [',', ';', '\t'].toSorted((a, b) => columns(b) - columns(a))[0];
}

function chooseColumn(
  columns: readonly string[],
  given: string | undefined,
  usual: readonly string[],
  role: 'file' | 'label',
  file: string,
): string {
  if (given !== undefined && columns.includes(given)) return given;
  const found = usual.flatMap((name) => columns.filter((column) => column.toLowerCase() === name));
  if (given === undefined && found.length > 0) return found[0];
  throw new DataError('NO_COLUMN', given === undefined ? `no column for the ${role}` : `no column "${given}"`, {
    place: { file },
    expected: given === undefined ? `one of ${usual.join(', ')}` : undefined,
    received: `the columns ${columns.join(', ')}`,
    hint: `${given === undefined ? '' : `${didYouMean(given, columns)}; `}name it with --${role}-column`,
  });
}

/** Finds the file that a row names: by its path, else by its name, else by its name without extension. */
function finderOf(files: readonly string[], table: string): (row: Row) => string {
  // Letters with marks are one character here and two there: macOS takes names apart.
  const plain = (path: string) => path.normalize('NFC').replaceAll('\\', '/').replace(/^\.\//, '');
  const keys = [
    plain,
    (path: string) => basename(plain(path)),
    (path: string) => stem(plain(path)),
    (path: string) => stem(basename(plain(path))),
  ];
  const maps = keys.map((key) => Map.groupBy(files, key));
  return ({ image, line }) => {
    for (const found of maps.map((map) => map.get(plain(image)))) {
      if (found?.length === 1) return found[0];
      if (found !== undefined) {
        throw new DataError('AMBIGUOUS_IMAGE', `line ${line} names ${plural(found.length, 'picture')}`, {
          place: { file: table },
          received: `"${image}": ${found.slice(0, 3).join(', ')}`,
          hint: 'name the file with its folder and extension',
        });
      }
    }
    throw new DataError('NO_SUCH_IMAGE', `line ${line} names no picture in the folder`, {
      place: { file: table },
      received: `"${image}"`,
      hint: files.length === 0 ? 'the folder holds no picture files' : didYouMean(image, files),
    });
  };
}

const stem = (path: string): string => path.replace(/\.[^./]+$/, '');
