import { distance } from 'fastest-levenshtein';

/** What devices are called by people, whose letters say nothing of the names that are meant. */
const MEANT: ReadonlyMap<string, readonly string[]> = new Map([
  ['gpu', ['cuda', 'rocm']],
  ['nvidia', ['cuda']],
  ['amd', ['rocm']],
]);

/** Up to `count` of `names` that look most like `name`, nearest first; empty where none is near. */
export function nearest(name: string, names: Iterable<string>, count = 3): string[] {
  const wanted = name.toLowerCase();
  const all = [...names];
  const meant = MEANT.get(wanted)?.filter((each) => all.includes(each)) ?? [];
  if (meant.length > 0) return meant.slice(0, count);
  const limit = Math.max(2, Math.ceil(wanted.length * 0.4));
  return all
    .map((candidate) => {
      const lower = candidate.toLowerCase();
      const contains = wanted.length > 2 && (lower.includes(wanted) || wanted.includes(lower));
      return { candidate, score: contains ? 1 : distance(wanted, lower) };
    })
    .filter(({ score }) => score <= limit)
    .toSorted((a, b) => a.score - b.score || a.candidate.localeCompare(b.candidate))
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

/** A hint such as `did you mean "daisy" or "dahlia"?`, falling back to the list of what there is; none where there is nothing. */
export function didYouMean(name: string, names: Iterable<string>): string | undefined {
  const all = [...names];
  if (all.length === 0) return undefined;
  const near = nearest(name, all);
  if (near.length > 0) return `did you mean ${near.map((n) => `"${n}"`).join(' or ')}?`;
  const shown = all.slice(0, 12).join(', ');
  return all.length > 12 ? `there are ${shown}, … (${all.length} in all)` : `there are ${shown}`;
}
