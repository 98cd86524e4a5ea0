import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { elementCount, type HostTensor } from '../../xla/index.ts';
import { IMAGENET } from '../preprocess.ts';
import { buildModel, type ModelRequest } from '../registry.ts';
import { writeKerasFile } from './hdf5-writer.ts';
import { loadWeights } from './load-weights.ts';
import { toFile } from './placement.ts';
import { writeSafetensors } from './safetensors.ts';
import { torchPlacements } from './torch-names.ts';
import { TORCH_NAMES } from './torch-namings.ts';
import { describeWeights } from './weights-source.ts';

const NAME = 'mobilenet-v2';
const FEATURES = { width: 0.1, padding: 'symmetric', epsilon: 1e-5 };
const CLASSES = 4;

const build = (options: Readonly<Record<string, unknown>> = {}, classes = CLASSES, more: Partial<ModelRequest> = {}) =>
  buildModel({ name: NAME, options: { ...FEATURES, ...options }, classes, size: { height: 32, width: 32 }, ...more });

/** A number of its own for every element of every variable. */
const valueOf = (variable: number, element: number): number => Math.fround(variable + element / 1e5);

suite('loading weights', () => {
  let path: string;
  before(async () => {
    path = join(await mkdtemp(join(tmpdir(), 'sepal-weights-')), 'a.safetensors');
  });
  after(() => rm(join(path, '..'), { recursive: true }));

  const original = build();
  const numbers = new Map(original.variables.map((spec, i) => [spec.path, i]));
  const names = TORCH_NAMES.find((table) => table.name === 'torchvision' && table.families.test(NAME));
  assert.ok(names);
  const placements = torchPlacements(names, original.variables);

  /** The file as torchvision would write it. */
  function stateDict(): Map<string, HostTensor> {
    const tensors = original.variables.map(({ path: variable, shape }, i): [string, HostTensor] => {
      const place = placements.of.get(variable);
      assert.ok(place !== undefined && place !== 'zeros');
      const data = Float32Array.from({ length: elementCount(shape) }, (_, element) => valueOf(i, element));
      return [place.name, toFile(place.layout, { shape, dtype: 'float32', data })];
    });
    const counter: HostTensor = { shape: [], dtype: 'int64', data: BigInt64Array.of(1n) };
    return new Map([...tensors, ['features.0.1.num_batches_tracked', counter]]);
  }

  const load = async (tensors: ReadonlyMap<string, HostTensor>, model = original) => {
    await writeSafetensors(path, tensors);
    return loadWeights(model, await describeWeights(NAME, path));
  };

  /** Every variable but the fresh ones has the file's numbers. */
  function assertTaken({ values, fresh }: Awaited<ReturnType<typeof load>>, model: typeof original): void {
    assert.deepEqual([...values.keys(), ...fresh].toSorted(), model.variables.map((spec) => spec.path).toSorted());
    for (const [variable, { data, shape }] of values) {
      const number = numbers.get(variable);
      assert.ok(number !== undefined);
      assert.deepEqual(shape, model.variables.find((spec) => spec.path === variable)?.shape);
      assert.deepEqual(
        data,
        Float32Array.from({ length: data.length }, (_, element) => valueOf(number, element)),
      );
    }
  }

  test('gives every variable its numbers, and what the weights expect of pixels', async () => {
    const loaded = await load(stateDict());
    assertTaken(loaded, original);
    assert.deepEqual(loaded.fresh, []);
    assert.deepEqual(loaded.preprocess, IMAGENET);
  });

  test('for other classes leaves the classifier fresh', async () => {
    const model = build({}, 9);
    const loaded = await load(stateDict(), model);
    assertTaken(loaded, model);
    assert.deepEqual(loaded.fresh, ['predictions/kernel', 'predictions/bias']);
  });

  test('for as many classes as features leaves the classifier fresh', async () => {
    const loaded = await load(stateDict(), build({}, 1280));
    assert.deepEqual(loaded.fresh, ['predictions/kernel', 'predictions/bias']);
  });

  test('for another head leaves it fresh from the first new layer on', async () => {
    const hidden = build({ hidden: [6] });
    const loaded = await load(stateDict(), hidden);
    assertTaken(loaded, hidden);
    assert.deepEqual(loaded.fresh, ['fc1/kernel', 'fc1/bias', 'predictions/kernel', 'predictions/bias']);
    const gem = build({ pooling: 'gem' });
    assert.deepEqual((await load(stateDict(), gem)).fresh, ['gem/p', 'predictions/kernel', 'predictions/bias']);
  });

  test('of a file without a classifier leaves it fresh', async () => {
    const tensors = stateDict();
    tensors.delete('classifier.1.weight');
    tensors.delete('classifier.1.bias');
    assert.deepEqual((await load(tensors)).fresh, ['predictions/kernel', 'predictions/bias']);
  });

  test('of a file that ends within the head leaves what is behind it fresh', async () => {
    const model = build({ hidden: [6, 5] });
    const ending = (layers: readonly string[]) =>
      new Map(
        model.variables
          .filter(({ path: variable }) => !layers.includes(variable.replace(/\/\w+$/, '')))
          .map(({ path: variable, shape }): [string, HostTensor] => [
            variable,
            { shape, dtype: 'float32', data: new Float32Array(elementCount(shape)).fill(2) },
          ]),
      );
    const last = ['predictions/kernel', 'predictions/bias'];
    assert.deepEqual((await load(ending(['predictions']), model)).fresh, last);
    assert.deepEqual((await load(ending(['fc2', 'predictions']), model)).fresh, ['fc2/kernel', 'fc2/bias', ...last]);
    // A layer that is missing before one that is there is no end.
    await assert.rejects(load(ending(['fc2']), model), { name: 'WeightsError' });
  });

  test('of a file that sepal train wrote takes its own head and preprocessing', async () => {
    const model = build({ hidden: [6] });
    const tensors = new Map<string, HostTensor>(
      model.variables.map(({ path: variable, shape, role }) => [
        `${role === 'statistic' ? 'statistics' : 'params'}/${variable}`,
        { shape, dtype: 'float32', data: new Float32Array(elementCount(shape)).fill(2) },
      ]),
    );
    tensors.set('step', { shape: [], dtype: 'uint32', data: Uint32Array.of(7) });
    const preprocess = { mean: [1, 2, 3], std: [4, 5, 6], channels: 'rgb', centerCrop: 0.875 };
    const description = { model: { name: NAME, options: model.options }, size: model.size, preprocess };
    await writeSafetensors(path, tensors, { sepal: JSON.stringify(description) });
    const source = await describeWeights(NAME, path);
    assert.deepEqual(source.preprocess, preprocess);
    assert.deepEqual((await loadWeights(model, source)).fresh, []);
    const other = build({ hidden: [6] }, 9);
    assert.deepEqual((await loadWeights(other, source)).fresh, ['predictions/kernel', 'predictions/bias']);
    await assert.rejects(describeWeights('resnet50', path), { code: 'WEIGHTS_MODEL', received: NAME });
  });

  const KERNEL = 'features.2.conv.0.0.weight';
  const misshapen: HostTensor = { shape: [2, 2], dtype: 'float32', data: new Float32Array(4) };
  const setNumber = (tensors: ReadonlyMap<string, HostTensor>, name: string, at: number, value: number) => {
    const data = tensors.get(name)?.data;
    assert.ok(data instanceof Float32Array);
    data[at] = value;
  };
  type Change = (tensors: Map<string, HostTensor>) => void;
  const refused: readonly (readonly [string, Change, object])[] = [
    [
      'a missing tensor',
      (tensors) => tensors.delete(KERNEL),
      { code: 'WEIGHTS_MISSING', message: /has no tensor features\.2\.conv\.0\.0\.weight$/, expected: '[48,8,1,1]' },
    ],
    [
      'a missing first tensor',
      (tensors) => tensors.delete('features.0.0.weight'),
      { code: 'WEIGHTS_MISSING', message: /has no tensor features\.0\.0\.weight$/, expected: '[8,3,3,3]' },
    ],
    [
      'half a classifier',
      (tensors) => tensors.delete('classifier.1.bias'),
      { code: 'WEIGHTS_MISSING', message: /has no tensor classifier\.1\.bias$/, expected: '[4]' },
    ],
    [
      'a misshapen tensor',
      (tensors) => tensors.set(KERNEL, misshapen),
      {
        code: 'WEIGHTS_SHAPE',
        message: /tensor features\.2\.conv\.0\.0\.weight/,
        expected: '[48,8,1,1]',
        received: '[2,2]',
      },
    ],
    [
      'a misshapen classifier',
      (tensors) => tensors.set('classifier.1.weight', { shape: [9, 1280], dtype: 'float32', data: new Float32Array(9 * 1280) }), // prettier-ignore
      { code: 'WEIGHTS_SHAPE', message: /tensor classifier\.1\.weight/, expected: '[4,1280]', received: '[9,1280]' },
    ],
    [
      'an extra tensor',
      (tensors) => tensors.set('features.2.conv.9.weight', misshapen),
      {
        code: 'WEIGHTS_EXTRA',
        message: /tensor features\.2\.conv\.9\.weight belongs to no variable/,
        received: '[2,2]',
      },
    ],
    [
      'NaN',
      (tensors) => setNumber(tensors, 'features.0.1.running_var', 3, NaN),
      { code: 'WEIGHTS_VALUES', message: /tensor features\.0\.1\.running_var/, received: 'NaN at element 3' },
    ],
    [
      'infinity',
      (tensors) => setNumber(tensors, KERNEL, 0, -Infinity),
      { code: 'WEIGHTS_VALUES', received: '-Infinity at element 0' },
    ],
    [
      'integers',
      (tensors) => tensors.set('features.0.1.bias', { shape: [8], dtype: 'int32', data: new Int32Array(8) }),
      { code: 'WEIGHTS_SHAPE', message: /features\.0\.1\.bias/, received: '[8] of int32' },
    ],
    [
      'two faults, of which the second is counted',
      (tensors) => {
        tensors.delete(KERNEL);
        tensors.delete('features.0.1.bias');
      },
      { code: 'WEIGHTS_MISSING', message: /features\.0\.1\.bias \(and 1 more tensor\)$/ },
    ],
  ];
  for (const [name, change, expected] of refused) {
    test(`refuses ${name}`, async () => {
      const tensors = stateDict();
      change(tensors);
      await assert.rejects(load(tensors), { name: 'WeightsError', ...expected });
      await assert.rejects(load(tensors, build({}, 9)), { name: 'WeightsError' });
    });
  }

  test('refuses a head of Keras with layers of its own, and takes the backbone alone', async () => {
    const model = buildModel({ name: NAME, options: { width: 0.35 }, classes: 4, size: { height: 32, width: 32 } });
    const tensorOf = (name: string, shape: readonly number[]) => {
      const data = new Float32Array(elementCount(shape));
      return { name, tensor: { shape, dtype: 'float32', data } as const };
    };
    const variables = model.variables.filter(({ path: of }) => !of.startsWith('predictions/'));
    const backbone = [...Map.groupBy(variables, ({ path: of }) => of.split('/')[0])].map(([name, own]) => ({
      path: name,
      kind: 'layer',
      tensors: own.map(({ path: of, shape }) => tensorOf(of.split('/')[1], shape)),
    }));
    const dense = (name: string, inputs: number, outputs: number) => ({
      path: name,
      kind: 'dense',
      tensors: [tensorOf('kernel', [inputs, outputs]), tensorOf('bias', [outputs])],
    });
    const file = join(path, '..', 'own-head.h5');
    const fresh = async (layers: typeof backbone) => {
      await writeKerasFile(file, layers, 'legacy', '{}');
      return (await loadWeights(model, await describeWeights(NAME, file))).fresh;
    };
    await assert.rejects(fresh([...backbone, dense('dense', 1280, 8), dense('dense_1', 8, 4)]), {
      code: 'WEIGHTS_EXTRA',
      message: /tensor dense\/.* belongs to no variable of the model \(and 3 more tensors\)$/,
      hint: /save the weights of the backbone alone/,
    });
    assert.deepEqual(await fresh([...backbone, dense('dense', 1280, 4)]), []);
    assert.deepEqual(await fresh(backbone), ['predictions/kernel', 'predictions/bias']);
  });

  test('refuses a model with other options, another width, another architecture', async () => {
    await writeSafetensors(path, stateDict());
    const source = await describeWeights(NAME, path);
    await assert.rejects(loadWeights(build({ padding: 'same' }), source), {
      code: 'WEIGHTS_OPTIONS',
      expected: 'padding: "symmetric"',
      received: '"same"',
    });
    await assert.rejects(loadWeights(build({ width: 0.5 }), source), { code: 'WEIGHTS_SHAPE', hint: /other options/ });
    await assert.rejects(describeWeights('resnet50', path), {
      code: 'WEIGHTS_NAMES',
      message: /no weights of resnet50/,
      expected: 'Keras, torchvision',
    });
  });
});
