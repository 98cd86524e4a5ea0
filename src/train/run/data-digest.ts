import { createHash } from 'node:crypto';
import type { Dataset } from '../../data/index.ts';

const known = new WeakMap<Dataset, string>();

/**
 * Tells a data set from another one, or from itself after a change: of names, labels, order and the places of the records in
 * their files, where a picture of another length moves all that follow. It is the same wherever the files are.
 */
export function dataDigest(data: Dataset): string {
  let digest = known.get(data);
  if (digest === undefined) {
    const hash = createHash('sha256').update(data.labels);
    const offsets = Float64Array.from(data.ids, (_, index) => data.place(index).offset ?? -1);
    hash.update(offsets).update(JSON.stringify(data.ids));
    digest = hash.digest('hex').slice(0, 16);
    known.set(data, digest);
  }
  return digest;
}
