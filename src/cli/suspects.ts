import { formatTable, UsageError } from '../base/index.ts';
import type { Member } from '../data/index.ts';
import { suspiciousLabels } from '../metrics/index.ts';
import { readOutOfFold } from './ensemble/out-of-fold.ts';

/** A record whose label is probably wrong. */
export interface Suspect {
  readonly id: string;
  /** Where it is; undefined for one that is in no part of the data that was read. */
  readonly record: Member | undefined;
  readonly className: string;
  readonly likely: string;
  readonly probability: number;
  readonly likelyProbability: number;
}

/** How many stand in the text; `--json` has all. */
const SHOWN = 30;

/** Records whose labels the folds of a cross-validation contradict that had not seen them, the most contradicted first. */
export async function findSuspects(folder: string, records: readonly Member[]): Promise<Suspect[]> {
  const { ids, labels, probabilities, classNames } = await readOutOfFold(folder);
  const byId = new Map<string, Member | undefined>();
  // Of two records with one id nobody knows which is meant.
  for (const record of records) byId.set(record.id, byId.has(record.id) ? undefined : record);
  if (!ids.some((id) => byId.has(id))) {
    throw new UsageError('OUT_OF_FOLD', `${folder} is of another data set: it knows none of these images`);
  }
  return suspiciousLabels({ probabilities, labels, classCount: classNames.length }).map((each) => ({
    id: ids[each.example],
    record: byId.get(ids[each.example]),
    className: classNames[each.label],
    likely: classNames[each.likely],
    probability: each.probability,
    likelyProbability: each.likelyProbability,
  }));
}

/** As a table. */
export function suspectsText(suspects: readonly Suspect[]): string {
  const percent = (probability: number) => `${(100 * probability).toFixed(1)} %`;
  const rows = suspects
    .slice(0, SHOWN)
    .map(({ id, record, className, likely, probability, likelyProbability }) => [
      className,
      percent(probability),
      likely,
      percent(likelyProbability),
      id,
      record === undefined ? '–' : `${record.place.file}, record ${record.place.record}`,
    ]);
  const more = suspects.length - rows.length;
  return [
    formatTable([['label', '', 'looks like', '', 'id', 'where'], ...rows], [1, 3]),
    ...(more > 0 ? [`… and ${more} more (--json has all)`] : []),
  ].join('\n');
}
