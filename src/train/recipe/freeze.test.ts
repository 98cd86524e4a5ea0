import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { buildModel } from '../../models/index.ts';
import { freezing, type FreezeSettings } from './freeze.ts';
import { rateFactors } from '../step/rates.ts';

const model = buildModel({ name: 'cnn', options: { depth: 3, width: 4 }, classes: 3, size: { height: 32, width: 32 } });

/** First parts of the paths, such as `block1`. */
const groups = (specs: readonly { readonly path: string }[]) => [
  ...new Set(specs.map(({ path }) => path.split('/')[0])),
];
const freeze = (settings: Partial<FreezeSettings>) =>
  freezing(model, { freeze: 'none', frozenStatistics: 'with-layers', ...settings });

suite('freezing', () => {
  test('none moves everything', () => {
    const { trained, moving, fixed } = freeze({});
    assert.deepEqual(groups(trained), ['block1', 'block2', 'block3', 'classifier']);
    assert.deepEqual(groups(moving), ['block1', 'block2', 'block3']);
    assert.deepEqual(fixed, []);
  });

  test('stages are frozen from the image on, their statistics with them', () => {
    const { trained, moving, fixed, frozenStatistics } = freeze({ freeze: 'stages:2' });
    assert.deepEqual(groups(trained), ['block3', 'classifier']);
    assert.deepEqual(groups(moving), ['block3']);
    assert.deepEqual(groups(fixed), ['block1', 'block2']);
    assert.deepEqual([...frozenStatistics], ['block1/conv1', 'block2/conv1']);
  });

  test('of the backbone leaves the head', () => {
    const { trained, moving } = freeze({ freeze: 'backbone' });
    assert.deepEqual(groups(trained), ['classifier']);
    assert.deepEqual(moving, []);
  });

  test('may leave the statistics to the data', () => {
    const { moving, frozenStatistics, frozenLayers } = freeze({
      freeze: 'backbone',
      frozenStatistics: 'none',
    });
    assert.deepEqual(groups(moving), ['block1', 'block2', 'block3']);
    assert.equal(frozenStatistics.size, 0);
    assert.equal(frozenLayers.size, 3);
  });

  test('may be of statistics alone', () => {
    const { trained, moving, frozenLayers } = freeze({ frozenStatistics: 'all' });
    assert.deepEqual(groups(trained), ['block1', 'block2', 'block3', 'classifier']);
    assert.deepEqual(moving, []);
    assert.equal(frozenLayers.size, 0);
  });

  test('more stages than there are is refused', () => {
    assert.throws(() => freeze({ freeze: 'stages:4' }), { code: 'FREEZE', expected: 'stages:1 to stages:3' });
  });
});

suite('learning rates by layer', () => {
  const factor = (rates: Partial<Parameters<typeof rateFactors>[1]>, path: string) =>
    rateFactors(model, { backbone: 1, layerDecay: 1, groups: [], ...rates }).get(path);

  test('are the schedule’s own where nothing is said', () => {
    assert.equal(rateFactors(model, { backbone: 1, layerDecay: 1, groups: [] }).size, 0);
  });

  test('shrink from the head down', () => {
    const rates = { backbone: 0.5, layerDecay: 0.1 };
    assert.equal(factor(rates, 'classifier/kernel'), undefined);
    assert.ok(Math.abs(factor(rates, 'block3/conv1/kernel')! - 0.05) < 1e-12);
    assert.ok(Math.abs(factor(rates, 'block1/conv1/gamma')! - 0.0005) < 1e-12);
  });

  test('may be given to paths', () => {
    const rates = { groups: [{ match: 'gamma$|beta$', factor: 2 }] };
    assert.equal(factor(rates, 'block2/conv1/gamma'), 2);
    assert.equal(factor(rates, 'block2/conv1/kernel'), undefined);
  });
});
