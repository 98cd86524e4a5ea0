import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../test/backend.ts';
import { buildModel } from '../models/index.ts';
import type { Backend } from '../runtime/index.ts';
import { EvaluatorCache } from './evaluator-cache.ts';

suite('evaluators of several runs', { skip }, () => {
  let backend: Backend;
  before(async () => (backend = await cpuBackend()));
  after(() => backend.close());

  const cnn = (options: Readonly<Record<string, unknown>>) =>
    buildModel({ name: 'cnn', options: { depth: 1, width: 4, ...options }, classes: 3, size: { height: 8, width: 8 } });

  test('are one where evaluation is the same, and the oldest goes where there are many', async () => {
    const cache = new EvaluatorCache();
    try {
      const first = await cache.take(backend, cnn({ dropout: 0.5 }), 4);
      assert.equal(await cache.take(backend, cnn({ dropout: 0 }), 4), first);
      assert.notEqual(await cache.take(backend, cnn({ width: 8 }), 4), first);
      for (const batchSize of [5, 6, 7]) await cache.take(backend, cnn({}), batchSize);
      assert.notEqual(await cache.take(backend, cnn({}), 4), first);
    } finally {
      cache.dispose();
    }
  });
});
