import { z } from 'zod';
import { plural } from '../../base/index.ts';

/** What a run does where its numbers stop being finite. */
export const DIVERGENCE_POLICIES = ['stop', 'skip', 'roll-back'] as const;
/** What a run does where its numbers stop being finite. */
export type DivergencePolicy = (typeof DIVERGENCE_POLICIES)[number];

export const divergenceSchema = z.strictObject({
  policy: z
    .enum(DIVERGENCE_POLICIES)
    .default('stop')
    .describe(
      'at a loss or gradient that is NaN or infinite: stop, skip the step, or roll back to the last checkpoint and go on with a lower rate',
    ),
  maxSkips: z.int().min(1).max(10_000).default(10).describe('steps in a row that are skipped before the run stops'),
  maxRollBacks: z.int().min(1).max(100).default(3).describe('roll-backs in all before the run stops'),
  rateFactor: z.number().positive().lt(1).default(0.5).describe('what each roll-back multiplies the learning rate by'),
});
export type DivergenceSettings = z.output<typeof divergenceSchema>;

/** What a run remembers of steps that were not finite; part of its checkpoints. */
export const divergenceRecordSchema = z.object({
  /** Of the schedule's rate that is taken. */
  rateFactor: z.number().positive(),
  rollBacks: z.int(),
  /** Steps left out in all. */
  skipped: z.int(),
});
export type DivergenceRecord = z.output<typeof divergenceRecordSchema>;

const NONE: DivergenceRecord = { rateFactor: 1, rollBacks: 0, skipped: 0 };

/** Keeps count of a run's steps that were not finite, and says what is to be done at the next one. */
export class Divergence {
  readonly #settings: DivergenceSettings;
  #record: DivergenceRecord = NONE;
  /** Steps left out one after the other, up to now; a run that is resumed has all of its tries again. */
  #inRow = 0;

  constructor(settings: DivergenceSettings) {
    this.#settings = settings;
  }

  /** What a checkpoint keeps; nothing for a run that has had no such step. */
  get record(): DivergenceRecord | undefined {
    const { rollBacks, skipped } = this.#record;
    return rollBacks + skipped === 0 ? undefined : this.#record;
  }

  get rateFactor(): number {
    return this.#record.rateFactor;
  }

  /** The limit that a run has come to, in words; undefined for one that stops at once. */
  get limit(): string | undefined {
    const { policy, maxSkips, maxRollBacks } = this.#settings;
    if (policy === 'stop') return undefined;
    return policy === 'skip' ? `${plural(maxSkips, 'skipped step')} in a row` : plural(maxRollBacks, 'roll-back');
  }

  get skipped(): number {
    return this.#record.skipped;
  }

  get rollBacks(): number {
    return this.#record.rollBacks;
  }

  /** Goes on with what a checkpoint has kept. */
  restore(record: DivergenceRecord = NONE): void {
    this.#record = record;
  }

  noteFinite(): void {
    this.#inRow = 0;
  }

  /** Counts a step that was not finite, and says what the run does. */
  next(): DivergencePolicy {
    const { policy, maxSkips, maxRollBacks, rateFactor } = this.#settings;
    const { skipped, rollBacks } = this.#record;
    switch (policy) {
      case 'stop':
        return 'stop';
      case 'skip':
        if (this.#inRow >= maxSkips) return 'stop';
        this.#inRow++;
        this.#record = { ...this.#record, skipped: skipped + 1 };
        return 'skip';
      case 'roll-back':
        if (rollBacks >= maxRollBacks) return 'stop';
        this.#record = { ...this.#record, rollBacks: rollBacks + 1, rateFactor: this.#record.rateFactor * rateFactor };
        return 'roll-back';
      default:
        return policy satisfies never;
    }
  }
}
