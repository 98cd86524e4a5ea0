import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectedCalibrationError, reliabilityBins } from './calibration.ts';
import { Confusion } from './confusion.ts';
import { MetricsError } from './errors.ts';
import { argmax, topKAccuracy, type LabelledProbabilities } from './probabilities.ts';

/** 200 examples of 7 classes from a linear congruential generator, the same in the script that made the references. */
function examples(): LabelledProbabilities {
  const classCount = 7;
  let state = 3;
  const next = () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state / 0x80000000;
  };
  const probabilities = Array.from({ length: 200 }, () => {
    const row = Array.from({ length: classCount }, () => next() ** 4);
    const sum = row.reduce((a, b) => a + b);
    return row.map((value) => value / sum);
  }).flat();
  const labels = Array.from({ length: 200 }, (_, n) =>
    next() < 0.4 ? Math.floor(next() * classCount) : argmax({ probabilities, labels: [], classCount }, n),
  );
  return { probabilities, labels, classCount };
}

test('top-k accuracy agrees with scikit-learn', () => {
  const data = examples();
  // top_k_accuracy_score of scikit-learn 1.9.1.
  assert.deepEqual(
    [1, 3, 5, 7].map((k) => topKAccuracy(data, k)),
    [0.635, 0.75, 0.895, 1],
  );
});

test('top-1 accuracy is the accuracy of argmax, ties included', () => {
  const data = { probabilities: [0.5, 0.5, 0.5, 0.5, 0.2, 0.8], labels: [0, 1, 1], classCount: 2 };
  const confusion = new Confusion(2);
  for (const [n, label] of data.labels.entries()) confusion.add(label, argmax(data, n));
  assert.equal(topKAccuracy(data, 1), confusion.accuracy);
  assert.equal(topKAccuracy(data, 2), 1);
});

test('expected calibration error agrees with the definition worked out in numpy', () => {
  const bins = reliabilityBins(examples());
  assert.equal(bins.length, 15);
  assert.equal(
    bins.reduce((count, bin) => count + bin.count, 0),
    200,
  );
  assert.ok(Math.abs(expectedCalibrationError(bins) - 0.26182423277546696) < 1e-9);
});

test('a bin has its upper bound inside and its lower one outside', () => {
  const halves = reliabilityBins(
    { probabilities: [0.5, 0.5, 0.25, 0.75, 0.4, 0.6], labels: [0, 1, 0], classCount: 2 },
    4,
  );
  assert.deepEqual(
    halves.map(({ low, high, count, accuracy }) => [low, high, count, accuracy]),
    [
      [0, 0.25, 0, 0],
      [0.25, 0.5, 1, 1],
      [0.5, 0.75, 2, 0.5],
      [0.75, 1, 0, 0],
    ],
  );
});

test('a probability that float32 rounds to a little more than 1 is one', () => {
  assert.equal(topKAccuracy({ probabilities: [1 + 2 ** -23, 0], labels: [0], classCount: 2 }, 1), 1);
});

test('a sure and right model is calibrated, a sure and wrong one is not at all', () => {
  const sure = (labels: number[]) =>
    expectedCalibrationError(reliabilityBins({ probabilities: [1, 0, 1, 0], labels, classCount: 2 }));
  assert.equal(sure([0, 0]), 0);
  assert.equal(sure([1, 1]), 1);
});

test('no examples give 0, never NaN', () => {
  const none = { probabilities: [], labels: [], classCount: 4 };
  assert.equal(topKAccuracy(none, 1), 0);
  assert.equal(expectedCalibrationError(reliabilityBins(none)), 0);
  assert.ok(reliabilityBins(none).every((bin) => bin.confidence === 0 && bin.accuracy === 0));
});

test('what is no probability is refused', () => {
  const code = (expected: string) => (error: unknown) => error instanceof MetricsError && error.code === expected;
  const top1 = (probabilities: number[], labels: number[]) => topKAccuracy({ probabilities, labels, classCount: 2 }, 1);
  assert.throws(() => top1([NaN, 1], [0]), code('PROBABILITIES_VALUE'));
  assert.throws(() => top1([-2, 3], [0]), code('PROBABILITIES_VALUE'));
  assert.throws(() => top1([0.5], [0]), code('PROBABILITIES_SHAPE'));
  assert.throws(() => top1([0.5, 0.5], [2]), code('CLASS_RANGE'));
  assert.throws(() => topKAccuracy({ probabilities: [1], labels: [0], classCount: 1 }, 0), code('TOP_K'));
});
