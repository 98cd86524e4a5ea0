import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import type { Backend } from '../../runtime/index.ts';
import { gradient, sum, type Tensor } from '../../xla/index.ts';
import { testBackend, skipWithoutTestDevice as skip } from '../../../test/backend.ts';
import { evaluate, literal } from '../../../test/evaluate.ts';
import { classWeightsOf, lossSchema, trainingLoss } from './loss.ts';

const LOGITS = [
  [1.5, -0.5, 0.25],
  [0.1, 0.2, 0.3],
  [-2, 3, 0],
  [5, 5, 5],
];
const LABELS = [0, 2, 2, 1];
const MASK = [1, 1, 1, 0];
const WEIGHTS = [0.5, 2, 1];

const probabilities = LOGITS.map((row) => {
  const parts = row.map(Math.exp);
  const total = parts.reduce((a, b) => a + b);
  return parts.map((part) => part / total);
});
const near = (found: number, expected: number, what: string) =>
  assert.ok(Math.abs(found - expected) < 1e-5, `${what}: ${found}, ${expected}`);

suite('a training loss', { skip }, () => {
  let backend: Backend | undefined;
  after(() => backend?.close());

  /** The loss, the losses of the examples and the slopes of the logits; the last row is padding. */
  async function run(settings: Readonly<Record<string, unknown>>, weights?: readonly number[]) {
    backend ??= await testBackend();
    const [[loss], losses, slopes] = await evaluate(backend, () => {
      const logits = literal('float32', [4, 3], LOGITS.flat());
      const mask: Tensor = literal('float32', [4], MASK);
      const labels = literal('int32', [4], LABELS);
      const inputs = { logits, labels, mask, examples: sum(mask), mixed: undefined, replicas: 1 };
      const result = trainingLoss(lossSchema.parse(settings), 0, weights, inputs);
      return [result.loss, result.losses, gradient(result.loss, [logits])[0]];
    });
    return { loss, losses, slopes };
  }

  test('of cross-entropy and focal loss with class weights, by hand', async () => {
    for (const [settings, factor] of [
      [{ name: 'crossEntropy' }, () => 1],
      [{ name: 'focal', gamma: 2 }, (p: number) => (1 - p) ** 2],
      [{ name: 'focal', gamma: 0.5 }, (p: number) => Math.sqrt(1 - p)],
    ] as const) {
      const { loss, losses } = await run(settings, WEIGHTS);
      const expected = LABELS.map((label, n) => {
        const p = probabilities[n][label];
        return -MASK[n] * WEIGHTS[label] * factor(p) * Math.log(p);
      });
      for (const [n, value] of expected.entries()) near(losses[n], value, `${settings.name}, example ${n}`);
      near(loss, expected.reduce((a, b) => a + b) / 3, settings.name);
    }
  });

  test('of soft macro F1, over the classes that occur, and its slopes', async () => {
    const { loss, losses, slopes } = await run({ name: 'softF1', share: 1 });
    const softF1 = (rows: readonly (readonly number[])[]) => {
      const present = [0, 2];
      const scores = present.map((c) => {
        const hits = rows.reduce((total, row, n) => total + (LABELS[n] === c ? MASK[n] * row[c] : 0), 0);
        const predicted = rows.reduce((total, row, n) => total + MASK[n] * row[c], 0);
        const support = LABELS.filter((label, n) => label === c && MASK[n] === 1).length;
        return (2 * hits) / (predicted + support);
      });
      return 1 - (scores[0] + scores[1]) / 2;
    };
    near(loss, softF1(probabilities), 'loss');
    near(losses[0], -Math.log(probabilities[0][0]), 'what the history shows stays cross-entropy');
    const shifted = (at: number, by: number) =>
      LOGITS.map((row, n) => {
        const parts = row.map((value, c) => Math.exp(value + (n * 3 + c === at ? by : 0)));
        const total = parts.reduce((a, b) => a + b);
        return parts.map((part) => part / total);
      });
    for (const [at, slope] of slopes.entries()) {
      const expected = (softF1(shifted(at, 1e-4)) - softF1(shifted(at, -1e-4))) / 2e-4;
      assert.ok(Math.abs(slope - expected) < 1e-4, `slope ${at}: ${slope}, ${expected}`);
    }
    const half = await run({ name: 'softF1' });
    const entropy = await run({ name: 'crossEntropy' });
    near(half.loss, (loss + entropy.loss) / 2, 'shared with cross-entropy');
  });

  test('weighs classes by the inverse of their share, or as told', () => {
    const labels = [0, 0, 0, 0, 0, 0, 1, 1, 3];
    const weights = classWeightsOf('balanced', 4, labels);
    assert.deepEqual(weights, [0.5, 1.5, 0, 3]);
    assert.equal(
      labels.reduce((total, label) => total + weights[label], 0),
      labels.length,
    );
    // Labels without a class are of records that are skipped.
    assert.deepEqual(classWeightsOf('balanced', 4, [...labels, 4, 5]), weights);
    assert.deepEqual(classWeightsOf([1, 2], 2, undefined), [1, 2]);
    assert.equal(classWeightsOf(undefined, 2, labels), undefined);
    assert.throws(() => classWeightsOf([1, 2], 3, labels), { code: 'CLASS_WEIGHTS', expected: '3 numbers' });
  });
});
