import { z } from 'zod';

const warmup = z.number().min(0).default(0).describe('epochs in which the rate rises linearly from 0');

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
]);

export type Schedule = z.output<typeof scheduleSchema>;

/** The learning rate of a step (counted from 0) of a run of `epochs` epochs. */
export function learningRate(schedule: Schedule, step: number, stepsPerEpoch: number, epochs: number): number {
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
    case 'cosine': {
      const share = Math.min(1, after / Math.max(epochs - schedule.warmup, 1e-9));
      return schedule.final + ((schedule.rate - schedule.final) * (1 + Math.cos(Math.PI * share))) / 2;
    }
    case 'exponential':
      return (
        schedule.final + (schedule.rate - schedule.final) * schedule.decay ** Math.max(0, after - schedule.sustain)
      );
    case 'steps':
      return schedule.rate * schedule.factor ** schedule.at.filter((at) => epoch >= at).length;
    default:
      return schedule satisfies never;
  }
}
