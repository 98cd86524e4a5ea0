import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import { Random } from '../base/index.ts';
import {
  add,
  concatenate,
  convert,
  gradient,
  mean,
  mul,
  reachableNodes,
  rsqrt,
  square,
  slice,
  sub,
  sum,
  trace,
  type HostTensor,
  type Tensor,
} from '../xla/index.ts';
import { testBackend, skipWithoutTestDevice as skip } from '../../test/backend.ts';
import { evaluate, host } from '../../test/evaluate.ts';
import { batchNorm, type BatchNormSettings } from './batch-norm.ts';
import { applyNetwork } from './scope.ts';

const SHAPE = [4, 3, 5, 2];
const CHANNELS = 2;
const EPSILON = 1e-3;
const MOMENTUM = 0.9;

const random = new Random(1, 'batch norm');
const draw = (shape: readonly number[], low: number, high: number): HostTensor => {
  const count = shape.reduce((product, size) => product * size, 1);
  return host(
    'float32',
    [...shape],
    Array.from({ length: count }, () => random.uniform(low, high)),
  );
};
const x = draw(SHAPE, -1, 3);
const weights = draw(SHAPE, -1, 1);
const variables = {
  gamma: draw([CHANNELS], 0.5, 1.5),
  beta: draw([CHANNELS], -1, 1),
  moving_mean: draw([CHANNELS], -1, 1),
  moving_variance: draw([CHANNELS], 0.5, 2),
};
const NAMES = Object.keys(variables);
const inputs = [x, weights, ...Object.values(variables)];

const apply = (all: readonly Tensor[], training: boolean, settings: BatchNormSettings = {}) => {
  const values = Object.fromEntries(NAMES.map((name, i) => [name, all[2 + i]]));
  const norm = (scope: Parameters<typeof batchNorm>[0], input: Tensor) =>
    batchNorm(scope, input, { momentum: MOMENTUM, epsilon: EPSILON, ...settings });
  return applyNetwork(norm, values, all[0], { training });
};
/** The formula as it stands, for autodiff to go through the statistics. */
const plain = (input: Tensor, gamma: Tensor | undefined, beta: Tensor): Tensor => {
  const axes = [0, 1, 2];
  const centred = sub(input, mean(input, { axes }));
  const normal = mul(centred, rsqrt(add(mean(square(centred), { axes }), EPSILON)));
  return add(gamma === undefined ? normal : mul(normal, gamma), beta);
};

function assertClose(found: readonly number[], expected: readonly number[], tolerance: number, what: string): void {
  assert.equal(found.length, expected.length, what);
  for (const [i, value] of expected.entries()) {
    assert.ok(Math.abs(found[i] - value) <= tolerance * (1 + Math.abs(value)), `${what} ${i}: ${found[i]}, ${value}`);
  }
}

const channel = (c: number) => [...x.data].filter((_, i) => i % CHANNELS === c).map(Number);
const moments = [0, 1].map((c) => {
  const values = channel(c);
  const centre = values.reduce((total, value) => total + value, 0) / values.length;
  return { mean: centre, variance: values.reduce((total, value) => total + (value - centre) ** 2, 0) / values.length };
});
const of = (name: keyof typeof variables, c: number) => Number(variables[name].data[c]);
const normalised = (stats: (c: number) => { mean: number; variance: number }) =>
  [...x.data].map((value, i) => {
    const c = i % CHANNELS;
    const { mean: centre, variance } = stats(c);
    return ((Number(value) - centre) / Math.sqrt(variance + EPSILON)) * of('gamma', c) + of('beta', c);
  });

suite('batch norm', { skip }, () => {
  let backend: Awaited<ReturnType<typeof testBackend>> | undefined;
  after(() => backend?.close());

  test('normalises by the batch in training, by the moving statistics outside it', async () => {
    backend ??= await testBackend();
    const [trained, newMean, newVariance, inferred, rounded] = await evaluate(
      backend,
      (...all) => {
        const { output, updates } = apply(all, true);
        const narrow = apply([convert(all[0], 'bfloat16'), ...all.slice(1)], true);
        assert.equal(narrow.output.dtype, 'bfloat16');
        assert.equal(narrow.updates.moving_mean.dtype, 'float32');
        return [output, updates.moving_mean, updates.moving_variance, apply(all, false).output, narrow.output];
      },
      inputs,
    );
    assertClose(
      trained,
      normalised((c) => moments[c]),
      1e-5,
      'training',
    );
    const moved = (name: keyof typeof variables, now: 'mean' | 'variance') =>
      moments.map((one, c) => MOMENTUM * of(name, c) + (1 - MOMENTUM) * one[now]);
    assertClose(newMean, moved('moving_mean', 'mean'), 1e-6, 'moving mean');
    assertClose(newVariance, moved('moving_variance', 'variance'), 1e-6, 'moving variance');
    assertClose(
      inferred,
      normalised((c) => ({ mean: of('moving_mean', c), variance: of('moving_variance', c) })),
      1e-5,
      'inference',
    );
    assertClose(rounded, trained, 0.02, 'bfloat16');
  });

  test('has the gradients of the plain formula, with and without gamma', async () => {
    backend ??= await testBackend();
    const results = await evaluate(
      backend,
      (...all) => {
        const [input, direction, gamma, beta] = all;
        const loss = (y: Tensor) => sum(mul(square(y), direction));
        const [own, ownBare] = [apply(all, true).output, apply(all, true, { scale: false }).output];
        return [
          ...gradient(loss(own), [input, gamma, beta]),
          ...gradient(loss(ownBare), [input, beta]),
          ...gradient(loss(plain(input, gamma, beta)), [input, gamma, beta]),
          ...gradient(loss(plain(input, undefined, beta)), [input, beta]),
        ];
      },
      inputs,
    );
    const names = ['input', 'gamma', 'beta', 'input without gamma', 'beta without gamma'];
    for (const [i, name] of names.entries()) {
      assert.ok(
        results[i].some((value) => Math.abs(value) > 1e-2),
        `${name} is not 0`,
      );
      assertClose(results[i], results[names.length + i], 2e-5, name);
    }
  });

  test('has the gradients that differences of its values tell', async () => {
    backend ??= await testBackend();
    const step = 1e-2;
    const moves = [0, 7, 31, 64, 119];
    const lossOf = (all: readonly Tensor[], input: Tensor) =>
      sum(mul(square(apply([input, ...all.slice(1)], true).output), all[1]));
    const [slopes, ...losses] = await evaluate(
      backend,
      (...all) => {
        const moved = all.slice(inputs.length).map((shift) => lossOf(all, add(all[0], shift)));
        return [gradient(lossOf(all, all[0]), [all[0]])[0], ...moved];
      },
      [
        ...inputs,
        ...moves.flatMap((at) =>
          [step, -step].map((by) =>
            host(
              'float32',
              SHAPE,
              [...x.data].map((_, i) => (i === at ? by : 0)),
            ),
          ),
        ),
      ],
    );
    for (const [i, at] of moves.entries()) {
      const numeric = (losses[2 * i][0] - losses[2 * i + 1][0]) / (2 * step);
      assert.ok(Math.abs(slopes[at] - numeric) < 5e-3 * (1 + Math.abs(numeric)), `${at}: ${slopes[at]}, ${numeric}`);
    }
  });

  test('what each replica adds by itself is measured with the others where they are measured together', () => {
    const types = [SHAPE, ...NAMES.map(() => [CHANNELS])].map((shape) => ({ shape, dtype: 'float32' }) as const);
    const isMeasured = (kind: 'own' | 'given', syncReplicas: number): boolean => {
      let found = false;
      trace(types, (input, ...values) => {
        const biased = add(input, kind === 'own' ? mean(input, { axes: [0, 1, 2] }) : values[0]);
        const named = Object.fromEntries(NAMES.map((name, i) => [name, values[i]]));
        const { output } = applyNetwork(batchNorm, named, biased, { training: true, syncReplicas });
        found = reachableNodes([output]).includes(biased.node);
        return [output];
      });
      return found;
    };
    assert.deepEqual([isMeasured('own', 2), isMeasured('given', 2), isMeasured('own', 1)], [true, false, false]);
  });

  test('a channel of one value gives no NaN', async () => {
    backend ??= await testBackend();
    const flat = host(
      'float32',
      SHAPE,
      Array.from({ length: 120 }, () => 1000.1),
    );
    const [output, slope] = await evaluate(
      backend,
      (...all) => {
        const y = apply(all, true).output;
        return [y, gradient(sum(mul(y, all[1])), [all[0]])[0]];
      },
      [flat, ...inputs.slice(1)],
    );
    assert.ok([...output, ...slope].every(Number.isFinite));
  });

  test('a bias before it moves the moving mean and has no gradient; parts side by side are measured alone', async () => {
    backend ??= await testBackend();
    const results = await evaluate(
      backend,
      (...all) => {
        const [input, direction, gamma, beta] = all;
        const loss = (y: Tensor) => sum(mul(square(y), direction));
        const biased = apply([add(input, beta), ...all.slice(1)], true);
        const half = (c: number) => slice(input, [0, 0, 0, c], [...SHAPE.slice(0, 3), c + 1]);
        const joined = apply([concatenate([half(0), half(1)], 3), ...all.slice(1)], true);
        const whole = apply(all, true);
        return [
          biased.output,
          joined.output,
          biased.updates.moving_mean,
          joined.updates.moving_variance,
          ...gradient(loss(biased.output), [input]),
          ...gradient(loss(joined.output), [input]),
          ...gradient(loss(biased.output), [beta]),
          whole.output,
          whole.output,
          add(whole.updates.moving_mean, mul(beta, 1 - MOMENTUM)),
          whole.updates.moving_variance,
          ...gradient(loss(plain(input, gamma, beta)), [input]),
          ...gradient(loss(plain(input, gamma, beta)), [input]),
          ...gradient(loss(whole.output), [beta]),
        ];
      },
      inputs,
    );
    for (let i = 0; i < 7; i++) assertClose(results[i], results[i + 7], 2e-5, `result ${i}`);
  });
});
