import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { prunedAfter, rungs } from './successive-halving.ts';
import { bestEpoch, bestTrial, rankTrials, type Trial } from './trial.ts';

const halving = { reductionFactor: 3, minEpochs: 1 };
let number = 0;
const trial = (scores: readonly number[], state: Trial['state'] = 'complete'): Trial => ({ number: ++number, values: {}, state, epochs: 10, scores: [...scores], seconds: 1 }); // prettier-ignore
const pruned = (scores: readonly number[], earlier: readonly Trial[], settings = halving) =>
  prunedAfter({ scores: [...scores], epochs: 10 }, earlier, settings, 'macroF1');

suite('successive halving', () => {
  test('compares at epochs that grow by the factor, and not at the end', () => {
    assert.deepEqual(rungs(halving, 10), [1, 3, 9]);
    assert.deepEqual(rungs(halving, 9), [1, 3]);
    assert.deepEqual(rungs({ reductionFactor: 2, minEpochs: 3 }, 20), [3, 6, 12]);
    assert.deepEqual(rungs(halving, 1), []);
  });

  test('lets the first trial and each new best one go on', () => {
    assert.equal(pruned([0.1], []), undefined);
    assert.equal(pruned([0.3], [trial([0.2]), trial([0.1])]), undefined);
    assert.equal(pruned([0.1], [trial([0.2])]), 1);
    assert.equal(pruned([0.2], [trial([0.2])]), undefined, 'as good');
  });

  test('lets the best third go on once there are enough', () => {
    const earlier = [0.1, 0.2, 0.3, 0.4, 0.5].map((score) => trial([score]));
    assert.equal(pruned([0.45], earlier), undefined, 'the second of six');
    assert.equal(pruned([0.35], earlier), 1, 'the third of six');
  });

  test('compares what trials had at the same epoch, by the best until then', () => {
    const slow = trial([0.1, 0.2, 0.9]);
    assert.equal(pruned([0.15, 0.1, 0.1], [slow]), 3);
    assert.equal(pruned([0.15, 0.1], [slow]), undefined, 'the second comparison is yet to come');
    assert.equal(pruned([0.95, 0.1, 0.1], [slow]), undefined, 'the best of three epochs counts');
    assert.equal(pruned([0.5, 0.5, 0.5], [trial([0.4], 'pruned')]), undefined, 'one that never came so far');
    assert.equal(pruned([0.5, 0.5, 0.5], [trial([0.4, 0.6])]), 3, 'one that stopped of itself before');
  });

  test('takes the lowest loss as the best', () => {
    const lossy = (scores: number[]) => prunedAfter({ scores, epochs: 10 }, [trial([0.5])], halving, 'loss');
    assert.equal(lossy([0.4]), undefined);
    assert.equal(lossy([0.6]), 1);
  });
});

test('trials are ranked by their best epoch, failed ones last', () => {
  const [a, b, c, d] = [trial([0.5, 0.7]), trial([0.6], 'pruned'), trial([0.9], 'failed'), trial([], 'running')];
  assert.deepEqual(bestEpoch(a, 'macroF1'), { epoch: 2, score: 0.7 });
  assert.deepEqual(bestEpoch(a, 'loss'), { epoch: 1, score: 0.5 });
  assert.deepEqual(rankTrials([d, c, b, a], 'macroF1'), [a, b, c, d]);
  assert.equal(bestTrial([c, d], 'macroF1'), undefined);
  assert.equal(bestTrial([b, c, a], 'loss'), a);
});
