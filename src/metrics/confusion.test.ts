import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Confusion } from './confusion.ts';
import { MetricsError } from './errors.ts';

// From scikit-learn 1.9.1: accuracy_score and precision_recall_fscore_support with zero_division=0; macro and weighted
// averages without `labels`, per-class scores with `labels=range(classes)`.
const REFERENCES = [
  {
    name: 'an ordinary matrix',
    labels: [0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 3, 3, 3],
    predicted: [0, 0, 1, 1, 1, 2, 1, 2, 0, 3, 3, 3, 0, 2],
    accuracy: 0.6428571428571429,
    macro: [0.6458333333333333, 0.6291666666666667, 0.6178571428571429],
    weightedF1: 0.661734693877551,
    precision: [0.5, 0.75, 0.3333333333333333, 1],
    recall: [0.6666666666666666, 0.75, 0.5, 0.6],
    f1: [0.5714285714285714, 0.75, 0.4, 0.75],
    support: [3, 4, 2, 5],
  },
  {
    name: 'classes 3 and 5 never occur, 4 is only predicted, 1 is never predicted',
    labels: [0, 0, 1, 1, 2, 2, 2],
    predicted: [0, 4, 0, 2, 2, 2, 4],
    accuracy: 0.42857142857142855,
    macro: [0.29166666666666663, 0.29166666666666663, 0.29166666666666663],
    weightedF1: 0.42857142857142855,
    precision: [0.5, 0, 0.6666666666666666, 0, 0, 0],
    recall: [0.5, 0, 0.6666666666666666, 0, 0, 0],
    f1: [0.5, 0, 0.6666666666666666, 0, 0, 0],
    support: [2, 2, 3, 0, 0, 0],
  },
  {
    name: 'nothing right',
    labels: [0, 1],
    predicted: [1, 0],
    accuracy: 0,
    macro: [0, 0, 0],
    weightedF1: 0,
    precision: [0, 0, 0],
    recall: [0, 0, 0],
    f1: [0, 0, 0],
    support: [1, 1, 0],
  },
];

function confusionOf(classCount: number, labels: readonly number[], predicted: readonly number[]): Confusion {
  const confusion = new Confusion(classCount);
  for (const [i, label] of labels.entries()) confusion.add(label, predicted[i]);
  return confusion;
}

function assertClose(actual: readonly number[], expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  for (const [i, value] of actual.entries()) {
    assert.ok(Math.abs(value - expected[i]) < 1e-12, `${actual.join(' ')} is not ${expected.join(' ')}`);
  }
}

for (const reference of REFERENCES) {
  test(`scores agree with scikit-learn: ${reference.name}`, () => {
    const confusion = confusionOf(reference.support.length, reference.labels, reference.predicted);
    const classes = confusion.classes();
    assertClose([confusion.macroPrecision, confusion.macroRecall, confusion.macroF1], reference.macro);
    assertClose([confusion.accuracy, confusion.weightedF1], [reference.accuracy, reference.weightedF1]);
    for (const score of ['precision', 'recall', 'f1', 'support'] as const) {
      assertClose(
        classes.map((row) => row[score]),
        reference[score],
      );
    }
  });
}

test('nothing counted scores 0, never NaN', () => {
  const empty = new Confusion(3);
  const { accuracy, macroPrecision, macroRecall, macroF1, weightedF1, total } = empty;
  assert.deepEqual([accuracy, macroPrecision, macroRecall, macroF1, weightedF1, total], [0, 0, 0, 0, 0, 0]);
  assert.deepEqual(empty.confusedPairs(), []);
  assert.deepEqual(empty.classes()[2], { label: 2, precision: 0, recall: 0, f1: 0, support: 0, predicted: 0 });
});

test('the macro F1 of added batches is that of the epoch, not the mean of the batches', () => {
  const { labels, predicted, macro } = REFERENCES[0];
  const epoch = new Confusion(4);
  const batchF1: number[] = [];
  for (const [from, to] of [
    [0, 3],
    [3, 14],
  ]) {
    const batch = confusionOf(4, labels.slice(from, to), predicted.slice(from, to));
    epoch.addCounts(Int32Array.from(batch.counts));
    batchF1.push(batch.macroF1);
  }
  assertClose([epoch.macroF1], [macro[2]]);
  assert.ok(Math.abs((batchF1[0] + batchF1[1]) / 2 - epoch.macroF1) > 0.01);
});

test('counts are row-major by label, whatever array they come in', () => {
  const counts = [5, 1, 0, 2, 7, 0, 0, 3, 4];
  for (const array of [Int32Array.from(counts), Uint32Array.from(counts), Float32Array.from(counts), counts]) {
    const confusion = new Confusion(3);
    confusion.addCounts(array);
    assert.deepEqual([...confusion.counts], counts);
    assert.deepEqual([confusion.support(0), confusion.predicted(0), confusion.total], [6, 7, 22]);
  }
});

test('the most confused pairs come first, with their share of the class', () => {
  const confusion = new Confusion(3);
  confusion.addCounts([5, 1, 0, 2, 6, 0, 0, 3, 4]);
  assert.deepEqual(confusion.confusedPairs(2), [
    { label: 2, predicted: 1, count: 3, share: 3 / 7 },
    { label: 1, predicted: 0, count: 2, share: 0.25 },
  ]);
  // Of as many examples, those of the smaller class come first.
  const even = new Confusion(2);
  even.addCounts([8, 2, 2, 0]);
  assert.deepEqual(
    even.confusedPairs().map(({ label, share }) => [label, share]),
    [
      [1, 1],
      [0, 0.2],
    ],
  );
});

test('bad counts are refused and leave the matrix as it was', () => {
  const confusion = new Confusion(2);
  const code = (expected: string) => (error: unknown) => error instanceof MetricsError && error.code === expected;
  assert.throws(() => confusion.addCounts([1, 2, 3]), code('COUNTS_SHAPE'));
  for (const bad of [NaN, -1, 0.5, Infinity]) {
    assert.throws(() => confusion.addCounts([1, 2, 3, bad]), code('COUNTS_VALUE'));
  }
  for (const bad of [-1, 2, 0.5, NaN]) {
    assert.throws(() => confusion.add(bad, 0), code('CLASS_RANGE'));
    assert.throws(() => confusion.add(0, bad), code('CLASS_RANGE'));
  }
  assert.throws(() => new Confusion(0), code('CLASS_COUNT'));
  assert.equal(confusion.total, 0);
});
