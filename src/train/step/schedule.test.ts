import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { learningRate, scheduleSchema, type Schedule } from './schedule.ts';

const STEPS = 10;
const EPOCHS = 8;

const rateOf = (settings: Readonly<Record<string, unknown>>) => {
  const schedule: Schedule = scheduleSchema.parse(settings);
  return (step: number, stepsPerEpoch = STEPS) => learningRate(schedule, step, stepsPerEpoch, EPOCHS);
};
const near = (found: number, expected: number) =>
  assert.ok(Math.abs(found - expected) < 1e-12, `${found}, ${expected}`);

suite('the learning rate', () => {
  test('constant, without warm-up', () => {
    const rate = rateOf({ name: 'constant', rate: 0.1 });
    assert.equal(rate(0), 0.1);
    assert.equal(rate(79), 0.1);
  });

  test('warm-up rises linearly over its epochs, also a fraction of one, and starts above 0', () => {
    const rate = rateOf({ name: 'constant', rate: 1, warmup: 0.5 });
    for (let step = 0; step < 5; step++) near(rate(step), (step + 1) / 6);
    assert.equal(rate(5), 1);
    // 0.25 epochs of 10 steps end between two steps.
    const short = rateOf({ name: 'constant', rate: 1, warmup: 0.25 });
    near(short(2), 3 / 3.5);
    assert.equal(short(3), 1);
  });

  test('cosine falls from the rate after warm-up to the final one at the end', () => {
    const rate = rateOf({ name: 'cosine', rate: 1, final: 0.2, warmup: 2 });
    near(rate(0), 1 / 21);
    near(rate(19), 20 / 21);
    assert.equal(rate(20), 1);
    near(rate(50), 0.6);
    near(rate(80), 0.2);
    near(rate(500), 0.2);
    assert.ok(rate(79) > 0.2 && rate(79) < 0.21);
    for (let step = 20; step < 80; step++) assert.ok(rate(step + 1) < rate(step));
    // Warm-up for as long as the run leaves nothing to fall in.
    assert.ok(Number.isFinite(rateOf({ name: 'cosine', rate: 1, warmup: 8 })(80)));
  });

  test('exponential starts where it says, holds, and decays an epoch at a time', () => {
    const rate = rateOf({ name: 'exponential', start: 0.1, rate: 1, final: 0.05, warmup: 2, sustain: 1, decay: 0.5 });
    assert.equal(rate(0), 0.1);
    near(rate(10), 0.55);
    assert.equal(rate(20), 1);
    assert.equal(rate(30), 1);
    near(rate(40), 0.05 + 0.95 / 2);
    near(rate(50), 0.05 + 0.95 / 4);
    near(rate(45), 0.05 + 0.95 * 0.5 ** 1.5);
    assert.equal(rateOf({ name: 'exponential', start: 0.1, rate: 1, final: 0, decay: 0.5 })(0), 1);
  });

  test('steps multiply at their epochs, counted from the start of the run', () => {
    const rate = rateOf({ name: 'steps', rate: 1, at: [2, 3.5], factor: 0.1, warmup: 1 });
    near(rate(4), 5 / 11);
    assert.equal(rate(19), 1);
    near(rate(20), 0.1);
    near(rate(34), 0.1);
    near(rate(35), 0.01);
  });

  test('with one step an epoch', () => {
    const rate = rateOf({ name: 'cosine', rate: 1, warmup: 1 });
    near(rate(0, 1), 0.5);
    assert.equal(rate(1, 1), 1);
    near(rate(8, 1), 0);
  });

  test('one-cycle, restarts and plateau agree with PyTorch 2.15', () => {
    // OneCycleLR(1.0, total_steps=20), the rates of its steps.
    const cycle = scheduleSchema.parse({ name: 'onecycle', rate: 1 });
    const rates = [
      0.04, 0.131671843, 0.371671843, 0.668328157, 0.908328157, 1, 0.987464006, 0.950484632, 0.890916178, 0.811745654,
      0.716943002, 0.611262022, 0.500002, 0.388741978, 0.283060998, 0.188258346, 0.109087822, 0.049519368, 0.012539994,
      4e-6,
    ];
    for (const [step, rate] of rates.entries()) {
      assert.ok(Math.abs(learningRate(cycle, step, 5, 4) - rate) < 1e-9, `step ${step}`);
    }
    // CosineAnnealingWarmRestarts(T_0=4, T_mult=2, eta_min=0.1).
    const restarts = rateOf({ name: 'restarts', rate: 1, final: 0.1, period: 4, growth: 2 });
    const again = [
      1, 0.868198052, 0.55, 0.231801948, 1, 0.96574579, 0.868198052, 0.722207545, 0.55, 0.377792455, 0.231801948,
      0.13425421, 1, 0.991353376,
    ];
    for (const [epoch, rate] of again.entries())
      assert.ok(Math.abs(restarts(epoch, 1) - rate) < 1e-9, `epoch ${epoch}`);
    const shrinking = rateOf({ name: 'restarts', rate: 1, period: 2, shrink: 0.5 });
    near(shrinking(40), 0.25);
    // Each period begins at the highest rate, whatever the sums of the lengths are rounded to.
    for (const [steps, parts] of [
      [100, { period: 0.1 }],
      [50, { period: 0.2 }],
      [5, { period: 1, warmup: 0.4 }],
    ] as const) {
      // prettier-ignore
      const short = rateOf({ name: 'restarts', rate: 1, ...parts });
      const first = 'warmup' in parts ? parts.warmup * steps : 0;
      for (let step = first; step < 10 * steps; step += Math.round(parts.period * steps)) {
        near(short(step, steps), 1);
      }
    }
    // ReduceLROnPlateau(factor=0.5, patience=1, threshold=0.01, threshold_mode='abs', cooldown=1, min_lr=0.1).
    const plateau = scheduleSchema.parse({
      name: 'plateau',
      rate: 1,
      factor: 0.5,
      patience: 1,
      minDelta: 0.01,
      cooldown: 1,
      final: 0.1,
    });
    const scores = [0.5, 0.6, 0.6, 0.605, 0.6, 0.59, 0.6, 0.6, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7];
    const reduced = [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.125, 0.125, 0.125, 0.1, 0.1, 0.1, 0.1];
    for (const [epoch, rate] of reduced.entries()) {
      near(learningRate(plateau, epoch * STEPS, STEPS, 50, scores.slice(0, epoch)), rate);
    }
  });

  test('periods of restarts are no shorter than a hundredth of an epoch', () => {
    const refused = scheduleSchema.safeParse({ name: 'restarts', rate: 1, period: 1e-10 });
    assert.match(refused.error?.issues[0].message ?? '', /0\.01/);
    near(rateOf({ name: 'restarts', rate: 1, period: 0.01 })(STEPS, STEPS), 1);
  });

  test('petals is random below the lowest rate, holds the highest, then decays by whole epochs', () => {
    const rate = rateOf({ name: 'petals' });
    const first = [0, 1, 2, 3].map((epoch) => rate(epoch * STEPS));
    assert.ok(first.every((value) => value > 0 && value < 1e-4));
    assert.equal(new Set(first).size, 4);
    assert.equal(rate(9), first[0]);
    assert.notEqual(rateOf({ name: 'petals', seed: 1 })(0), first[0]);
    assert.equal(rate(40), 8e-4);
    assert.equal(rate(99), 8e-4);
    near(rate(100), 8e-4);
    near(rate(115), 7e-4 * 0.8 + 1e-4);
    near(rate(129), 7e-4 * 0.8 ** 2 + 1e-4);
  });
});
