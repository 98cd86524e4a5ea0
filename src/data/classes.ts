import { basename, join } from 'node:path';
import { writeFile } from '../base/index.ts';
import { DataError, type Place } from './data-error.ts';
import { isSplitName } from './locate.ts';
import { joinPath, parentOf, readStored, storageOf } from './storage/storage.ts';
import { decodeText } from './text.ts';

/** Files that give class names, the first that is there; TFDS calls the last one after its feature. */
const CLASS_FILES = ['classes.txt', 'labels.txt', 'classes.json', 'class_names.json', 'label.labels.txt'];

/**
 * The class file that belongs to a file of records: in its folder or, through folders named after splits and sizes, in
 * the data set's own folder above.
 */
export async function findClassFile(recordFile: string): Promise<string | undefined> {
  const storage = await storageOf(recordFile);
  for (let folder = parentOf(recordFile); ; folder = parentOf(folder)) {
    const entries = await storage.list(folder).catch((error: unknown) => {
      // Whoever may read the records may not have to see what is beside them or above.
      if (error instanceof DataError && error.code !== 'UNREACHABLE') return [];
      throw error;
    });
    const there = new Set(entries.map((entry) => entry.name));
    const name = CLASS_FILES.find((candidate) => there.has(candidate));
    if (name !== undefined) return joinPath(folder, name);
    if (!isLayoutFolder(basename(folder)) || folder === parentOf(folder)) return undefined;
  }
}

const isLayoutFolder = (name: string): boolean => isSplitName(name) || /^tfrecords.*$/i.test(name);

/**
 * Reads class names in the order of their numbers: one a line, `NUMBER:NAME` lines as TF-Slim writes them, or JSON, a
 * list or an object from number to name.
 *
 * @throws DataError `NOT_FOUND` or `BAD_CLASS_FILE`.
 */
export async function readClassFile(path: string): Promise<string[]> {
  let bytes: Buffer;
  try {
    bytes = (await readStored(path))!;
  } catch (cause) {
    throw new DataError('NOT_FOUND', 'no class names: the file is missing or not readable', {
      place: { file: path },
      cause,
    });
  }
  const text = decodeText(bytes);
  if (text === undefined) {
    throw new DataError('BAD_CLASS_FILE', 'the text is not in UTF-8', {
      place: { file: path },
      hint: 'save it as UTF-8',
    });
  }
  const names = path.endsWith('.json') ? parseJson(text, path) : parseLines(text, path);
  return checkClassNames(names, path);
}

/** Writes the class file of a data set's folder. Names that look numbered get their own numbers, or others would be read. */
export async function writeClassFile(folder: string, names: readonly string[]): Promise<void> {
  const isPlain = numbersIn(names) === undefined;
  const lines = names.map((name, number) => (isPlain ? `${name}\n` : `${number}:${name}\n`));
  await writeFile(join(folder, CLASS_FILES[0]), lines.join(''));
}

/** More classes than any set of labelled pictures has; a larger number means a damaged file, and a list of names for it would exhaust the memory. */
export const MOST_CLASSES = 1_000_000;

/**
 * Passes class names through, refusing none at all, an empty one, one of several lines, and two that are the same but for case
 * or spaces.
 *
 * @throws DataError `BAD_CLASS_FILE` naming both numbers.
 */
export function checkClassNames(names: readonly string[], path: string): string[] {
  const place = { file: path };
  if (names.length === 0) throw new DataError('BAD_CLASS_FILE', 'no class names in it', { place });
  const seen = new Map<string, number>();
  for (const [number, name] of names.entries()) {
    const key = normalise(name);
    if (key === '') throw new DataError('BAD_CLASS_FILE', `class ${number} has an empty name`, { place });
    if (/[\r\n]/.test(name)) {
      throw new DataError('BAD_CLASS_FILE', `class ${number} has a name of several lines`, {
        place,
        received: JSON.stringify(name),
      });
    }
    const other = seen.get(key);
    if (other !== undefined) {
      throw new DataError('DUPLICATE_CLASS', `classes ${other} and ${number} have one name`, {
        place,
        received: `"${names[other]}" and "${name}"`,
        hint: 'give every class a name of its own; case and spaces do not tell names apart',
      });
    }
    seen.set(key, number);
  }
  return [...names];
}

/** A class name without what doesn't tell names apart: case, and spaces, underscores or hyphens between words. */
export function normalise(name: string): string {
  return name
    .normalize('NFC')
    .toLowerCase()
    .replaceAll(/[\s_-]+/g, ' ')
    .trim();
}

/**
 * Checks that every label has a class.
 *
 * @throws DataError `LABEL_OUT_OF_RANGE` for the first that has none.
 */
export function checkLabels(labels: Int32Array, classCount: number, place: (index: number) => Place): void {
  const index = labels.findIndex((label) => label >= classCount);
  if (index !== -1) throw labelOutOfRange(labels[index], classCount, place(index));
}

export function labelOutOfRange(label: number, classCount: number, place: Place): DataError {
  return new DataError('LABEL_OUT_OF_RANGE', `label ${label}, but there are ${classCount} classes`, {
    place,
    expected: `0 to ${classCount - 1}`,
    hint: 'are the class names those of this data set?',
  });
}

function parseLines(text: string, path: string): string[] {
  const lines = text.split(/\r?\n/);
  while (lines.at(-1)?.trim() === '') lines.pop();
  const numbered = numbersIn(lines);
  return numbered === undefined ? lines.map((line) => line.trim()) : inOrder(numbered, path);
}

/** What lines of the form `NUMBER:NAME` say; undefined where not all of them are. */
function numbersIn(lines: readonly string[]): [number, string][] | undefined {
  const matches = lines.map((line) => /^\s*(\d+)\s*:(.*)$/.exec(line));
  if (lines.length === 0 || !matches.every((match) => match !== null)) return undefined;
  return matches.map(([, number, name]) => [Number(number), name.trim()]);
}

function parseJson(text: string, path: string): string[] {
  const place = { file: path };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DataError('BAD_CLASS_FILE', `not JSON: ${(cause as Error).message}`, { place, cause });
  }
  if (Array.isArray(value) && value.every((name) => typeof name === 'string')) return value.map((name) => name.trim());
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const entries = Object.entries(value);
    if (entries.every(([number, name]) => /^\d+$/.test(number) && typeof name === 'string')) {
      return inOrder(
        entries.map(([number, name]) => [Number(number), (name as string).trim()]),
        path,
      );
    }
  }
  throw new DataError('BAD_CLASS_FILE', 'no list of names', {
    place,
    expected: '["daisy", "rose"] or {"0": "daisy", "1": "rose"}',
  });
}

function inOrder(entries: readonly (readonly [number, string])[], path: string): string[] {
  const names: (string | undefined)[] = Array.from({ length: entries.length });
  for (const [number, name] of entries) {
    if (number >= entries.length || names[number] !== undefined) {
      throw new DataError('BAD_CLASS_FILE', `class numbers must be 0 to ${entries.length - 1}, each once`, {
        place: { file: path },
        received: String(number),
      });
    }
    names[number] = name;
  }
  return names as string[];
}
