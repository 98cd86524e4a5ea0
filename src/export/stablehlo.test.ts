import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formulaValues, logitsOf, relativeError } from '../../test/logits.ts';
import { cpuBackend, skipWithoutCpuPlugin } from '../../test/backend.ts';
import { formulaImage } from '../../test/formula-values.ts';
import { buildModel } from '../models/index.ts';
import { hostArray } from '../xla/index.ts';
import { stableHloText } from './stablehlo.ts';

const SIZE = 32;

test('StableHLO text compiles as it is and gives our logits', { skip: skipWithoutCpuPlugin }, async () => {
  const model = buildModel({ name: 'cnn', options: { depth: 2 }, classes: 3, size: { height: SIZE, width: SIZE } });
  const { preprocess } = model;
  const values = formulaValues(model);
  const text = stableHloText({ model, values, preprocess, classNames: ['a', 'b', 'c'] }, 2);
  assert.match(text, /^\/\/ cnn: inference .*\n\/\/ %arg0 {2}images, RGB 0\.\.255 {2}uint8\[2,32,32,3\]\n/);
  assert.match(text, /\n\/\/ %arg1 {2}block1\/conv1\/kernel {2}float32\[3,3,3,32\]\n/);

  const pixels = Uint8Array.from(Buffer.concat([0, 1].map((n) => formulaImage(n, SIZE * SIZE * 3))));
  const backend = await cpuBackend();
  try {
    const executable = await backend.client.compile(text, { replicas: 1, deviceIds: [backend.devices[0].id] });
    const images = await backend.replicate(pixels, { shape: [2, SIZE, SIZE, 3], dtype: 'uint8' });
    const variables = [];
    for (const { path, shape, dtype } of model.variables) {
      variables.push(await backend.replicate(values.get(path)?.data ?? new Float32Array(), { shape, dtype }));
    }
    const [[logits, probabilities]] = await executable.execute([
      [images, ...variables].map(({ buffers }) => buffers[0]),
    ]);
    const bytes = await logits.toHost();
    const theirs = Array.from(hostArray('float32', bytes.slice().buffer), Number);
    const ours = await logitsOf(backend, model, values, preprocess, pixels);
    assert.ok(relativeError(theirs, ours) < 1e-5, `${theirs.join()} and ${ours.join()}`);
    for (const buffer of [logits, probabilities]) buffer.destroy();
    for (const array of [images, ...variables]) array.dispose();
    executable.destroy();
  } finally {
    await backend.close();
  }
});
