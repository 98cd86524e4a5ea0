import type { Outcome } from './compile-costs.ts';

/** Programs that a search compiles at most. */
const MAX_TRIALS = 5;
/** A batch this near to one that doesn't fit is as good as the largest. */
const NEAR_ENOUGH = 1 / 16;

export interface LargestBatch {
  /** In the least steps that a batch can grow by. */
  readonly count: number;
  /** True if the program of this batch was compiled; else it is what the memory of another batch lets expect. */
  readonly compiled: boolean;
}

/** The batch that should fit, from what another one takes: arguments stay, temporary memory grows with the batch. */
export function expectBatch(count: number, outcome: Outcome, memoryBytes: number): number {
  const free = memoryBytes - outcome.argumentBytes;
  return Math.max(0, Math.floor((count * free) / outcome.tempBytes));
}

/**
 * The largest batch that fits, by compiling. Every trial is where the memory of the trials before says that the limit is:
 * a compiler refuses what is too large within seconds, while one that fits takes minutes.
 */
export async function searchLargestBatch(
  first: { readonly count: number; readonly outcome: Outcome },
  memoryBytes: number,
  compile: (count: number) => Promise<Outcome>,
): Promise<LargestBatch> {
  let fits = first.outcome.fits ? first.count : 0;
  let refused = first.outcome.fits ? Infinity : first.count;
  let guess = expectBatch(first.count, first.outcome, memoryBytes);
  for (let trial = 0; trial < MAX_TRIALS; trial++) {
    // Between what is known on both sides, and never one of them again.
    const next = Math.min(Math.max(guess, fits + 1), refused === Infinity ? guess : refused - 1);
    if (next <= fits || refused - fits <= Math.max(1, fits * NEAR_ENOUGH)) break;
    const outcome = await compile(next);
    if (outcome.fits) fits = next;
    else refused = next;
    const expected = expectBatch(next, outcome, memoryBytes);
    // An expectation that the trial itself refutes is no more use: the middle is.
    guess = expected > fits && expected < refused ? expected : Math.floor((fits + Math.min(refused, 2 * fits)) / 2);
  }
  return { count: fits, compiled: true };
}
