import { plural } from '../../base/index.ts';
import { Selection, type Dataset } from '../../data/index.ts';
import { TrainingError } from '../errors.ts';

/**
 * A data set of another size in the order of the first one: the files of a size may hold the same pictures in another order, and
 * what is split, scored or shown by a picture's place must mean the same picture.
 *
 * @throws TrainingError `SIZE` where they are not the same pictures.
 */
export function inOrderOf(first: Dataset, sized: Dataset): Dataset {
  const isSame = first.ids.length === sized.ids.length && first.ids.every((id, n) => id === sized.ids[n]);
  // Without ids the names are places, which differ; pictures whose labels agree one by one are taken for the same.
  const isNamed = isSame || (first.hasIds && sized.hasIds);
  const ordered = isSame || !isNamed ? sized : new Selection(sized, recordsOf(first, sized), sized.name);
  const at = ordered.labels.findIndex((label, n) => label !== first.labels[n]);
  if (ordered.count !== first.count || at !== -1) {
    throw refuse(first, sized, at === -1 ? '' : `, another class for "${first.ids[at]}"`);
  }
  return ordered;
}

/** Where each picture of the first data set is in the other. */
function recordsOf(first: Dataset, sized: Dataset): Uint32Array {
  const recordOf = new Map(sized.ids.map((id, record) => [id, record]));
  const missing = first.ids.find((id) => !recordOf.has(id));
  if (missing !== undefined) throw refuse(first, sized, `, without "${missing}"`);
  if (recordOf.size !== sized.count || first.count !== sized.count) throw refuse(first, sized, '');
  return Uint32Array.from(first.ids, (id) => recordOf.get(id)!);
}

const refuse = (first: Dataset, sized: Dataset, how: string): TrainingError =>
  new TrainingError(
    'SIZE',
    `${sized.name} has other pictures at ${sized.size.height} px than at ${first.size.height} px`,
    {
      expected: plural(first.count, 'picture'),
      received: `${plural(sized.count, 'picture')}${how}`,
      hint: 'give the folder of one size: all sizes are made from its pictures',
    },
  );
