import { Random } from '../base/index.ts';
import type { TuneReportData, TuneReportTrial } from './tune-report-data.ts';

/** For tests: a search with made-up numbers of the shape that real ones have. */
export function exampleSearch(count: number): TuneReportData {
  const random = new Random(7, 'search');
  const trials = Array.from({ length: count }, (_, i): TuneReportTrial => {
    const [rate, decay] = [10 ** random.uniform(-5, -1), random.uniform(0, 0.3)];
    const sampling = random.uniform() < 0.5 ? 'shuffle' : 'balanced';
    const top = Math.max(0.05, 0.95 - 0.08 * (Math.log10(rate) + 2.6) ** 2 - 2 * (decay - 0.1) ** 2);
    const epochs = i > 0 && top < 0.85 ? (top < 0.7 ? 1 : 3) : 9;
    const scores = Array.from({ length: epochs }, (_each, e) => top * (1 - 0.7 * 0.5 ** e) + 0.01 * random.normal());
    const score = Math.max(...scores);
    return {
      number: i + 1,
      state: epochs === 9 ? 'complete' : 'pruned',
      best: { epoch: scores.indexOf(score) + 1, score },
      scores,
      seconds: 7.3 * epochs,
      values: [Number(rate.toPrecision(4)), Number(decay.toFixed(4)), sampling],
    };
  });
  const ranked = trials.toSorted((a, b) => (b.best?.score ?? 0) - (a.best?.score ?? 0));
  return {
    name: 'tf-flowers-frozen',
    created: new Date('2025-03-14T09:26:00Z'),
    monitor: 'validation macro F1',
    isLoss: false,
    ranges: [
      { path: 'schedule.rate', text: '1e-5..1e-1:log', axis: { kind: 'log', low: 1e-5, high: 0.1 } },
      { path: 'optimizer.weightDecay', text: '0..0.3', axis: { kind: 'linear', low: 0, high: 0.3 } },
      { path: 'sampling', text: 'shuffle, balanced', axis: { kind: 'choices', choices: ['shuffle', 'balanced'] } },
    ],
    trials: ranked,
    best: ranked.at(0)?.number,
    search: { Trials: 30, Sampler: 'tpe', Seed: 0, Pruning: '1 of 3, from epoch 1 on' },
    data: { Set: 'tf_flowers', Training: '2,564 images', Validation: '554 images', Classes: 5 },
    device: { Platform: 'cpu', Kind: 'cpu', Replicas: 1, Node: 'v24.1.0' },
    recipe: 'size: 192\nepochs: 9\n',
    command: 'sepal tune tf-flowers-frozen --data tf_flowers',
    version: '0.1.0',
  };
}
