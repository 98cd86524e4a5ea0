import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Random } from '../base/index.ts';
import { Confusion } from './confusion.ts';
import { combineProbabilities, decodedByAll, MEANS } from './ensemble.ts';
import { fitTemperature, scaleByTemperature } from './temperature.ts';
import { dealByClass, heldOutMacroF1, searchWeights } from './weight-search.ts';

const CLASSES = 4;
const EXAMPLES = 240;

/** A made-up model: knows the label to a degree that depends on its class, else guesses. */
function member(name: string, skill: readonly number[], labels: readonly number[]): Float32Array {
  const random = new Random(1, 'member', name);
  const rows = labels.map((label) => {
    const row = Array.from({ length: CLASSES }, () => Math.exp(random.normal()));
    row[label] *= Math.exp(skill[label] * random.uniform(0, 2));
    const total = row.reduce((sum, value) => sum + value, 0);
    return row.map((value) => value / total);
  });
  return Float32Array.from(rows.flat());
}

const labels = Array.from({ length: EXAMPLES }, (_, n) => n % CLASSES);
const probabilities = [
  member('a', [2.5, 2.5, 0.2, 0.2], labels),
  member('b', [0.2, 0.2, 2.5, 2.5], labels),
  member('c', [0, 0, 0, 0], labels),
];
const f1 = (rows: Float32Array) => {
  const confusion = new Confusion(CLASSES);
  for (const [n, label] of labels.entries()) {
    const row = rows.subarray(n * CLASSES, (n + 1) * CLASSES);
    confusion.add(label, row.indexOf(Math.max(...row)));
  }
  return confusion.macroF1;
};

suite('an ensemble', () => {
  test('means by hand, and rows that sum to 1', () => {
    const members = [Float32Array.of(0.5, 0.5, 0, 0), Float32Array.of(0.5, 0, 0.5, 0)];
    assert.deepEqual([...combineProbabilities(members, [1, 1], 4)], [0.5, 0.25, 0.25, 0]);
    const sure = combineProbabilities(members, [1, 1], 4, 'geometric');
    assert.ok(sure[0] > 0.999);
    assert.deepEqual([...combineProbabilities([new Float32Array(4)], [2], 4)], [0, 0, 0, 0]);
    const weighted = combineProbabilities(
      [Float32Array.of(0.8, 0.2), Float32Array.of(0.2, 0.8)],
      [3, 1],
      2,
      'geometric',
    );
    const ratio = 4 ** 0.75 * 0.25 ** 0.25;
    assert.ok(Math.abs(weighted[0] / weighted[1] - ratio) < 1e-5);
    assert.throws(() => combineProbabilities(members, [1], 4), { code: 'WEIGHTS' });
    assert.throws(() => combineProbabilities(members, [1, -1], 4), { code: 'WEIGHTS' });
    assert.throws(() => combineProbabilities([members[0], Float32Array.of(1)], [1, 1], 4), { code: 'MEMBERS' });
  });

  test('a picture that only a member of weight 0 could decode has no probabilities, not NaN', () => {
    const [blind, seeing] = [new Float32Array(2), Float32Array.of(0.9, 0.1)];
    for (const mean of MEANS) {
      assert.deepEqual([...combineProbabilities([blind, seeing], [1, 0], 2, mean)], [0, 0]);
      assert.deepEqual([...combineProbabilities([blind, seeing], [0, 1], 2, mean)], [...seeing]);
    }
  });

  test('members that are sure of different classes leave both as likely', () => {
    const members = [Float32Array.of(1, 0, 0), Float32Array.of(0, 1, 0)];
    const [first, second, third] = combineProbabilities(members, [1, 1], 3, 'geometric');
    assert.ok(Math.abs(first - 0.5) < 1e-5 && Math.abs(second - 0.5) < 1e-5 && third < 1e-5, `${first} ${second}`);
  });

  test('what weights reach is measured on examples that they were not searched on', () => {
    // Each member is right where the other one is not, and the parts are where they change over.
    const truth = Array.from({ length: 8 }, (_, n) => n % 2);
    const part = dealByClass(truth, 2, 2);
    const rightIn = (own: number) =>
      Float32Array.from(truth.flatMap((label, n) => [1 - label, label].map((p) => (part[n] === own ? p : 1 - p))));
    const both = { probabilities: [rightIn(0), rightIn(1)], labels: truth, classCount: 2, mean: 'arithmetic' as const };
    assert.equal(heldOutMacroF1(both, 2), 0);
  });

  for (const mean of MEANS) {
    test(`searched weights (${mean}) beat each member, are what they say, and hold on held-out examples`, () => {
      const found = searchWeights({ probabilities, labels, classCount: CLASSES, mean });
      const best = Math.max(...probabilities.map(f1));
      assert.ok(found.macroF1 > best + 0.03, `${found.macroF1}, best member ${best}`);
      assert.ok(Math.abs(found.weights.reduce((sum, weight) => sum + weight, 0) - 1) < 1e-9);
      assert.ok(Math.abs(f1(combineProbabilities(probabilities, found.weights, CLASSES, mean)) - found.macroF1) < 1e-3);
      const held = heldOutMacroF1({ probabilities, labels, classCount: CLASSES, mean });
      assert.ok(held > best && held < found.macroF1 + 0.01, `held out ${held}`);
    });
  }

  test('is never worse than its best member where nothing helps', () => {
    const random = new Random(3, 'trials');
    for (let trial = 0; trial < 20; trial++) {
      const few = labels.slice(0, 30);
      const skills = Array.from({ length: 3 }, () => Array.from({ length: CLASSES }, () => random.uniform(-1, 2)));
      const members = skills.map((skill, i) => member(`${trial} ${i}`, skill, few));
      const { macroF1 } = searchWeights({
        probabilities: members,
        labels: few,
        classCount: CLASSES,
        mean: 'geometric',
      });
      for (const each of members) {
        const alone = searchWeights({ probabilities: [each], labels: few, classCount: CLASSES, mean: 'arithmetic' });
        assert.ok(macroF1 >= alone.macroF1);
      }
    }
  });

  test('parts have every class in equal shares', () => {
    const parts = dealByClass([...Array.from({ length: 23 }, () => 0), 1, 1, 1, 2], 3, 5);
    for (let part = 0; part < 5; part++) {
      const size = parts.filter((each) => each === part).length;
      assert.ok(size === 5 || size === 6);
      const ofFirst = parts.subarray(0, 23).filter((each) => each === part).length;
      assert.ok(ofFirst === 4 || ofFirst === 5);
    }
    // Labels without a class, of records that are skipped, change nothing for the others.
    assert.deepEqual([...dealByClass([0, 7, 1, 0, 7, 1], 2, 2)], [0, 0, 0, 1, 1, 1]);
    assert.deepEqual([...dealByClass([0, 1, 0, 1], 2, 2)], [0, 0, 1, 1]);
  });
});

suite('temperature', () => {
  test('undoes what was done to calibrated probabilities, and keeps the order of classes', () => {
    const random = new Random(4, 'calibrated');
    const rows: number[] = [];
    const drawn: number[] = [];
    for (let n = 0; n < 4000; n++) {
      const row = Array.from({ length: CLASSES }, () => Math.exp(1.5 * random.normal()));
      const total = row.reduce((sum, value) => sum + value, 0);
      let left = random.uniform() * total;
      drawn.push(
        Math.max(
          0,
          row.findIndex((value) => (left -= value) < 0),
        ),
      );
      rows.push(...row.map((value) => value / total));
    }
    // Twice as sure as is right.
    const sure = scaleByTemperature(rows, CLASSES, 0.5);
    const { temperature, errorBefore, errorAfter, lossBefore, lossAfter } = fitTemperature({
      probabilities: sure,
      labels: drawn,
      classCount: CLASSES,
    });
    assert.ok(Math.abs(temperature - 2) < 0.12, `temperature ${temperature}`);
    assert.ok(errorAfter < 0.03 && errorBefore > 0.1, `error ${errorBefore}, then ${errorAfter}`);
    assert.ok(lossAfter < lossBefore);
    const again = scaleByTemperature(sure, CLASSES, 2);
    assert.ok(again.every((value, i) => Math.abs(value - rows[i]) < 1e-5));
    assert.deepEqual([...scaleByTemperature([0, 0], 2, 3)], [0, 0]);
  });

  test('minimises the loss also where one example is far off', () => {
    const wrong = Float32Array.of(1e-4, 0.6, 0.2, 0.1, 0.0999);
    const rows = Float32Array.from({ length: 400 * 5 }, (_, i) => (i < 5 ? wrong[i] : i % 5 === 0 ? 0.6 : 0.1));
    const { temperature } = fitTemperature({ probabilities: rows, labels: new Int32Array(400), classCount: 5 });
    const lossAt = (tried: number) =>
      scaleByTemperature(rows, 5, tried).reduce((loss, value, i) => (i % 5 === 0 ? loss - Math.log(value) : loss), 0);
    const tried = Array.from({ length: 400 }, (_, i) => 0.05 * 1.01 ** i);
    const best = tried.reduce((a, b) => (lossAt(b) < lossAt(a) ? b : a));
    assert.ok(Math.abs(temperature / best - 1) < 0.02, `${temperature}, not ${best}`);
  });

  test('gives what a softmax of the scaled logits would, of a network that is far too sure, too', () => {
    const logits = Array.from({ length: 104 }, (_, c) => (c === 7 ? 20 : -40 - (c % 5)));
    const softmax = (scale: number) => {
      const exponentials = logits.map((logit) => Math.exp((logit - 20) / scale));
      const total = exponentials.reduce((sum, value) => sum + value, 0);
      return exponentials.map((value) => value / total);
    };
    const given = Float32Array.from(softmax(1));
    for (const temperature of [0.5, 3, 5]) {
      const wanted = softmax(temperature);
      const scaled = scaleByTemperature(given, logits.length, temperature);
      for (const [c, value] of scaled.entries()) {
        assert.ok(Math.abs(value - wanted[c]) < 1e-6, `${value} at temperature ${temperature}, not ${wanted[c]}`);
      }
    }
  });

  test('leave out who could not decode a picture, by either mean', () => {
    const members = [Float32Array.of(0, 0, 0, 0, 0.5, 0.5), Float32Array.of(0, 0, 0.2, 0.8, 0.9, 0.1)];
    for (const mean of MEANS) {
      const mixed = combineProbabilities(members, [3, 1], 2, mean);
      assert.deepEqual([...mixed.subarray(0, 2)], [0, 0], mean);
      assert.ok(Math.abs(mixed[2] - 0.2) < 1e-6, mean);
      assert.ok(mixed[4] > 0.55 && mixed[4] < 0.7, mean);
    }
    assert.deepEqual(decodedByAll(members, 2), [2]);
  });
});
