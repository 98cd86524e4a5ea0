import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { stringify } from 'yaml';
import { SepalError, type SettingPlace } from '../../base/index.ts';
import { buildModel, SYMMETRIC } from '../../models/index.ts';
import { parseRecipe } from './recipe.ts';
import { readRecipeFile, RecipeFile } from './recipe-file.ts';
import { setRecipeSetting } from './recipe-setting.ts';
import { modelRequest } from '../start.ts';

const LEAST = {
  model: { name: 'cnn' },
  size: 32,
  epochs: 2,
  batchSize: 8,
  optimizer: { name: 'adam' },
  schedule: { name: 'constant', rate: 0.1 },
};

/** What the user reads of a recipe that is refused. */
function refusal(value: unknown, origin: SettingPlace = 'r.yaml'): string {
  try {
    parseRecipe(value, origin);
  } catch (error) {
    assert.ok(error instanceof SepalError, String(error));
    return error.toUserString();
  }
  return 'nothing: the recipe was taken';
}

suite('a recipe', () => {
  test('says what of a picture its model looks at, wherever the model is built', () => {
    const modelOf = (more: object) =>
      buildModel(modelRequest(parseRecipe({ ...LEAST, ...more }, 'r.yaml'), { classes: 3, size: { height: 32, width: 32 } })); // prettier-ignore
    assert.deepEqual(modelOf({ centerCrop: 0.8 }).preprocess, { ...SYMMETRIC, centerCrop: 0.8 });
    assert.deepEqual(modelOf({}).preprocess, SYMMETRIC);
    assert.match(refusal({ ...LEAST, centerCrop: 1.5 }), /centerCrop/);
  });

  test('gets what it leaves out, the options of its model too', () => {
    const recipe = parseRecipe({ ...LEAST, augment: { crop: { scale: [0.5, 1] } } }, 'r.yaml');
    assert.equal(recipe.seed, 0);
    assert.equal(recipe.monitor, 'macroF1');
    assert.deepEqual(recipe.augment, { flip: false, crop: { scale: [0.5, 1], ratio: 4 / 3 } });
    assert.deepEqual(recipe.optimizer, { name: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
    assert.equal(recipe.model.options.depth, 4);
    assert.deepEqual(parseRecipe(recipe, 'again'), recipe);
  });

  test("drops what another kind of optimiser doesn't know when its name is set, and only then", () => {
    const settings = { ...LEAST, optimizer: { name: 'adamw', weightDecay: 0.1, beta1: 0.8 }, phases: [{ epochs: 1, loss: { name: 'focal', gamma: 1 } }] }; // prettier-ignore
    setRecipeSetting(settings, 'optimizer.name', 'adam');
    setRecipeSetting(settings, 'phases.0.loss.name', 'crossEntropy');
    assert.deepEqual(settings.optimizer, { name: 'adam', beta1: 0.8 });
    assert.deepEqual(settings.phases, [{ epochs: 1, loss: { name: 'crossEntropy' } }]);
    setRecipeSetting(settings, 'optimizer.weightDecay', 0.2);
    assert.match(refusal(settings), /there is no setting "weightDecay"/);
  });

  const cases: readonly (readonly [string, unknown, string])[] = [
    ['a misspelt name', { ...LEAST, epocs: 3 }, 'r.yaml: there is no setting "epocs"\n  hint: did you mean "epochs"?'],
    [
      'a misspelt name instead of one that is needed, two levels down',
      { ...LEAST, augment: { crop: { scal: [0.5, 1] } } },
      'r.yaml: augment.crop: there is no setting "scal"\n  hint: did you mean "scale"?',
    ],
    [
      'a misspelt name in a phase',
      { ...LEAST, epochs: undefined, phases: [{ epochs: 5, augment: { flipp: true } }] },
      'r.yaml: phases.0.augment: there is no setting "flipp"\n  hint: did you mean "flip"?',
    ],
    [
      'a misspelt name in settings that are filled in as a whole',
      { ...LEAST, onDivergence: { polic: 'stop' } },
      'r.yaml: onDivergence: there is no setting "polic"\n  hint: did you mean "policy"?',
    ],
    [
      'a setting of another optimiser',
      { ...LEAST, optimizer: { name: 'adam', momentum: 0.9 } },
      'r.yaml: optimizer: there is no setting "momentum"\n  hint: there are name, beta1, beta2, epsilon',
    ],
    [
      'an optimiser that there is not',
      { ...LEAST, optimizer: { name: 'adm' } },
      'r.yaml: optimizer.name can\'t be "adm"; expected one of sgd, adam, adamw, rmsprop, lamb, lion\n  hint: did you mean "adam" or "adamw"?',
    ],
    [
      'no name',
      { ...LEAST, schedule: {} },
      'r.yaml: schedule.name is missing; expected one of constant, cosine, exponential, steps, restarts, onecycle, plateau, petals',
    ],
    [
      'a choice that there is not',
      { ...LEAST, monitor: 'makroF1' },
      'r.yaml: monitor can\'t be "makroF1"; expected one of macroF1, accuracy, loss\n  hint: did you mean "macroF1"?',
    ],
    ['nothing', { ...LEAST, size: undefined }, 'r.yaml: size is missing; expected a number'],
    ['text for a number', { ...LEAST, epochs: '3' }, 'r.yaml: epochs can\'t be "3"; expected a number'],
    ['a fraction', { ...LEAST, epochs: 1.5 }, "r.yaml: epochs can't be 1.5; expected a whole number"],
    ['too little', { ...LEAST, epochs: 0 }, "r.yaml: epochs can't be 0; expected at least 1"],
    ['the bound itself', { ...LEAST, clipNorm: 0 }, "r.yaml: clipNorm can't be 0; expected more than 0"],
    [
      'too much, in a list',
      { ...LEAST, augment: { crop: { scale: [0.5, 2] } } },
      "r.yaml: augment.crop.scale.1 can't be 2; expected at most 1",
    ],
    [
      'a list in the wrong order',
      { ...LEAST, augment: { crop: { scale: [0.9, 0.5] } } },
      "r.yaml: augment.crop.scale can't be [0.9,0.5]; expected the least share first",
    ],
    [
      'a name for settings',
      { ...LEAST, model: 'cnn' },
      'r.yaml: model can\'t be "cnn"; expected settings, each with a name',
    ],
    [
      'one of two forms',
      { ...LEAST, classWeights: 'rare' },
      'r.yaml: classWeights can\'t be "rare"; expected balanced, or a list of numbers, one a class',
    ],
    ['an empty file', null, "r.yaml can't be null; expected settings, each with a name"],
    [
      'an option that the model does not have',
      { ...LEAST, model: { name: 'cnn', options: { widht: 3 } } },
      'r.yaml: model.options: there is no setting "widht"\n  hint: did you mean "width"?',
    ],
    [
      'a value that an option does not take',
      { ...LEAST, model: { name: 'cnn', options: { pooling: 'mx' } } },
      'r.yaml: model.options: pooling can\'t be "mx"; expected one of max, average\n  hint: did you mean "max"?',
    ],
    [
      'a model that there is not',
      { ...LEAST, model: { name: 'cn' } },
      'r.yaml: there is no model "cn"\n  hint: did you mean "cnn"?',
    ],
  ];
  for (const [name, value, line] of cases) test(`with ${name} is refused`, () => assert.equal(refusal(value), line));
});

suite('a recipe file', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-recipe-'));
  });
  after(() => rm(folder, { recursive: true }));

  test('is YAML or JSON', async () => {
    await writeFile(join(folder, 'a.yaml'), 'epochs: 3 # three\naugment: { flip: true }\n');
    assert.deepEqual(await readRecipeFile(join(folder, 'a.yaml')), { epochs: 3, augment: { flip: true } });
    await writeFile(join(folder, 'a.json'), '{"epochs": 3}');
    assert.deepEqual(await readRecipeFile(join(folder, 'a.json')), { epochs: 3 });
  });

  test('that is missing, or no YAML, is refused with the file and the line', async () => {
    const missing = join(folder, 'no.yaml');
    await assert.rejects(readRecipeFile(missing), { code: 'RECIPE_FILE', message: `there is no recipe ${missing}` });
    await assert.rejects(readRecipeFile(folder), { code: 'RECIPE_FILE', message: `can't read the recipe ${folder}` });
    const path = join(folder, 'twice.yaml');
    await writeFile(path, 'epochs: 3\nepochs: 4\n');
    await assert.rejects(readRecipeFile(path), {
      code: 'RECIPE_FILE',
      message: `${path}:2:1: Map keys must be unique`,
    });
    await writeFile(path, 'augment: { flip: true\n');
    await assert.rejects(readRecipeFile(path), { code: 'RECIPE_FILE', message: /twice\.yaml:\d+:\d+: .*[^:]$/ });
  });

  test('with a mistake is refused with the place of the mistake', async () => {
    const path = join(folder, 'mistaken.yaml');
    const refusalOf = async (more: string) => {
      await writeFile(path, `${stringify(LEAST)}${more}`);
      const file = await RecipeFile.read(path);
      return refusal(file.value, (at) => file.placeOf(at));
    };
    const lines = stringify(LEAST).split('\n').length;
    const place = (line: number, column: number) => `${path}:${lines + line}:${column}`;
    assert.equal(
      await refusalOf('augment:\n  crop:\n    scal: [0.5, 1]\n'),
      `${place(2, 5)}: augment.crop: there is no setting "scal"\n  hint: did you mean "scale"?`,
    );
    assert.equal(await refusalOf('seed: -1\n'), `${place(0, 1)}: seed can't be -1; expected at least 0`);
    assert.equal(
      await refusalOf('phases:\n  - epochs: 2\n  - epoch: 5\n'),
      `${place(2, 5)}: phases.1: there is no setting "epoch"\n  hint: did you mean "epochs"?`,
    );
    assert.equal(
      await refusalOf('loss:\n  gamma: 1\n'),
      `${place(0, 1)}: loss.name is missing; expected one of crossEntropy, focal, softF1`,
    );
  });
});
