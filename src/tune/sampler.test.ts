import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Random } from '../base/index.ts';
import { parzen, shares } from './parzen.ts';
import { propose } from './sampler.ts';
import type { Sampler } from './settings.ts';
import { Space, type Values } from './space.ts';
import type { Trial } from './trial.ts';

const settings = {
  model: { name: 'cnn', options: { depth: 2, width: 4 } },
  size: 16,
  epochs: 4,
  batchSize: 8,
  optimizer: { name: 'adamw' },
  schedule: { name: 'constant', rate: 0.01 },
};
const space = new Space(settings, {
  'schedule.rate': '1e-5..1:log',
  'optimizer.weightDecay': '0..0.5',
  'augment.flip': [true, false],
});

/** A score with one best place, to which each setting adds its part. */
function scoreOf(values: Values): number {
  const rate = Math.log10(Number(values['schedule.rate'])) + 2.5;
  const decay = Number(values['optimizer.weightDecay']) - 0.1;
  return 1 - 0.05 * rate ** 2 - 2 * decay ** 2 - (values['augment.flip'] === true ? 0 : 0.1);
}

function search(sampler: Sampler, seed: number, count: number): Trial[] {
  const trials: Trial[] = [];
  for (let number = 1; number <= count; number++) {
    const values = propose(space, number, trials, { sampler, seed }, 'macroF1');
    assert.ok(values);
    trials.push({ number, values, state: 'complete', epochs: 1, scores: [scoreOf(values)], seconds: 1 });
  }
  return trials;
}

suite('values of trials', () => {
  test('drawn at random follow from the seed and the number alone', () => {
    const trials = search('random', 4, 12);
    assert.deepEqual(search('random', 4, 12), trials);
    const alone = propose(space, 9, [], { sampler: 'random', seed: 4 }, 'macroF1');
    assert.deepEqual(alone, trials[8].values);
    assert.notDeepEqual(search('random', 5, 1)[0].values, trials[0].values);
  });

  test('of Parzen estimators follow from the seed and the trials before', () => {
    assert.deepEqual(search('tpe', 4, 25), search('tpe', 4, 25));
    assert.deepEqual(search('tpe', 4, 10), search('random', 4, 10));
  });

  test('of Parzen estimators come nearer to the best than random ones', () => {
    const seeds = Array.from({ length: 20 }, (_, seed) => seed);
    const mean = (sampler: Sampler) => {
      const bests = seeds.map((seed) => Math.max(...search(sampler, seed, 40).map(({ scores }) => scores[0])));
      return bests.reduce((a, b) => a + b, 0) / bests.length;
    };
    const [tpe, random] = [mean('tpe'), mean('random')];
    assert.ok(1 - tpe < 0.6 * (1 - random), `${1 - tpe} from the best, random ${1 - random}`);
  });

  test('come once each, and end where all have been', () => {
    const small = new Space(settings, { 'augment.flip': [true, false], labelSmoothing: [0, 0.1, 0.2] });
    for (const sampler of ['random', 'tpe'] as const) {
      const trials: Trial[] = [];
      for (let number = 1; number <= 7; number++) {
        const values = propose(small, number, trials, { sampler, seed: 0 }, 'loss');
        if (values === undefined) break;
        trials.push({ number, values, state: 'complete', epochs: 1, scores: [number], seconds: 1 });
      }
      assert.equal(trials.length, 6);
      assert.equal(new Set(trials.map(({ values }) => JSON.stringify(values))).size, 6);
    }
  });
});

test('densities integrate to 1 and are drawn from as they say', () => {
  const random = new Random(1, 'densities');
  for (const points of [[], [0.5], [0.02, 0.03, 0.9], [0, 0, 1]]) {
    const density = parzen(points);
    const bins = 20;
    const counts = new Float64Array(bins);
    for (let i = 0; i < 20_000; i++) counts[Math.floor(density.sample(random) * bins)] += 1 / 20_000;
    let total = 0;
    for (let bin = 0; bin < bins; bin++) {
      const mass = Array.from({ length: 50 }, (_, i) => density.at((bin + (i + 0.5) / 50) / bins) / 50 / bins);
      const sum = mass.reduce((a, b) => a + b, 0);
      assert.ok(Math.abs(sum - counts[bin]) < 0.02, `bin ${bin} of ${points.join()}: ${sum}, drawn ${counts[bin]}`);
      total += sum;
    }
    assert.ok(Math.abs(total - 1) < 0.02, `${total} of ${points.join()}`);
  }
  const choices = shares([2, 2, 2, 0], 3);
  assert.ok(Math.abs(choices.reduce((a, b) => a + b, 0) - 1) < 1e-12);
  assert.ok(choices[2] > choices[0] && choices[0] > choices[1] && choices[1] > 0);
});
