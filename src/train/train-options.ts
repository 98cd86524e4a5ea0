import type { Model, TransferProgress, WeightsSource } from '../models/index.ts';
import type { DivergedStep } from './divergence/diverged.ts';
import type { CheckpointError } from './errors.ts';
import type { EvaluatorCache } from './evaluator-cache.ts';
import type { FeatureCache } from './features/feature-cache.ts';
import type { HistoryRow } from './run/history.ts';
import type { PhaseData } from './phase/phase-data.ts';
import type { Phase } from './phase/phase.ts';
import type { PhaseSummary } from './phase/phase-run.ts';
import type { KeepSettings } from './run/run-keeper.ts';
import type { RunLock } from './run/run-lock.ts';

/** What a run tells while it goes on. */
export type TrainEvent =
  /** Published weights are being brought. */
  | ({ readonly kind: 'transfer' } & TransferProgress)
  | { readonly kind: 'weights'; readonly source: WeightsSource; readonly fresh: readonly string[] }
  | { readonly kind: 'features'; readonly done: number; readonly total: number }
  /** A phase's programs are compiled, or loaded from the cache; `phase` tells when that is done. */
  | { readonly kind: 'compiling' }
  | {
      readonly kind: 'phase';
      readonly phase: Phase;
      readonly count: number;
      readonly model: Model;
      readonly summary: PhaseSummary;
    }
  /** `problem` is what is wrong with the last checkpoint, where the one before it was taken. */
  | { readonly kind: 'resumed'; readonly step: number; readonly problem?: CheckpointError }
  /** The best weights are damaged or gone; those of the epoch `best` have taken their place, or those of the next one will. */
  | {
      readonly kind: 'bestLost';
      readonly problem: CheckpointError;
      readonly best: { readonly epoch: number } | undefined;
    }
  | { readonly kind: 'timeIsUp'; readonly step: number }
  /** A step whose numbers were not finite was left out; `skipped` counts those of the run. */
  | { readonly kind: 'skipped'; readonly diverged: DivergedStep; readonly skipped: number }
  /** The run goes on from the last checkpoint, `step`, with `rateFactor` of the schedule's learning rate. */
  | {
      readonly kind: 'rolledBack';
      readonly diverged: DivergedStep;
      readonly step: number;
      readonly rateFactor: number;
    }
  /** The step that ends the run is run again, to find out in which layer it went wrong. */
  | { readonly kind: 'diagnosing' }
  /** `examples` are those of the epoch so far on all hosts, `loss` is their mean, where it was read. */
  | { readonly kind: 'step'; readonly epoch: number; readonly examples: number; readonly loss: number | undefined }
  | { readonly kind: 'validating'; readonly epoch: number }
  | { readonly kind: 'epoch'; readonly row: HistoryRow; readonly isBest: boolean }
  | { readonly kind: 'stoppedEarly'; readonly epoch: number };

/** What is trained, on what, and what is kept. */
export interface TrainOptions extends KeepSettings, PhaseData {
  /** Which weights become the best: by their score, or the last ones where the validation images are trained on too. */
  readonly keep?: 'best' | 'last';
  /** The run folder: checkpoints and history go there. */
  readonly out: string;
  /** The right to write there, where the caller has taken it and gives it back; else the run takes it. */
  readonly lock?: RunLock;
  /** Goes on from the last checkpoint in `out`. */
  readonly resume?: boolean;
  /** Milliseconds from the start of the process after which the run has ended, with its best weights. */
  readonly deadline?: number;
  /** Images to be classified after the run, for which it leaves a part of its time. */
  readonly imagesAfter?: number;
  /** Asked before each epoch whether the run ends with those that it has; it must answer the same history alike. */
  readonly endsWith?: (history: readonly HistoryRow[]) => boolean;
  /** Features that runs on the same frozen layers share. */
  readonly features?: FeatureCache;
  /** Evaluators that runs one after the other share; the caller disposes of them. */
  readonly evaluators?: EvaluatorCache;
  /** Aborting saves a checkpoint of the step just done and ends with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called for each thing that happens. */
  readonly onEvent?: (event: TrainEvent) => void;
}
