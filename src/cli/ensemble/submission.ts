import { DataError } from '../../data/index.ts';
import { csvCell } from '../csv-cell.ts';
import type { MemberPredictions } from './member.ts';

type Pictures = Pick<MemberPredictions, 'ids' | 'hasIds'>;

/** @throws DataError `IDS` where pictures have no ids, or two have the same: Kaggle wants every id once. */
export function requireIds({ ids, hasIds }: Pictures, origin: string): void {
  const refuse = (what: string) =>
    new DataError('IDS', `${origin}: ${what}`, {
      expected: 'every picture with an id of its own',
      hint: 'name the feature that holds it with --id-feature',
    });
  if (!hasIds) throw refuse('not every picture has an id');
  const seen = new Map<string, number>();
  for (const [n, id] of ids.entries()) {
    const before = seen.get(id);
    if (id === '') throw refuse(`picture ${n} has no id`);
    if (before !== undefined) throw refuse(`pictures ${before} and ${n} have the same id "${id}"`);
    seen.set(id, n);
  }
}

/**
 * Predictions as Kaggle takes them: `id,label` with class numbers, every id once.
 *
 * @throws DataError `IDS` as `requireIds` does; `NO_PREDICTION` where a picture has none, or one that is no number.
 */
export function submissionCsv(
  { classNames, ...pictures }: Pictures & Pick<MemberPredictions, 'classNames'>,
  probabilities: Float32Array,
  origin: string,
): string {
  requireIds(pictures, origin);
  const classCount = classNames.length;
  const lines = pictures.ids.map((id, n) => {
    const row = probabilities.subarray(n * classCount, (n + 1) * classCount);
    const highest = Math.max(...row);
    if (!(highest > 0)) throw new DataError('NO_PREDICTION', `${origin}: picture "${id}" has no prediction`);
    return `${csvCell(id)},${row.indexOf(highest)}`;
  });
  return `${['id,label', ...lines].join('\n')}\n`;
}
