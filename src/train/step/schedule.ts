import { z } from 'zod';
import { Random } from '../../base/index.ts';

const warmup = z.number().min(0).default(0).describe('epochs in which the rate rises linearly from 0');

/** Epochs. Every step counts the periods before it, so that very short ones take their time. */
const SHORTEST_PERIOD = 0.01;

/** Learning-rate schedules; lengths are in epochs and may be fractions. */
export const scheduleSchema = z.discriminatedUnion('name', [
  z.strictObject({ name: z.literal('constant'), rate: z.number().positive(), warmup }),
  z.strictObject({
    name: z.literal('cosine'),
    rate: z.number().positive().describe('the highest rate, reached after warm-up'),
    final: z.number().min(0).default(0).describe('the rate at the end'),
    warmup,
  }),
  z.strictObject({
    name: z.literal('exponential'),
    start: z.number().min(0).describe('the rate of the first step, where there is warm-up'),
    rate: z.number().positive().describe('the highest rate'),
    final: z.number().min(0).describe('the rate that the decay tends to'),
    warmup,
    sustain: z.number().min(0).default(0).describe('epochs at the highest rate'),
    decay: z.number().positive().max(1).describe('factor an epoch after that'),
  }),
  z.strictObject({
    name: z.literal('steps'),
    rate: z.number().positive(),
    at: z.array(z.number().positive()).describe('epochs at which the rate is multiplied by `factor`'),
    factor: z.number().positive().default(0.1),
    warmup,
  }),
  z.strictObject({
    name: z.literal('restarts'),
    rate: z.number().positive().describe('the highest rate, at the start of every period'),
    final: z.number().min(0).default(0).describe('the rate at the end of every period'),
    period: z.number().min(SHORTEST_PERIOD).describe('epochs of the first period'),
    growth: z.number().min(1).default(1).describe('how much longer each period is than the one before'),
    shrink: z.number().positive().max(1).default(1).describe('factor of the highest rate from period to period'),
    warmup,
  }),
  z.strictObject({
    name: z.literal('onecycle'),
    rate: z.number().positive().describe('the highest rate'),
    rise: z.number().positive().lt(1).default(0.3).describe('share of the run in which the rate rises'),
    startFactor: z.number().positive().default(25).describe('the first rate is the highest one divided by this'),
    finalFactor: z.number().positive().default(10_000).describe('the last rate is the first one divided by this'),
    // It has a rise of its own.
    warmup: z.literal(0).default(0),
  }),
  z.strictObject({
    name: z.literal('plateau'),
    rate: z.number().positive(),
    factor: z.number().positive().lt(1).default(0.1).describe('what the rate is multiplied by'),
    patience: z.int().min(0).default(3).describe('epochs without a better validation score that are borne'),
    minDelta: z.number().min(0).default(1e-4).describe('what counts as better'),
    cooldown: z.int().min(0).default(0).describe('epochs after a reduction that are not counted'),
    final: z.number().min(0).default(0).describe('the lowest rate'),
    warmup,
  }),
  z.strictObject({
    name: z.literal('petals'),
    rate: z.number().positive().default(8e-4).describe('the highest rate'),
    final: z.number().min(0).default(1e-4).describe('the rate that the decay tends to'),
    random: z.int().min(0).default(4).describe('first epochs, whose rates are random below `final`'),
    sustain: z.int().min(0).default(6).describe('epochs at the highest rate'),
    decay: z.number().positive().max(1).default(0.8).describe('factor an epoch after that'),
    seed: z.int().min(0).default(0).describe('of the random rates'),
    // Its random epochs stand in place of one.
    warmup: z.literal(0).default(0),
  }),
]);

/** Schedule of a recipe, with every setting filled in. */
export type Schedule = z.output<typeof scheduleSchema>;

/**
 * The learning rate of a step (counted from 0) of a run of `epochs` epochs.
 *
 * `scores` are the validation scores of the epochs so far, higher being better; only `plateau` looks at them. As all that
 * counts is given, a run that is resumed has the rates of one that never stopped.
 */
export function learningRate(
  schedule: Schedule,
  step: number,
  stepsPerEpoch: number,
  epochs: number,
  scores: readonly number[] = [],
): number {
  const epoch = step / stepsPerEpoch;
  if (epoch < schedule.warmup) {
    const length = schedule.warmup * stepsPerEpoch;
    if (schedule.name === 'exponential') return schedule.start + ((schedule.rate - schedule.start) * step) / length;
    // From 0, but so that the first step moves already.
    return (schedule.rate * (step + 1)) / (length + 1);
  }
  const after = epoch - schedule.warmup;
  switch (schedule.name) {
    case 'constant':
      return schedule.rate;
    case 'cosine':
      return cosine(schedule.rate, schedule.final, after / Math.max(epochs - schedule.warmup, 1e-9));
    case 'exponential':
      return decayed(schedule, after - schedule.sustain);
    case 'steps':
      return schedule.rate * schedule.factor ** schedule.at.filter((at) => epoch >= at).length;
    case 'restarts':
      return restarts(schedule, after);
    case 'onecycle':
      return oneCycle(schedule, step, stepsPerEpoch * epochs);
    case 'plateau':
      return plateau(schedule, scores);
    case 'petals':
      return petals(schedule, Math.floor(epoch));
    default:
      return schedule satisfies never;
  }
}

type Named<Name extends Schedule['name']> = Extract<Schedule, { name: Name }>;

/** From `start` to `end` along half a wave, as `share` goes from 0 to 1. */
function cosine(start: number, end: number, share: number): number {
  return end + ((start - end) * (1 + Math.cos(Math.PI * Math.min(1, share)))) / 2;
}

function decayed({ rate, final, decay }: Named<'exponential' | 'petals'>, epochs: number): number {
  return final + (rate - final) * decay ** Math.max(0, epochs);
}

/** Epochs by which a sum of lengths may be off. */
const ROUNDING = 1e-9;

/** Loshchilov and Hutter 2017. */
function restarts({ rate, final, period, growth, shrink }: Named<'restarts'>, epoch: number): number {
  let [start, length, highest] = [0, period, rate];
  // The sum of lengths such as 0.1 may lie above the step that a period begins with.
  while (epoch >= start + length - ROUNDING) {
    start += length;
    length *= growth;
    highest *= shrink;
  }
  return cosine(highest, Math.min(final, highest), (epoch - start) / length);
}

/** Smith and Topin 2018, with PyTorch's places of the highest and the last rate. */
function oneCycle({ rate, rise, startFactor, finalFactor }: Named<'onecycle'>, step: number, steps: number): number {
  const first = rate / startFactor;
  const peak = rise * steps - 1;
  if (step <= peak) return cosine(first, rate, step / Math.max(peak, 1e-9));
  return cosine(rate, first / finalFactor, (step - peak) / Math.max(steps - 1 - peak, 1e-9));
}

/** The rate after all epochs so far: reduced whenever more than `patience` epochs in a row were no better than the best before. */
function plateau(
  { rate, factor, patience, minDelta, cooldown, final }: Named<'plateau'>,
  scores: readonly number[],
): number {
  let best = -Infinity;
  let bad = 0;
  let rest = 0;
  let current = rate;
  for (const score of scores) {
    const isBetter = score > best + minDelta;
    if (isBetter) best = score;
    bad = isBetter || rest > 0 ? 0 : bad + 1;
    rest = Math.max(0, rest - 1);
    if (bad <= patience) continue;
    current = Math.max(final, current * factor);
    bad = 0;
    rest = cooldown;
  }
  return current;
}

/** The schedule of the team that these recipes come from: by whole epochs, random ones first. */
function petals(schedule: Named<'petals'>, epoch: number): number {
  const { rate, final, random, sustain, seed } = schedule;
  if (epoch < random) return final * new Random(seed, 'schedule', epoch).uniform();
  return epoch < random + sustain ? rate : decayed(schedule, epoch - random - sustain);
}

/** Whether a period of a schedule with restarts ends with this epoch (counted from 1): its weights are worth keeping. */
export function endsPeriod(schedule: Schedule, epoch: number): boolean {
  if (schedule.name !== 'restarts') return false;
  let end = schedule.warmup + schedule.period;
  let length = schedule.period;
  while (end < epoch - ROUNDING) end += length *= schedule.growth;
  return Math.abs(end - epoch) < ROUNDING;
}
