import assert from 'node:assert/strict';
import { test } from 'node:test';
import { host } from '../../../test/evaluate.ts';
import type { KerasLayer } from './hdf5.ts';
import { buildModel } from '../registry.ts';
import { kerasPlacements, kerasPreprocess } from './keras-names.ts';

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

test('a classifier that Keras named is found behind the backbone, as the only dense layer that is left', () => {
  const model = buildModel({ name: 'mobilenet-v2', classes: 3, size: { height: 32, width: 32 } });
  const tensorOf = (name: string, shape: readonly number[]) => ({
    name,
    slot: name.slice(name.lastIndexOf('/') + 1),
    tensor: { shape, dtype: 'float32' as const, read: () => host('float32', [0], []) },
  });
  const dense = (name: string): KerasLayer => ({
    name,
    tensors: [tensorOf(`${name}/kernel`, [1280, 3]), tensorOf(`${name}/bias`, [3])],
  });
  const backbone = model.variables
    .filter(({ path }) => !path.startsWith('predictions/'))
    .map(({ path, shape }) => tensorOf(path, shape));
  const byLayer = Map.groupBy(backbone, ({ name }) => name.split('/')[0]);
  const layers = [...byLayer].map(([name, tensors]) => ({ name, tensors }));
  const nested = { name: 'mobilenetv2_1.00_32', tensors: backbone };
  for (const [file, kernel] of [
    [{ layers: [...layers, dense('dense_7')], ordered: false }, 'dense_7/kernel'],
    [{ layers: [nested, dense('my_head')], ordered: true }, 'my_head/kernel'],
    // Which of two it is can't be told.
    [{ layers: [...layers, dense('dense'), dense('dense_1')], ordered: false }, 'predictions/kernel'],
  ] as const) {
    const { of } = kerasPlacements(model, file);
    const names = ['Conv1/kernel', 'predictions/kernel'].map((path) => {
      const place = of.get(path);
      return place === 'zeros' ? place : place?.name;
    });
    assert.deepEqual(names, ['Conv1/kernel', kernel]);
  }
});
