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
});
