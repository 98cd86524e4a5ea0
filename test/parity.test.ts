import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import { checkFixture } from '../scripts/parity/check.ts';
import { readFixture, type Fixture } from '../scripts/parity/fixture.ts';
import type { Backend } from '../src/runtime/index.ts';
import { testBackend, skipWithoutTestDevice } from './backend.ts';
import { sharedData, skipWithoutSharedData } from './shared-data.ts';

const skip = skipWithoutSharedData === false ? skipWithoutTestDevice : skipWithoutSharedData;

const opened = skip === false ? await testBackend() : undefined;
after(() => opened?.close());

function backend(): Backend {
  assert.ok(opened);
  return opened;
}

async function fixtureOf(model: string): Promise<Fixture> {
  const fixture = await readFixture(sharedData('parity', `${model}.json`));
  assert.ok(fixture);
  return fixture;
}

// `npm run parity` has all of them; these compile fast and hold every kind of layer but DenseNet's.
suite('the same numbers as keras.applications', { skip }, () => {
  for (const model of ['VGG16', 'ResNet50', 'EfficientNetB0']) {
    test(model, async () => {
      const result = await checkFixture(backend(), await fixtureOf(model));
      assert.ok(result.ok, JSON.stringify(result));
    });
  }

  // The programs are those of the test before.
  test('a logit and a gradient that are off fail, and the gradient is named', async () => {
    const fixture = await fixtureOf('EfficientNetB0');
    fixture.training.gradient_norms['block3a_dwconv/kernel'] *= 1.02;
    fixture.inference_logits[1][5] += 2e-3 * Math.max(...fixture.inference_logits.flat().map(Math.abs));
    const result = await checkFixture(backend(), fixture);
    assert.equal(result.ok, false);
    assert.ok(result.inference > 1e-3 && result.training < 1e-3, JSON.stringify(result));
    assert.ok(result.gradients > 1e-2, JSON.stringify(result));
    assert.equal(result.worstGradient, 'block3a_dwconv/kernel');
  });

  test('another variable, another count and an unknown model are refused before anything is compiled', async () => {
    const fixture = await fixtureOf('EfficientNetB0');
    const [first, ...rest] = fixture.variables;
    const problem = async (changes: Partial<Fixture>) =>
      (await checkFixture(backend(), { ...fixture, ...changes })).problem ?? '';
    assert.match(await problem({ variables: [{ ...first, shape: [4] }, ...rest] }), /^variable 0 is .*"shape":\[3\]/);
    assert.match(await problem({ variables: fixture.variables.slice(0, -1) }), /no variable predictions\/bias/);
    assert.match(await problem({ parameters: 5 }), /4182795 parameters, Keras has 5/);
    assert.match(await problem({ model: 'EfficientNetB9' }), /no such model/);
  });
});
