import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suspiciousLabels } from './suspicious-labels.ts';

test('labels are suspicious where a model is as sure of another class as it usually is', () => {
  const rows = [
    // Class 0 is usually seen with 0.9, class 1 with 0.6 or less.
    { label: 0, p: [0.95, 0.04, 0.01] },
    { label: 0, p: [0.85, 0.1, 0.05] },
    { label: 1, p: [0.2, 0.7, 0.1] },
    { label: 1, p: [0.3, 0.6, 0.1] },
    // Surely of class 0; then one that is less sure of it than it usually is.
    { label: 1, p: [0.97, 0.02, 0.01] },
    { label: 1, p: [0.5, 0.4, 0.1] },
    // Looks like class 1 as much as those of class 1 do.
    { label: 0, p: [0.3, 0.65, 0.05] },
    // Nothing is known of class 2.
    { label: 0, p: [0.01, 0.01, 0.98] },
  ];
  const found = suspiciousLabels({
    probabilities: Float32Array.from(rows.flatMap(({ p }) => p)),
    labels: rows.map(({ label }) => label),
    classCount: 3,
  });
  assert.deepEqual(found.map(({ example, label, likely }) => [example, label, likely]), [[4, 1, 0], [6, 0, 1]]); // prettier-ignore
  assert.ok(Math.abs(found[0].likelyProbability - 0.97) < 1e-6 && Math.abs(found[0].probability - 0.02) < 1e-6);
});

test('a class that is as sure as usual counts beside one that is more probable, but less so than usual', () => {
  const rows = [
    // Class 1 is usually seen with 0.9, class 2, a rare one, with 0.35.
    { label: 0, p: [0.8, 0.1, 0.1] },
    { label: 1, p: [0.05, 0.9, 0.05] },
    { label: 2, p: [0.3, 0.35, 0.35] },
    { label: 0, p: [0.1, 0.5, 0.4] },
    // Its own class is more probable.
    { label: 1, p: [0.1, 0.5, 0.4] },
  ];
  const found = suspiciousLabels({
    probabilities: Float64Array.from(rows.flatMap(({ p }) => p)),
    labels: rows.map(({ label }) => label),
    classCount: 3,
  });
  assert.deepEqual(found, [{ example: 3, label: 0, likely: 2, probability: 0.1, likelyProbability: 0.4 }]);
});
