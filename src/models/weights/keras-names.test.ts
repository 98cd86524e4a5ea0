import assert from 'node:assert/strict';
import { test } from 'node:test';
import { host } from '../../../test/evaluate.ts';
import type { KerasLayer } from './hdf5.ts';
import { kerasPreprocess } from './keras-names.ts';

const normalization = (name: string): KerasLayer => {
  const of = (slot: string, values: readonly number[]) => ({
    name: `${name}/vars/${slot}`,
    slot,
    tensor: { shape: [3], dtype: 'float32' as const, read: () => host('float32', [3], values) },
  });
  return { name, tensors: [of('0', [0.5, 0.25, 0]), of('1', [1, 0.25, 4])] };
};

test('a network’s own normalisation is found, whichever of the models of its process it was', () => {
  const expected = { mean: [127.5, 63.75, 0], std: [255, 127.5, 510], channels: 'rgb' };
  for (const name of ['normalization', 'normalization_1', 'normalization_12']) {
    const others = [normalization('batch_normalization_1'), normalization(name)];
    assert.deepEqual(kerasPreprocess('efficientnet-b0', { layers: others, ordered: false }), expected, name);
  }
});
