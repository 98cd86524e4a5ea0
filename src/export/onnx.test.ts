import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import { checkOnnx, runOnnx } from '../../test/onnx-runtime.ts';
import { formulaValues } from '../../test/logits.ts';
import { cpuBackend, skipWithoutCpuPlugin } from '../../test/backend.ts';
import { formulaImage } from '../../test/formula-values.ts';
import { buildModel, type ExportedModel } from '../models/index.ts';
import { onnxModel } from './onnx.ts';

const CLASSES = ['daisy', 'rose', 'tulip'];

function exported(name: string, options: Readonly<Record<string, unknown>> = {}, size = 32): ExportedModel {
  const model = buildModel({ name, options, classes: CLASSES.length, size: { height: size, width: size } });
  return { model, values: formulaValues(model), preprocess: model.preprocess, classNames: CLASSES };
}

const photos = (size: number, count: number): Uint8Array =>
  Uint8Array.from(Buffer.concat(Array.from({ length: count }, (_, n) => formulaImage(n, size * size * 3))));

const backend = skipWithoutCpuPlugin === false ? await cpuBackend() : undefined;
after(() => backend?.close());

/** One of each family and kind of layer; `npm run parity:onnx` has every architecture. */
const MODELS: readonly (readonly [string, Readonly<Record<string, unknown>>, number])[] = [
  ['cnn', { pooling: 'average', head: 'flatten', hidden: 8 }, 32],
  ['resnet50-v2', { pooling: 'max' }, 32],
  ['efficientnet-b0', {}, 32],
  ['efficientnet-lite0', { pooling: 'gem' }, 32],
  ['mobilenet-v2', { padding: 'symmetric', epsilon: 1e-5 }, 32],
  ['convnext-tiny', {}, 32],
];

suite('an ONNX model in ONNX Runtime', { skip: skipWithoutCpuPlugin }, () => {
  for (const [name, options, size] of MODELS) {
    test(`of ${name} gives our logits, in float16 nearly`, async () => {
      assert.ok(backend);
      const precisions = name === 'convnext-tiny' ? (['float32'] as const) : (['float32', 'float16'] as const);
      const [single, half = 0] = await checkOnnx(backend, exported(name, options, size), photos(size, 2), precisions);
      assert.ok(single <= 1e-4, `float32: ${single}`);
      assert.ok(half <= 2e-2, `float16: ${half}`);
    });
  }
});

suite('an ONNX model', () => {
  test('takes any number of images at a time, each by itself', async () => {
    const small = exported('cnn', { depth: 2, width: 4 });
    const bytes = onnxModel(small);
    const three = await runOnnx(bytes, photos(32, 3), small);
    assert.equal(three.logits.length, 9);
    const one = await runOnnx(bytes, photos(32, 1), small);
    for (const [i, value] of one.logits.entries()) assert.ok(Math.abs(value - three.logits[i]) < 1e-5);
    for (let row = 0; row < 3; row++) {
      const sum = three.probabilities.slice(3 * row, 3 * row + 3).reduce((a, b) => a + b);
      assert.ok(Math.abs(sum - 1) < 1e-5);
    }
  });

  test('is half as large in float16', () => {
    const small = exported('cnn', { depth: 3, width: 32 });
    const [single, half] = [onnxModel(small), onnxModel(small, 'float16')].map(({ length }) => length);
    assert.ok(half < 0.55 * single, `${half} of ${single} bytes`);
  });

  test('of a run without a value is refused by its name', () => {
    const small = exported('cnn');
    const values = new Map(small.values);
    values.delete('block1/conv1/kernel');
    assert.throws(() => onnxModel({ ...small, values }), {
      code: 'EXPORT_VALUES',
      message: /no values of block1\/conv1\/kernel/,
    });
  });
});
