import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silent } from '../../base/index.ts';
import { parseRecipe } from '../../train/index.ts';
import { parseTune, type Trial } from '../../tune/index.ts';
import { tuneDisplay } from './tune-display.ts';

test('a trial is shown with its values under their own names, in whichever order the ranges are given', () => {
  const lines: string[] = [];
  const ranges = { batchSize: '8,16', 'schedule.rate': '1e-3..1e-2' };
  const display = tuneDisplay(parseTune({ ranges, trials: 4 }, 'test'), 10, {
    ...silent,
    info: (line) => lines.push(line),
  });
  const values = { 'schedule.rate': 0.005, batchSize: 16 };
  const trial: Trial = { number: 3, values, state: 'running', epochs: 1, scores: [], seconds: 0 };
  const recipe = parseRecipe(
    {
      model: { name: 'cnn' },
      size: 16,
      epochs: 1,
      batchSize: 16,
      optimizer: { name: 'sgd' },
      schedule: { name: 'constant', rate: 0.005 },
    },
    'test',
  );
  display.onEvent({ kind: 'trial', trial, recipe, goesOn: true });
  assert.deepEqual(lines, ['trial   3/4: rate=0.005 batchSize=16 (goes on)']);
});
