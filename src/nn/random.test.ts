import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import { concatenate, full, gradient, mul, randomKey, reshape, sum, type Tensor } from '../xla/index.ts';
import { testBackend, skipWithoutTestDevice as skip } from '../../test/backend.ts';
import { evaluate } from '../../test/evaluate.ts';
import { dropout, dropPath, uniformPerExample } from './random.ts';
import { applyNetwork, type Network } from './scope.ts';

const BATCH = 8;
const REST = [5, 7, 11];
const EACH = 5 * 7 * 11;
const RATE = 0.3;

const u32 = (value: number) => full([], value, 'uint32');
const run = (network: Network, x: Tensor, seed = 1, first = 0): Tensor =>
  applyNetwork(network, {}, x, { training: true, key: randomKey(seed), firstExample: u32(first) }).output;
const dropping: Network = (scope, x) => dropout(scope, x, RATE);
const mean = (values: readonly number[]) => values.reduce((total, value) => total + value, 0) / values.length;

suite('random layers', { skip }, () => {
  let backend: Awaited<ReturnType<typeof testBackend>> | undefined;
  after(() => backend?.close());

  test('draws go by the key and the example, however the batch is split', async () => {
    backend ??= await testBackend();
    const key = () => randomKey(3);
    const [whole, parts, other, odd] = await evaluate(backend, () => [
      uniformPerExample(key(), u32(0), BATCH, REST),
      concatenate([uniformPerExample(key(), u32(0), 3, REST), uniformPerExample(key(), u32(3), 5, REST)], 0),
      uniformPerExample(randomKey(4), u32(0), BATCH, REST),
      uniformPerExample(key(), u32(0), BATCH, []),
    ]);
    assert.deepEqual(parts, whole);
    assert.equal(new Set(whole).size > 0.999 * whole.length, true);
    assert.ok(whole.every((value) => value >= 0 && value < 1));
    assert.ok(Math.abs(mean(whole) - 0.5) < 0.02, `mean ${mean(whole)}`);
    assert.ok(Math.abs(mean(whole.map((value) => (value - 0.5) ** 2)) - 1 / 12) < 0.003);
    assert.notDeepEqual(other, whole);
    assert.equal(new Set(odd).size, BATCH);
  });

  test('dropout drops the share, scales up the rest, and its gradient goes the same way', async () => {
    backend ??= await testBackend();
    const [dropped, again, otherKey, twoLayers, halves, slope] = await evaluate(backend, () => {
      const x = full([BATCH, ...REST], 2, 'float32');
      const half = full([BATCH / 2, ...REST], 2, 'float32');
      const y = run(dropping, x);
      return [
        y,
        run(dropping, x),
        run(dropping, x, 2),
        run((scope, input) => dropout(scope, dropout(scope, input, RATE), RATE), x),
        concatenate([run(dropping, half), run(dropping, half, 1, BATCH / 2)], 0),
        gradient(sum(mul(y, 3)), [x])[0],
      ];
    });
    const kept = 2 / (1 - RATE);
    assert.ok(dropped.every((value) => value === 0 || Math.abs(value - kept) < 1e-5));
    const share = dropped.filter((value) => value === 0).length / dropped.length;
    // Three standard errors of 3,080 draws are 2.5 %.
    assert.ok(Math.abs(share - RATE) < 0.025, `${share} are dropped`);
    assert.deepEqual(again, dropped);
    assert.deepEqual(halves, dropped);
    assert.notDeepEqual(otherKey, dropped);
    const shareOfTwo = twoLayers.filter((value) => value === 0).length / twoLayers.length;
    assert.ok(Math.abs(shareOfTwo - (1 - (1 - RATE) ** 2)) < 0.03, `two layers drop ${shareOfTwo}`);
    for (const [i, value] of slope.entries()) assert.ok(Math.abs(value - (dropped[i] / 2) * 3) < 1e-5);
  });

  test('a rate of 0 changes nothing', async () => {
    backend ??= await testBackend();
    await evaluate(backend, () => {
      const x = full([BATCH, 3], 1, 'float32');
      assert.equal(
        run((scope, input) => dropout(scope, input, 0), x),
        x,
      );
      return [x];
    });
  });

  test('stochastic depth drops whole examples', async () => {
    backend ??= await testBackend();
    const count = 400;
    const [result] = await evaluate(backend, () => {
      const x = full([count, EACH], 1, 'float32');
      return [
        reshape(
          run((scope, input) => dropPath(scope, input, RATE), x),
          [count, EACH],
        ),
      ];
    });
    const rows = Array.from({ length: count }, (_, i) => new Set(result.slice(i * EACH, (i + 1) * EACH)));
    assert.ok(rows.every((values) => values.size === 1));
    const share = rows.filter((values) => values.has(0)).length / count;
    assert.ok(Math.abs(share - RATE) < 0.07, `${share} are dropped`);
  });
});
