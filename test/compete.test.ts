import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharedFlags } from '../scripts/compete/shared-flags.ts';

test('a contest gives the flags of its trainings that say where and on what to its predictions too', () => {
  assert.deepEqual(sharedFlags(['--seed', '1', '--folds=5', '--epochs', '3', '--set', 'augment.flip=true']), []);
  assert.deepEqual(
    sharedFlags(['--device', 'cuda', '--seed', '1', '--no-preallocate', '--memory-fraction=0.5', '--bad-records', 'skip']), // prettier-ignore
    ['--device', 'cuda', '--no-preallocate', '--memory-fraction=0.5', '--bad-records', 'skip'],
  );
  // What the commands call alike and mean otherwise stays with the trainings.
  assert.deepEqual(sharedFlags(['--weights', 'imagenet', '--out', 'x', '--json', '--device']), ['--device']);
});
