import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleReport } from './example-report.ts';
import { Confusion } from '../metrics/index.ts';
import type { HistoryRow, ReportData } from './report-data.ts';
import { verdict } from './verdict.ts';

const CLASS_NAMES = ['daisy', 'rose', 'tulip'];

function say(counts: number[], changes: Partial<ReportData> = {}): string {
  const confusion = new Confusion(CLASS_NAMES.length);
  confusion.addCounts(counts);
  return verdict({ ...exampleReport({ classNames: CLASS_NAMES, epochs: 4 }), ...changes }, confusion).join(' ');
}

const evaluation = { history: [], training: undefined };

/** The example's history with these accuracies in its last and best epoch. */
function lastEpoch(train: number, validation: number): { history: HistoryRow[] } {
  const { history } = exampleReport({ classNames: CLASS_NAMES, epochs: 4 });
  const last = history[3];
  return {
    history: [
      ...history.slice(0, 3),
      {
        ...last,
        train: { ...last.train, accuracy: train },
        validation: { ...last.validation, accuracy: validation },
      },
    ],
  };
}

test('it compares with the most frequent class and names the weakest', () => {
  assert.equal(
    say([8, 0, 0, 1, 6, 3, 0, 1, 1], evaluation),
    'The model classifies 15 of 20 validation images correctly, 75.0%. ' +
      'Always answering “rose”, the most frequent class, would reach 50.0%. ' +
      'It is weakest at “tulip” (F1 0.333), most often taken for “rose”.',
  );
});

test('a class without examples is not called the weakest', () => {
  assert.match(say([8, 0, 0, 2, 6, 1, 0, 0, 0], evaluation), /weakest at “rose”/);
});

test('it tells overfitting from stopping too soon', () => {
  const counts = [8, 0, 0, 1, 6, 3, 0, 1, 1];
  assert.match(say(counts, lastEpoch(0.99, 0.8)), /19 points higher: it overfits/);
  assert.doesNotMatch(say(counts, lastEpoch(0.99, 0.8)), /longer training/);
  assert.match(say(counts, lastEpoch(0.82, 0.8)), /longer training may help/);
});

test('it says of images that were trained on that their scores say nothing', () => {
  const { training } = exampleReport({ classNames: CLASS_NAMES, epochs: 4 });
  const words = say([8, 0, 0, 1, 6, 3, 0, 1, 1], { training: { ...training!, onValidationToo: true } });
  assert.match(words, /^The validation images were trained on too, so no score on this page tells/);
  assert.doesNotMatch(words, /correctly|overfits|longer training/);
});
