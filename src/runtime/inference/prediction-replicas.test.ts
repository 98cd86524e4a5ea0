import assert from 'node:assert/strict';
import { test } from 'node:test';
import { predictionReplicas } from './prediction-replicas.ts';

test('a batch is split over cores as long as each part has rows enough', () => {
  assert.equal(predictionReplicas(1, 8), 1);
  assert.equal(predictionReplicas(15, 8), 1);
  assert.equal(predictionReplicas(16, 8), 2);
  assert.equal(predictionReplicas(32, 2), 2);
  assert.equal(predictionReplicas(32, 1), 1);
  assert.equal(predictionReplicas(1024, 64), 4);
});
