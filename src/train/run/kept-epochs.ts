import type { CheckpointInfo } from './checkpoint.ts';
import { sign, type Monitor } from '../recipe/recipe.ts';

type Kept = NonNullable<CheckpointInfo['kept']>;

/** Which epochs' weights are kept, best first, and which are no longer. One alone is what `best.safetensors` is for. */
export function rankEpochs(
  epochs: Kept,
  keepBest: number | undefined,
  monitor: Monitor,
): { readonly kept: Kept | undefined; readonly dropped: readonly number[] } {
  if (keepBest === undefined || keepBest === 1) return { kept: undefined, dropped: [] };
  const ranked = epochs.toSorted((a, b) => sign(monitor) * (b.score - a.score));
  return { kept: ranked.slice(0, keepBest), dropped: ranked.slice(keepBest).map(({ epoch }) => epoch) };
}
