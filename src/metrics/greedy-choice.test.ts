import assert from 'node:assert/strict';
import { test } from 'node:test';
import { greedyChoice } from './greedy-choice.ts';

/** Scores of every set that is asked for, by its numbers. */
const from = (scores: Readonly<Record<string, number>>) => {
  const asked: string[] = [];
  const scoreOf = (numbers: readonly number[]) => {
    asked.push(numbers.join());
    const score = scores[numbers.join()];
    assert.notEqual(score, undefined, `nobody needs the score of ${numbers.join()}`);
    return score;
  };
  return { asked, scoreOf };
};

test('a greedy soup begins with the best one and takes in what makes the mean no worse', async () => {
  const { asked, scoreOf } = from({ '0': 0.7, '1': 0.9, '2': 0.8, '3': 0.6, '1,2': 0.89, '0,1': 0.9, '0,1,3': 0.93 });
  assert.deepEqual(await greedyChoice(4, scoreOf), [0, 1, 3]);
  assert.deepEqual(asked, ['0', '1', '2', '3', '1,2', '0,1', '0,1,3']);
});

test('a greedy soup of models that spoil each other is the best one alone', async () => {
  const { scoreOf } = from({ '0': 0.7, '1': 0.9, '0,1': 0.2 });
  assert.deepEqual(await greedyChoice(2, scoreOf), [1]);
  assert.deepEqual(await greedyChoice(1, () => 0.5), [0]);
});
