import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { SepalError } from '../../base/index.ts';
import { FlagError } from '../flag-error.ts';
import { recipeFrom, type RecipeFlags } from './recipe-source.ts';

suite('a mistake in a recipe and the flags laid over it', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sepal-recipe-source-'));
  });
  after(() => rm(folder, { recursive: true }));

  const errorOf = async (recipe: string, flags: RecipeFlags): Promise<SepalError> => {
    try {
      await recipeFrom(recipe, flags);
    } catch (error) {
      assert.ok(error instanceof SepalError, String(error));
      return error;
    }
    return assert.fail('the recipe was taken');
  };

  const flagged: readonly (readonly [RecipeFlags, RegExp])[] = [
    [
      { set: ['augmnt.flip=true'] },
      /^--set augmnt\.flip=true: there is no setting "augmnt"\n {2}hint: did you mean "augment"\?$/,
    ],
    [{ set: ['augment.flipp=true'] }, /^--set augment\.flipp=true: augment: there is no setting "flipp"/],
    [{ set: ['augment={flipp: true}'] }, /^--set augment=\{flipp: true\}: augment: there is no setting "flipp"/],
    [{ set: ['augment.crop.ratio=2'] }, /^--set augment\.crop\.ratio=2: augment\.crop\.scale is missing/],
    [{ set: ['epochs=two'] }, /^--set epochs=two: epochs can't be "two"; expected a number/],
    [{ epochs: 3, set: ['epochs=-1'] }, /^--set epochs=-1: epochs can't be -1/],
    [{ set: ['model.options.widht=3'] }, /^--set model\.options\.widht=3: model\.options: there is no setting "widht"/],
    [{ model: 'cnnn' }, /^--model cnnn: there is no model "cnnn"\n {2}hint: did you mean "cnn"/],
    [{ freeze: 'backbon' }, /^--freeze backbon: freeze can't be "backbon"/],
    [{ set: ['epochs'] }, /^--set epochs; expected PATH=VALUE/],
    [{ set: ['epochs=[1'] }, /^--set epochs=\[1: .*; expected a value as YAML has it/],
  ];
  for (const [flags, message] of flagged) {
    test(`is the flag's: ${JSON.stringify(flags)}`, async () => {
      const error = await errorOf('quickstart', flags);
      assert.match(error.toUserString(), message);
      assert.ok(error instanceof FlagError);
    });
  }

  test('a run in place of its recipe is told the file', async () => {
    const recipe = join(folder, 'recipe.yaml');
    assert.match((await errorOf(folder, {})).hint ?? '', /^there are cnn, /);
    await writeFile(recipe, 'epochs: 2\n');
    assert.equal((await errorOf(folder, {})).hint, `did you mean ${recipe}, the recipe of that run?`);
    await rm(recipe);
  });

  test("is the file's otherwise, with the line", async () => {
    const path = join(folder, 'mine.yaml');
    await writeFile(path, 'model: { name: cnn }\nsize: 32\nepochs: 2\nbatchSize: lots\n');
    const error = await errorOf(path, { set: ['augment.flip=true'] });
    assert.equal(error.message.split(';')[0], `${path}:4:1: batchSize can't be "lots"`);
    assert.ok(!(error instanceof FlagError));

    await writeFile(path, 'size: 32\nmodel:\n  name: cnnn\nepochs: 2\nbatchSize: 8\noptimizer: { name: sgd }\nschedule: { name: constant, rate: 0.1 }\n'); // prettier-ignore
    assert.equal((await errorOf(path, {})).message, `${path}:3:3: there is no model "cnnn"`);
  });
});
