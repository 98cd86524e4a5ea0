import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import { gradient, parameter, sum } from '../xla/index.ts';
import { testBackend, skipWithoutTestDevice as skip } from '../../test/backend.ts';
import { evaluate, literal } from '../../test/evaluate.ts';
import { sparseCategoricalCrossEntropy } from './loss.ts';

const LOGITS = [
  [1.5, -0.5, 0.25, 0],
  [100, -100, 0, 50],
  [-1000, 1000, 0, 0],
];
const LABELS = [2, 0, 0];
const CLASSES = 4;
const SMOOTHING = 0.1;

const softmax = (row: readonly number[]) => {
  const top = Math.max(...row);
  const parts = row.map((value) => Math.exp(value - top));
  const total = parts.reduce((all, part) => all + part, 0);
  return { probabilities: parts.map((part) => part / total), log: row.map((value) => value - top - Math.log(total)) };
};
const targets = (label: number, smoothing: number) =>
  Array.from({ length: CLASSES }, (_, i) => (i === label ? 1 - smoothing : 0) + smoothing / CLASSES);

suite('cross-entropy', { skip }, () => {
  let backend: Awaited<ReturnType<typeof testBackend>> | undefined;
  after(() => backend?.close());

  for (const smoothing of [0, SMOOTHING]) {
    test(`with label smoothing ${smoothing} and its gradient, of logits small and huge`, async () => {
      backend ??= await testBackend();
      const [losses, slopes] = await evaluate(backend, () => {
        const logits = literal('float32', [LOGITS.length, CLASSES], LOGITS.flat());
        const result = sparseCategoricalCrossEntropy(logits, literal('int32', [LABELS.length], LABELS), smoothing);
        return [result, gradient(sum(result), [logits])[0]];
      });
      for (const [row, logits] of LOGITS.entries()) {
        const { probabilities, log } = softmax(logits);
        const target = targets(LABELS[row], smoothing);
        const expected = -log.reduce((total, value, i) => total + value * target[i], 0);
        assert.ok(Math.abs(losses[row] - expected) <= 1e-5 * (1 + Math.abs(expected)), `row ${row}: ${losses[row]}`);
        for (const [i, share] of probabilities.entries()) {
          const slope = slopes[row * CLASSES + i];
          assert.ok(Math.abs(slope - (share - target[i])) < 1e-6, `row ${row}, logit ${i}: ${slope}`);
        }
      }
    });
  }
});

test('cross-entropy refuses labels that would broadcast', () => {
  const logits = parameter('logits', { shape: [4, 3], dtype: 'float32' });
  for (const shape of [[4, 1], [1], [3], []]) {
    const labels = parameter('labels', { shape, dtype: 'int32' });
    assert.throws(() => sparseCategoricalCrossEntropy(logits, labels), {
      code: 'SHAPE',
      message: `sparseCategoricalCrossEntropy: logits [4,3] and labels [${shape.join(',')}]`,
      expected: 'logits [batch, classes] and labels [batch]',
    });
  }
});
