import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { UsageError, writeFile } from '../../base/index.ts';
import { csvCell } from '../csv-cell.ts';
import type { MemberPredictions } from './member.ts';

export const OUT_OF_FOLD_FILE = 'out-of-fold.csv';

/** Writes `id,label` and the probability of each class, a row for each image. */
export async function writeOutOfFold(
  path: string,
  { ids, labels, classNames, probabilities }: Omit<MemberPredictions, 'path' | 'hasIds'>,
): Promise<void> {
  const { length } = classNames;
  const rows = ids.map((id, i) =>
    [
      csvCell(id),
      labels[i],
      ...Array.from(probabilities.subarray(i * length, (i + 1) * length), (p) => p.toPrecision(9)),
    ].join(','),
  );
  await writeFile(path, `${[['id', 'label', ...classNames.map(csvCell)].join(','), ...rows].join('\n')}\n`);
}

/** What the folds of a cross-validation said of the images that they had not seen. @throws UsageError `OUT_OF_FOLD`. */
export async function readOutOfFold(folder: string): Promise<MemberPredictions> {
  const path = join(folder, OUT_OF_FOLD_FILE);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new UsageError('OUT_OF_FOLD', `${folder} has no ${OUT_OF_FOLD_FILE}`, {
      hint: 'sepal train --folds N writes one when all folds are trained',
      cause,
    });
  });
  const [head = [], ...rows] = cellsOf(text, path);
  const classNames = head.slice(2);
  const bad = rows.findIndex(
    (row) => row.length !== head.length || row.slice(1).some((cell) => !Number.isFinite(Number(cell))),
  );
  if (bad !== -1 || rows.length === 0) {
    throw new UsageError('OUT_OF_FOLD', `${path}: line ${bad + 2} is no row of predictions`, {
      expected: `an id, a label and ${classNames.length} probabilities`,
    });
  }
  return {
    path: folder,
    classNames,
    ids: rows.map(([id]) => id),
    hasIds: true,
    labels: Int32Array.from(rows, ([, label]) => Number(label)),
    probabilities: Float32Array.from(rows.flatMap((row) => row.slice(2).map(Number))),
  };
}

function cellsOf(text: string, path: string): string[][] {
  try {
    return parse(text, { relax_column_count: true, skip_empty_lines: true });
  } catch (cause) {
    throw new UsageError('OUT_OF_FOLD', `${path} is no CSV file: ${(cause as Error).message}`, { cause });
  }
}
