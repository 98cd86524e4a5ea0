import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseTune } from './settings.ts';
import { Space } from './space.ts';

const settings = {
  model: { name: 'cnn', options: { depth: 2, width: 4 } },
  size: 16,
  epochs: 4,
  batchSize: 8,
  optimizer: { name: 'adamw' },
  schedule: { name: 'constant', rate: 0.01 },
};

suite('the space of a search', () => {
  test('puts values into the recipe, also where it has none yet and into its phases', () => {
    const { epochs: _epochs, ...rest } = settings;
    const space = new Space(
      { ...rest, phases: [{ epochs: 1 }, { epochs: 3 }] },
      { 'schedule.rate': '1e-3..1e-2:log', 'augment.flip': [true, false], 'phases.1.epochs': '2..4:int' },
    );
    const values = { 'schedule.rate': 0.002, 'augment.flip': true, 'phases.1.epochs': 4 };
    const recipe = space.recipeOf(values);
    assert.equal(recipe.schedule.name === 'constant' && recipe.schedule.rate, 0.002);
    assert.equal(recipe.augment.flip, true);
    assert.equal(recipe.epochs, 5);
    assert.deepEqual(rest.schedule, settings.schedule, 'the settings that were given stay');
    assert.equal(space.size, Infinity);
  });

  test('may have what the recipe itself lacks', () => {
    const space = new Space({ ...settings, schedule: { name: 'constant' } }, { 'schedule.rate': '1e-3..1e-2' });
    assert.ok(space.example().schedule);
  });

  test('refuses settings that there are not, with the nearest one', () => {
    assert.throws(() => new Space(settings, { 'schedule.rat': '1e-3..1e-2:log' }), {
      code: 'RECIPE',
      message: /the range of schedule\.rat: schedule: there is no setting "rat"/,
      hint: /"rate"/,
    });
    assert.throws(() => new Space(settings, { batchSize: [8, 16], 'schedule.rat': '1e-3..1e-2:log' }), {
      message: /the range of schedule\.rat/,
    });
    assert.throws(() => new Space(settings, { 'model.options.widht': '4..8:int' }), { hint: /"width"/ });
    assert.throws(() => new Space(settings, { monitor: 'loss,accuracy' }), { code: 'RANGE', message: /monitor/ });
    assert.throws(() => new Space(settings, {}), { code: 'NO_RANGES', hint: /--range/ });
  });

  test('says where a recipe is wrong whatever is searched, and blames no range', () => {
    const place = (path: readonly PropertyKey[]) => `a.yaml:7 (${path.join('.')})`;
    const ranges = { 'schedule.rate': '1e-3..1e-2:log', epochs: '2..4:int' };
    const { epochs: _epochs, ...rest } = settings;
    assert.throws(() => new Space({ ...settings, epoch: 3 }, ranges, place), {
      message: 'a.yaml:7 (epoch): there is no setting "epoch"',
    });
    assert.throws(() => new Space({ ...rest, batchSize: -8 }, ranges, place), {
      message: "a.yaml:7 (batchSize): batchSize can't be -8",
    });
    assert.throws(() => new Space({ ...rest, batchSize: -8 }, ranges), { message: /^recipe: batchSize/ });
    assert.ok(new Space(rest, ranges, place).example());
  });

  test('refuses values that a setting does not take, at the ends and between', () => {
    assert.throws(() => new Space(settings, { 'optimizer.weightDecay': '-0.1..0.1' }), {
      message: /optimizer\.weightDecay can't be -0\.1/,
      expected: 'at least 0',
    });
    assert.throws(() => new Space(settings, { labelSmoothing: [0, 0.1, 2] }), { message: /labelSmoothing can't be 2/ });
    assert.throws(() => new Space(settings, { batchSize: '8..64' }), {
      message: /batchSize can't be \d+\.\d+/,
      hint: 'add :int for whole numbers',
    });
  });

  test('refuses values that do not go together, naming them', () => {
    const ranges = { 'optimizer.name': 'adam,adamw', 'optimizer.weightDecay': [0, 0.1] };
    assert.throws(() => new Space(settings, ranges), { message: /there is no setting "weightDecay"/ });
    const space = new Space(settings, { batchSize: [8, 12] });
    space.checkBatches(4);
    assert.throws(() => space.checkBatches(8), { code: 'BATCH_SIZE', message: /12/ });
    const mixing = new Space({ ...settings, augment: { flip: true, mixup: 0.2 } }, { batchSize: [8, 12] });
    mixing.checkBatches(2);
    assert.throws(() => mixing.checkBatches(4), { code: 'BATCH_SIZE', message: /mixup and CutMix pair/ });
    const inParts = new Space(settings, { batchSize: [8, 12], accumulate: '1,4' });
    assert.throws(() => inParts.checkBatches(2), { code: 'ACCUMULATE', message: /don't divide into 4 parts/ });
  });
});

test('a tune section is checked', () => {
  assert.equal(parseTune({ ranges: { size: [16, 32] } }, 'a.yaml: tune').reductionFactor, 3);
  assert.throws(() => parseTune({ trial: 3 }, 'a.yaml: tune'), {
    message: 'a.yaml: tune: there is no setting "trial"',
    hint: /"trials"/,
  });
  assert.throws(() => parseTune({ sampler: 'tep' }, 'tune'), { expected: 'one of tpe, random', hint: /"tpe"/ });
});
