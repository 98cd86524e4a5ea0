import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import { checkOnnx, ONNX_TOLERANCES, runOnnx } from '../../test/onnx-runtime.ts';
import { formulaValues } from '../../test/logits.ts';
import { cpuBackend, skipWithoutCpuPlugin } from '../../test/backend.ts';
import { formulaImage } from '../../test/formula-values.ts';
import { buildModel, MODELS as ARCHITECTURES, type ExportedModel } from '../models/index.ts';
import { applyNetwork } from '../nn/index.ts';
import { nodesOf, trace } from '../xla/index.ts';
import { ONNX_RULES } from './onnx-rules.ts';
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

/** The smallest of each family, with every kind of head; `npm run parity:onnx` runs every architecture in both precisions. */
const MODELS: readonly (readonly [string, Readonly<Record<string, unknown>>, number])[] = [
  ['cnn', { pooling: 'average', head: 'flatten', hidden: 8 }, 32],
  ['vgg16', {}, 32],
  ['resnet50', {}, 32],
  ['resnet50-v2', { pooling: 'max' }, 32],
  ['xception', {}, 71],
  ['densenet121', {}, 32],
  ['efficientnet-b0', {}, 32],
  ['efficientnet-lite0', { pooling: 'gem' }, 32],
  ['mobilenet-v2', { padding: 'symmetric', epsilon: 1e-5 }, 32],
  ['convnext-tiny', {}, 32],
];
/** Float16 takes ONNX Runtime several times as long: these have every op of the others. */
const IN_HALF = new Set(['cnn', 'resnet50-v2', 'efficientnet-b0', 'efficientnet-lite0', 'mobilenet-v2']);

suite('an ONNX model in ONNX Runtime', { skip: skipWithoutCpuPlugin }, () => {
  for (const [name, options, size] of MODELS) {
    const inHalf = IN_HALF.has(name);
    test(`of ${name} gives our logits${inHalf ? ', in float16 nearly' : ''}`, async () => {
      assert.ok(backend);
      const precisions = inHalf ? (['float32', 'float16'] as const) : (['float32'] as const);
      const [single, half = 0] = await checkOnnx(backend, exported(name, options, size), photos(size, 2), precisions);
      assert.ok(single <= ONNX_TOLERANCES.float32, `float32: ${single}`);
      assert.ok(half <= ONNX_TOLERANCES.float16, `float16: ${half}`);
    });
  }
});

suite('an ONNX model of a run that looks at the middle of pictures', { skip: skipWithoutCpuPlugin }, () => {
  test('does so too, in both precisions', async () => {
    assert.ok(backend);
    const whole = exported('cnn', { depth: 2, width: 4 });
    const middle = { ...whole, preprocess: { ...whole.preprocess, centerCrop: 0.8 } };
    const [single, half] = await checkOnnx(backend, middle, photos(32, 2), ['float32', 'float16']);
    assert.ok(single <= ONNX_TOLERANCES.float32, `float32: ${single}`);
    assert.ok(half <= ONNX_TOLERANCES.float16, `float16: ${half}`);
    const [magnified, plain] = await Promise.all(
      [middle, whole].map(async (run) => runOnnx(onnxModel(run), photos(32, 2), run)),
    );
    assert.notDeepEqual(magnified.logits, plain.logits);
  });
});

suite('every architecture', () => {
  for (const { name } of ARCHITECTURES) {
    test(`${name} has a rule for each of its ops`, () => {
      const size = { height: 97, width: 97 };
      const model = buildModel({ name, classes: CLASSES.length, size });
      const images = { shape: [1, size.height, size.width, 3], dtype: 'uint8' } as const;
      const graph = trace([images, ...model.variables], (pixels, ...tensors) => {
        const values = Object.fromEntries(model.variables.map(({ path }, i) => [path, tensors[i]]));
        return [applyNetwork(model.network, values, model.prepare(pixels), { training: false }).output];
      });
      const ops = new Set(nodesOf(graph).map(({ op }) => op));
      assert.ok(ops.size > 5);
      assert.deepEqual([...ops].filter((op) => op !== 'parameter' && !(op in ONNX_RULES)), []); // prettier-ignore
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

  test('has probabilities at the temperature of the run, and logits as they are', async () => {
    const small = exported('cnn', { depth: 2, width: 4 });
    const plain = await runOnnx(onnxModel(small), photos(32, 2), small);
    const calibrated = await runOnnx(onnxModel({ ...small, temperature: 2.5 }), photos(32, 2), small);
    assert.deepEqual(calibrated.logits, plain.logits);
    for (const row of [0, 3]) {
      const powers = plain.logits.slice(row, row + 3).map((logit) => Math.exp(logit / 2.5));
      const total = powers.reduce((a, b) => a + b);
      for (const [i, power] of powers.entries()) {
        assert.ok(Math.abs(calibrated.probabilities[row + i] - power / total) < 1e-5);
      }
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
