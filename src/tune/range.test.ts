import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Random } from '../base/index.ts';
import { countOf, parseRange, placeOf, valueAt, type Interval } from './range.ts';

const random = new Random(3, 'ranges');
const draws = (text: unknown, count = 2000) => {
  const range = parseRange(text, 'range');
  return Array.from({ length: count }, () => valueAt(range, random.uniform()));
};
const numbers = (text: string, count?: number) => draws(text, count).map(Number);
const share = (values: readonly number[], isCounted: (value: number) => boolean) =>
  values.filter(isCounted).length / values.length;

suite('a range', () => {
  test('with :log has as many values in each power of ten', () => {
    const values = numbers('1e-4..1e-1:log');
    assert.ok(values.every((value) => value >= 1e-4 && value <= 1e-1));
    for (const low of [1e-4, 1e-3, 1e-2]) {
      const part = share(values, (value) => value >= low && value < 10 * low);
      assert.ok(Math.abs(part - 1 / 3) < 0.05, `${part} from ${low}`);
    }
  });

  test('without it is even, in numbers that people can read', () => {
    const values = numbers('0..0.5');
    assert.ok(Math.abs(share(values, (value) => value < 0.1) - 0.2) < 0.05);
    assert.ok(values.every((value) => String(value).length <= 6));
    // Digits are enough to tell values of a narrow range apart.
    assert.ok(new Set(numbers('0.9990..0.9999')).size > 500);
  });

  test('of whole numbers has both ends as often as what lies between', () => {
    const values = numbers('1..4:int', 4000);
    for (const number of [1, 2, 3, 4]) assert.ok(Math.abs(share(values, (value) => value === number) - 0.25) < 0.04);
    assert.deepEqual(
      [...new Set(numbers('16..64:step=16'))].toSorted((a, b) => a - b),
      [16, 32, 48, 64],
    );
    assert.deepEqual(
      [...new Set(numbers('0.1..0.45:step=0.1'))].toSorted((a, b) => a - b),
      [0.1, 0.2, 0.3, 0.4],
    );
    assert.ok(numbers('8..512:int:log').every((value) => Number.isInteger(value) && value >= 8 && value <= 512));
  });

  test('of choices has values as YAML has them', () => {
    const unique = (text: unknown) => [...new Set(draws(text).map((value) => JSON.stringify(value)))].toSorted();
    assert.deepEqual(unique('0,0.01,0.05'), ['0', '0.01', '0.05']);
    assert.deepEqual(unique('sgd, adamw'), ['"adamw"', '"sgd"']);
    assert.deepEqual(unique('[64],[256, 128]'), ['[256,128]', '[64]']);
    assert.deepEqual(unique(['../a.h5', 'imagenet']), ['"../a.h5"', '"imagenet"']);
    assert.deepEqual(unique('../a.h5,imagenet'), ['"../a.h5"', '"imagenet"']);
    assert.deepEqual(unique([true, false]), ['false', 'true']);
  });

  test('knows its places and how many values it has', () => {
    for (const text of ['1e-4..1e-1:log', '-2..5', '1..9:int', '8..512:int:log', '16..64:step=16']) {
      const range = parseRange(text, 'range') as Interval;
      for (const value of numbers(text, 50)) assert.equal(valueAt(range, placeOf(range, value)), value);
    }
    assert.equal(countOf(parseRange('16..64:step=16', '')), 4);
    assert.equal(countOf(parseRange('1..9:int', '')), 9);
    assert.equal(countOf(parseRange('1..9', '')), Infinity);
    assert.equal(countOf(parseRange('a,b,c', '')), 3);
  });

  for (const [text, expected] of [
    ['1..x', /LOW\.\.HIGH/],
    ['5..1', /lower end first/],
    ['0..1:log', /above 0/],
    ['0..1.5:int', /whole numbers/],
    ['0..1:lgo', /:log/],
    ['0..1:step=2', /a step between/],
    ['0.1..1:log:step=0.1', /either/],
    ['0..1:step=0', /a step between/],
    ['7', /LOW\.\.HIGH/],
    ['', /LOW\.\.HIGH/],
    ['[1', /LOW\.\.HIGH/],
    [7, /LOW\.\.HIGH/],
    [{ from: 1 }, /LOW\.\.HIGH/],
  ] as const) {
    test(`${JSON.stringify(text)} is refused`, () => {
      assert.throws(() => parseRange(text, '--range a.b'), { code: 'RANGE', message: /--range a\.b/, expected });
    });
  }
});
