import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import { Random } from '../../base/index.ts';
import { buildModel } from '../../models/index.ts';
import { isTrainable } from '../../nn/index.ts';
import type { Backend } from '../../runtime/index.ts';
import type { HostTensor } from '../../xla/index.ts';
import { testBackend, skipWithoutTestDevice as skip } from '../../../test/backend.ts';
import { compileExplainedClassifier } from './grad-cam.ts';
import { batchTypes } from '../step/step.ts';
import { seededValues } from '../step/train-state.ts';

const CLASSES = 4;
const ROWS = 2;

suite('explanations', { skip }, () => {
  let backend: Backend | undefined;
  after(() => backend?.close());

  test('with a linear classifier behind average pooling, a map is the classifier applied to each place', async () => {
    backend ??= await testBackend();
    const size = { height: 24, width: 16 };
    const model = buildModel({ name: 'cnn', options: { depth: 2, width: 4 }, classes: CLASSES, size });
    const values = new Map(model.variables.map((spec) => [spec.path, seededValues(3)(spec)]));
    const tensors = (trainable: boolean) =>
      Object.fromEntries(
        model.variables
          .filter((spec) => isTrainable(spec) === trainable)
          .map(({ path, shape, dtype }): [string, HostTensor] => [path, { shape, dtype, data: values.get(path)! }]),
      );
    const weights = await backend.replicateTree({ params: tensors(true), statistics: tensors(false) });
    const random = new Random(5);
    const pixels = Uint8Array.from({ length: ROWS * 24 * 16 * 3 }, () => random.integer(256));
    const images = await backend.shard(pixels, batchTypes(model, ROWS).images);

    const { classify, explain } = await compileExplainedClassifier(backend, model, ROWS, 2);
    const { probabilities, features } = await classify(weights, images);
    const chosen = [2, 0, 1, 3];
    const classes = await backend.shard(Int32Array.from(chosen), { shape: [ROWS, 2], dtype: 'int32' });
    const maps = await explain(weights, features, classes);

    const [, height, width, channels] = features.shape;
    assert.deepEqual(maps.shape, [ROWS, 2, height, width]);
    const map = await maps.toHost();
    const feature = await features.toHost();
    const kernel = values.get('classifier/kernel')!;
    const places = height * width;
    for (let row = 0; row < ROWS; row++) {
      for (let k = 0; k < 2; k++) {
        for (let place = 0; place < places; place++) {
          let sum = 0;
          for (let c = 0; c < channels; c++) {
            const weight = Number(kernel[c * CLASSES + chosen[row * 2 + k]]);
            sum += (weight / places) * Number(feature[(row * places + place) * channels + c]);
          }
          const got = Number(map[(row * 2 + k) * places + place]);
          assert.ok(Math.abs(got - Math.max(0, sum)) < 1e-5, `${got} is not ${Math.max(0, sum)}`);
        }
      }
    }
    assert.ok(map.some((value) => Number(value) > 0));

    const rows = Array.from(await probabilities.toHost(), Number);
    for (let row = 0; row < ROWS; row++) {
      const total = rows.slice(row * CLASSES, (row + 1) * CLASSES).reduce((a, b) => a + b, 0);
      assert.ok(Math.abs(total - 1) < 1e-5);
    }
  });
});
