import { didYouMean, UsageError } from '../../base/index.ts';
import { BELLS } from './catalogue/bells.ts';
import { BOWLS } from './catalogue/bowls.ts';
import { CLUSTERS } from './catalogue/clusters.ts';
import { FIRST } from './catalogue/first.ts';
import { LILIES } from './catalogue/lilies.ts';
import { RAYS } from './catalogue/rays.ts';
import { SPIKES } from './catalogue/spikes.ts';
import type { Species } from './species.ts';

/** Every species that can be drawn; a data set of N classes takes the first N. */
export const SPECIES: readonly Species[] = [...FIRST, ...interleaved([BOWLS, RAYS, LILIES, CLUSTERS, BELLS, SPIKES])];

/**
 * The species of a data set with this many classes.
 *
 * @throws UsageError `OUT_OF_RANGE` for fewer than 2 or more than there are.
 */
export function firstSpecies(classes: number): readonly Species[] {
  if (Number.isInteger(classes) && classes >= 2 && classes <= SPECIES.length) return SPECIES.slice(0, classes);
  throw new UsageError('OUT_OF_RANGE', 'no data set has that many classes', {
    expected: `2 to ${SPECIES.length}`,
    received: String(classes),
    ...(classes > SPECIES.length && { hint: `there are ${SPECIES.length} species; ask for that many or fewer` }),
  });
}

/** @throws UsageError `UNKNOWN_SPECIES` */
export function speciesNamed(name: string): Species {
  const found = SPECIES.find((species) => species.name === name);
  if (found !== undefined) return found;
  const names = SPECIES.map((species) => species.name);
  throw new UsageError('UNKNOWN_SPECIES', `no species is called "${name}"`, { hint: didYouMean(name, names) });
}

/** One of each list in turn, so that the first N species of the whole are of many kinds. */
function interleaved<T>(lists: readonly (readonly T[])[]): T[] {
  const longest = Math.max(...lists.map((list) => list.length));
  return Array.from({ length: longest }, (_, i) => lists.flatMap((list) => list.slice(i, i + 1))).flat();
}
