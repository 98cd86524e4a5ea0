import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test, type TestContext } from 'node:test';
import { mapTree } from '../../base/index.ts';
import { buildModel, readSafetensors, writeSafetensors, type Model } from '../../models/index.ts';
import type { Backend } from '../../runtime/index.ts';
import { isHostTensor } from '../../xla/index.ts';
import { testBackend, skipWithoutTestDevice as skip } from '../../../test/backend.ts';
import { mountSmallDisk } from '../../../test/small-disk.ts';
import { modelOf, readCheckpoint, saveState, saveWeights, tensorsOf, type CheckpointInfo } from './checkpoint.ts';
import { freezing } from '../recipe/freeze.ts';
import { makeOptimizer } from '../step/optimizer.ts';
import { parseRecipe } from '../recipe/recipe.ts';
import {
  initialState,
  initialWeights,
  seededValues,
  stateTypes,
  variableTypes,
  type DeviceState,
} from '../step/train-state.ts';

const recipe = parseRecipe(
  {
    model: { name: 'cnn', options: { depth: 2, width: 8, hidden: 6 } },
    size: 16,
    epochs: 2,
    batchSize: 4,
    optimizer: { name: 'adam' },
    schedule: { name: 'constant', rate: 0.1 },
  },
  'test',
);
const modelWith = (options: Readonly<Record<string, unknown>> = {}, classes = 3): Model =>
  buildModel({
    name: 'cnn',
    options: { ...recipe.model.options, ...options },
    classes,
    size: { height: recipe.size, width: recipe.size },
  });
const model = modelWith();
const optimizer = makeOptimizer(recipe.optimizer);
const info: CheckpointInfo = {
  format: 1,
  model: { name: model.name, options: model.options },
  size: model.size,
  classNames: ['daisy', 'rose', 'Öland cockscomb'],
  preprocess: model.preprocess,
  recipe,
  examples: 40,
  step: 13,
  epoch: 1,
  phase: { index: 0, epoch: 0, step: 0 },
  best: { epoch: 1, score: 0.1 + 0.2 },
  seconds: 1.5,
};

suite('a checkpoint', { skip }, () => {
  let backend: Backend;
  let folder: string;
  let state: DeviceState;
  const form = { classes: model.classes, optimizer, freezing: freezing(model, recipe), ema: recipe.ema };
  const host = initialState(form, initialWeights(model, seededValues(3)));
  const types = stateTypes(form);
  const path = (name: string) => join(folder, `${name}.safetensors`);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-checkpoint-'));
    backend = await testBackend();
    state = await backend.replicateTree(host);
    await saveState(path('whole'), state, info);
  });
  after(async () => {
    await backend.close();
    await rm(folder, { recursive: true });
  });

  /** The whole checkpoint with its description changed. */
  const withInfo = async (name: string, change: (text: string) => string) => {
    const { tensors, metadata } = await readSafetensors(path('whole'));
    await writeSafetensors(path(name), tensors, { sepal: change(metadata.sepal) });
    return readCheckpoint(path(name));
  };

  /** What of a model is no function. */
  const values = ({ network: _network, parts: _parts, prepare: _prepare, prepareWhole: _whole, ...rest }: Model) =>
    rest;

  test('gives back the whole state, the model and all that it was told', async () => {
    const checkpoint = await readCheckpoint(path('whole'));
    assert.deepEqual(checkpoint.info, info);
    assert.deepEqual(tensorsOf(checkpoint, types), host);
    assert.deepEqual(values(modelOf(checkpoint)), values(model));
  });

  test('of weights has the weights and nothing else', async () => {
    await saveWeights(path('weights'), state, info);
    const checkpoint = await readCheckpoint(path('weights'));
    assert.deepEqual(tensorsOf(checkpoint, variableTypes(model)), { params: host.params, statistics: host.statistics });
    assert.deepEqual(
      [...checkpoint.tensors.keys()].filter((name) => !/^(params|statistics)\//.test(name)),
      [],
    );
    assert.throws(() => tensorsOf(checkpoint, types), {
      code: 'CHECKPOINT_TENSOR',
      message: /has no tensor slots\/mean\/block1\/conv1\/kernel$/,
    });
  });

  test('of another model is refused with the tensor and both shapes', async () => {
    const checkpoint = await readCheckpoint(path('whole'));
    assert.throws(() => tensorsOf(checkpoint, variableTypes(modelWith({ width: 16 }))), {
      code: 'CHECKPOINT_TENSOR',
      message: /tensor params\/block1\/conv1\/kernel doesn't fit the model$/,
      expected: 'float32[3,3,3,16]',
      received: 'float32[3,3,3,8]',
    });
    assert.throws(() => tensorsOf(checkpoint, variableTypes(modelWith({}, 104))), {
      message: /tensor params\/classifier\/kernel doesn't fit/,
      expected: 'float32[6,104]',
      received: 'float32[6,3]',
    });
    assert.throws(() => tensorsOf(checkpoint, variableTypes(modelWith({ depth: 3 }))), {
      message: /has no tensor params\/block3\/conv1\/kernel$/,
      hint: /did you mean "params\/block\d\/conv1\/kernel"/,
    });
  });

  test('that is missing, cut off, of another program or another version is refused, each in its line', async () => {
    await assert.rejects(readCheckpoint(path('no')), { code: 'CHECKPOINT_FILE', message: /^there is no file / });

    const bytes = await readFile(path('whole'));
    await writeFile(path('cut'), bytes.subarray(0, bytes.byteLength / 2));
    await assert.rejects(readCheckpoint(path('cut')), { code: 'CHECKPOINT_CORRUPT', message: /is cut off$/ });

    await writeSafetensors(path('foreign'), new Map(), { format: 'pt' });
    await assert.rejects(readCheckpoint(path('foreign')), { code: 'CHECKPOINT_FOREIGN', hint: /best\.safetensors/ });

    await assert.rejects(
      withInfo('text', () => 'epoch 3'),
      { code: 'CHECKPOINT_CORRUPT', message: /its description is no JSON$/ },
    );
    await assert.rejects(
      withInfo('newer', (text) => text.replace('"format":1', '"format":2')),
      { code: 'CHECKPOINT_FORMAT', message: /: format: /, hint: /another version of Sepal/ },
    );
    await assert.rejects(
      withInfo('no-classes', (text) => text.replace('"classNames"', '"classnames"')),
      { code: 'CHECKPOINT_FORMAT', message: /: classNames: / },
    );
    await assert.rejects(
      withInfo('huge', (text) => text.replace('"height":16', '"height":40000')),
      { code: 'CHECKPOINT_FORMAT', message: /: size\.height: .*4096/ },
    );
    await assert.rejects(
      withInfo('flat', (text) => text.replace(/"std":\[[^,]+/, '"std":[0')),
      { code: 'CHECKPOINT_FORMAT', message: /: preprocess\.std\.0: / },
    );
  });

  test('is not touched when the disk is full while the next one is written', async (t: TestContext) => {
    const size = (await readFile(path('whole'))).byteLength;
    // Room for one checkpoint and a half.
    await using disk = await mountSmallDisk(Math.ceil(size * 1.5));
    if (disk === undefined) {
      t.skip('needs the right to mount a small tmpfs');
      return;
    }
    const last = join(disk.path, 'last.safetensors');
    await saveState(last, state, info);
    const { bavail, bsize } = await statfs(disk.path);
    assert.ok(bavail * bsize < size);
    await assert.rejects(saveState(last, state, { ...info, step: 14 }), {
      code: 'DISK_FULL',
      message: `no room left on the disk while writing ${last}`,
    });
    assert.deepEqual(await readdir(disk.path), ['last.safetensors']);
    const checkpoint = await readCheckpoint(last);
    assert.equal(checkpoint.info.step, 13);
    assert.deepEqual(
      mapTree(tensorsOf(checkpoint, types), isHostTensor, (tensor) => tensor),
      host,
    );
  });
});
