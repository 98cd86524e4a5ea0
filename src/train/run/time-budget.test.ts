import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TimeBudget } from './time-budget.ts';

/** Of the process, in milliseconds; far more than the test takes. */
const minutes = (count: number) => performance.now() + 60_000 * count;

test('a run leaves time for what comes after its last step', () => {
  const isUp = (budget: TimeBudget, isValidated: boolean) => budget.isUp({ guess: 60_000, isValidated });
  assert.ok(!isUp(new TimeBudget(), false), 'without a limit there is no end');
  assert.ok(!isUp(new TimeBudget(minutes(2)), false));
  assert.ok(isUp(new TimeBudget(minutes(1)), false), 'a validation is to come');
  assert.ok(!isUp(new TimeBudget(minutes(1)), true), 'none is to come');
  // Three times as many images are to be classified as the validation has.
  assert.ok(isUp(new TimeBudget(minutes(3), 3), true));
  assert.ok(!isUp(new TimeBudget(minutes(4), 3), true));
  assert.ok(isUp(new TimeBudget(minutes(4), 3), false));
});

test('what a validation takes is known once there was one', () => {
  const budget = new TimeBudget(minutes(1));
  budget.noteValidation(10_000);
  assert.ok(!budget.isUp({ guess: 600_000, isValidated: false }));
  budget.noteValidation(70_000);
  assert.ok(budget.isUp({ guess: 0, isValidated: false }));
});
