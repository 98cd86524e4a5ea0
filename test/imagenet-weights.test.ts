import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { checkImagenetWeights, readImagenetExpectations } from '../scripts/parity/imagenet-weights.ts';
import { testBackend, skipWithoutTestDevice } from './backend.ts';
import { sharedData, skipWithoutSharedData } from './shared-data.ts';

const skip = skipWithoutSharedData || skipWithoutTestDevice;

suite('published ImageNet weights give what the original code gives', { skip }, () => {
  for (const model of ['efficientnet_lite0', 'mobilenet_v2']) {
    test(model, async () => {
      const path = sharedData('parity', 'imagenet-weights.json');
      const expectations = await readImagenetExpectations(path);
      assert.ok(expectations?.[model]);
      const backend = await testBackend();
      try {
        const result = await checkImagenetWeights(backend, path, model, expectations[model]);
        assert.deepEqual(result.differing, []);
        assert.ok(result.error <= 1e-3, `relative error of the logits: ${result.error}`);
      } finally {
        await backend.close();
      }
    });
  }
});
