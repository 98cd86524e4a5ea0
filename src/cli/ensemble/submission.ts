import { DataError } from '../../data/index.ts';
import { csvCell } from '../csv-cell.ts';
import type { MemberPredictions } from './member.ts';

/**
 * Predictions as Kaggle takes them: `id,label` with class numbers, every id once.
 *
 * @throws DataError `IDS` where pictures have no names, or two have the same; `UNREADABLE` where one has no prediction.
 */
export function submissionCsv(
  { ids, hasIds, classNames }: Pick<MemberPredictions, 'ids' | 'hasIds' | 'classNames'>,
  probabilities: Float32Array,
  origin: string,
): string {
  const classCount = classNames.length;
  const seen = new Map<string, number>();
  const lines = ids.map((id, n) => {
    const before = seen.get(id);
    const isNamed = hasIds && id !== '';
    if (!isNamed || before !== undefined) {
      const what = !isNamed ? `picture ${n} has no id` : `pictures ${before} and ${n} have the same id "${id}"`;
      throw new DataError('IDS', `${origin}: ${what}`, {
        expected: 'every picture with an id of its own',
        hint: 'name the feature that holds it with --id-feature',
      });
    }
    seen.set(id, n);
    const row = probabilities.subarray(n * classCount, (n + 1) * classCount);
    const highest = Math.max(...row);
    if (!(highest > 0)) throw new DataError('UNREADABLE', `${origin}: picture "${id}" could not be decoded`);
    return `${csvCell(id)},${row.indexOf(highest)}`;
  });
  return `${['id,label', ...lines].join('\n')}\n`;
}
