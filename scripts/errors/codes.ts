import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CODES } from '../../src/pjrt/error.ts';

const SRC = join(import.meta.dirname, '..', '..', 'src');

/**
 * Codes that no `new` in the sources names: Commander's errors have one for all, a recipe's setting may be a flag, and plugins answer
 * with any of PJRT's. A checkpoint's are those of the file of weights that it is; of records and features a choice is made before.
 */
const ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  CheckpointError: ['CHECKPOINT_DTYPE', 'CHECKPOINT_FILE'],
  DataError: ['BAD_CHECKSUM', 'NOT_TFRECORD', 'NO_IDS'],
  FlagError: ['COMMAND_LINE', 'RECIPE'],
  InternalError: ['INTERNAL'],
  PjrtError: CODES.filter((code) => code !== 'OK'),
  ShapeError: ['SHAPE'],
};

/** Codes of the errors that the sources throw, by class. Those of the server's API stand in docs/serving.md. */
export function errorCodes(): Map<string, string[]> {
  const codes = new Map(Object.entries(ELSEWHERE).map(([name, listed]) => [name, new Set(listed)]));
  for (const file of globSync('**/*.ts', { cwd: SRC })) {
    if (file.endsWith('.test.ts')) continue;
    const text = readFileSync(join(SRC, file), 'utf8');
    // The code is the first argument: one name, or a choice between two.
    for (const [, name, argument] of text.matchAll(/new ([A-Z]\w+Error)\(\s*([^,;`]*?),/g)) {
      if (name === 'ServeError') continue;
      for (const [, code] of argument.matchAll(/'([A-Z][A-Z\d_]+)'/g)) {
        codes.set(name, (codes.get(name) ?? new Set()).add(code));
      }
    }
  }
  return new Map(
    [...codes.keys()].toSorted().map((name): [string, string[]] => [name, [...codes.get(name)!].toSorted()]),
  );
}

/** The list as it stands in docs/errors.md. */
export function codeList(): string {
  return [...errorCodes()]
    .map(([name, codes]) => `- **${name}**: ${codes.map((code) => `\`${code}\``).join(', ')}`)
    .join('\n');
}

/** Where the list stands in the document. */
export const LIST = /(?<=<!-- codes -->\n\n)[\s\S]*?(?=\n\n<!-- end of codes -->)/;
