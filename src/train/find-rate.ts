import { HeldTogether, type Backend } from '../runtime/index.ts';
import { TrainingError } from './errors.ts';
import { computeTypeOf } from './step/precision.ts';
import { phasesOf } from './phase/phase.ts';
import { PhaseRun } from './phase/phase-run.ts';
import type { Recipe } from './recipe/recipe.ts';
import { checkRun, type TrainingData } from './run/run-check.ts';
import { startOf } from './start.ts';

/** Which rates are tried, and on what. */
export interface FindRateOptions {
  readonly recipe: Recipe;
  readonly backend: Backend;
  readonly data: TrainingData;
  /** First and last rate; the steps between rise by one factor. */
  readonly from?: number;
  readonly to?: number;
  readonly steps?: number;
  readonly signal?: AbortSignal;
  /** Called after each step, with its rate and the smoothed loss. */
  readonly onStep?: (step: number, rate: number, loss: number) => void;
}

/** What a search for a rate has seen. */
export interface FoundRates {
  /** Rates and the losses of the batches that they were tried on, smoothed, up to where the loss blew up. */
  readonly points: readonly { readonly rate: number; readonly loss: number }[];
  /** Where the loss has come nearly all its way down: a highest rate for a schedule. */
  readonly suggested: number;
}

/** The loss has blown up where it is this many times the least one. */
const BLOWN_UP = 3;
/** Share of the loss's way down that a rate must have come. */
const NEARLY = 0.9;
/** Share of the running mean that each step keeps. */
const SMOOTHING = 0.9;

/**
 * Trains for a few steps with a rate that rises from step to step (Smith 2017), in the recipe's first phase, and keeps
 * nothing of it but the losses.
 *
 * @throws TrainingError `DIVERGED` where the first step is not finite.
 */
export async function findLearningRate(options: FindRateOptions): Promise<FoundRates> {
  const { recipe, backend, data, from = 1e-6, to = 1, steps = 100, signal, onStep } = options;
  const [phase] = phasesOf(recipe);
  checkRun(phase, backend.replicas, data);
  const computeType = computeTypeOf(recipe.precision, backend);
  const { model, weights } = await startOf(recipe, data.train, { signal, computeType });
  const run = await PhaseRun.open({
    backend,
    model,
    phase,
    data,
    weights,
    step: 0,
    check: () => signal?.throwIfAborted(),
  });
  const points: { rate: number; loss: number }[] = [];
  try {
    let least = Infinity;
    let mean = 0;
    let epoch = 0;
    while (points.length < steps) {
      for await (const batch of run.batches(epoch, { from: 0, first: 0 })) {
        using held = new HeldTogether();
        held.keep(batch);
        signal?.throwIfAborted();
        const rate = from * (to / from) ** (points.length / Math.max(1, steps - 1));
        const { isFinite, loss } = await run.advance(batch, rate);
        if (!isFinite && points.length === 0) throw unsoundFromTheStart(loss);
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss;
        const smooth = mean / (1 - SMOOTHING ** (points.length + 1));
        if (!isFinite || (points.length > 10 && smooth > BLOWN_UP * least)) {
          return { points, suggested: suggestRate(points) };
        }
        least = Math.min(least, smooth);
        points.push({ rate, loss: smooth });
        onStep?.(points.length, rate, smooth);
        if (points.length === steps) break;
      }
      epoch++;
    }
    return { points, suggested: suggestRate(points) };
  } finally {
    run.dispose();
  }
}

const unsoundFromTheStart = (loss: number): TrainingError =>
  new TrainingError('DIVERGED', `the loss is ${loss} or a gradient not finite at the first step, whatever the rate`, {
    hint: 'train without --find-lr: that names the layer; are the weights that it starts from sound?',
  });

/**
 * The least rate at which the loss has come nearly as far down as it gets. Where it falls fastest is too low for the peak of a
 * schedule (by 40 times for a plain CNN), since each rate is tried for one step and what it gives is seen later; and at
 * the least loss it is about to rise.
 */
export function suggestRate(points: FoundRates['points']): number {
  if (points.length === 0) return NaN;
  const beginning = points.slice(0, Math.max(1, Math.round(points.length / 10)));
  const top = beginning.reduce((sum, { loss }) => sum + loss, 0) / beginning.length;
  const bottom = Math.min(...points.map(({ loss }) => loss));
  return points.find(({ loss }) => top - loss >= NEARLY * (top - bottom))?.rate ?? points[0].rate;
}
