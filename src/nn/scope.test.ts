import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { add, full, parameter, trace, type Tensor } from '../xla/index.ts';
import { batchNorm } from './batch-norm.ts';
import { ones, zeros } from './initializer.ts';
import { conv2d, dense, depthwiseConv2d } from './linear.ts';
import { dropout, dropPath } from './random.ts';
import { applyNetwork, declareVariables, isTrainable, type Network } from './scope.ts';

const INPUT = { shape: [2, 8, 8, 3], dtype: 'float32' } as const;

/** Runs inside a trace: tensors can only be made there. */
function tracing(body: (x: Tensor) => void): void {
  trace([INPUT], (x) => {
    body(x);
    return [x];
  });
}

suite('a network', () => {
  test('tells its variables with Keras paths, shapes and roles, in the order of its layers', () => {
    const network: Network = (scope, x) => {
      const y = scope.in('stem', (inner) => {
        const z = inner.in('conv', (conv) => conv2d(conv, x, { filters: 6, kernel: [3, 5], groups: 3 }));
        return inner.in('bn', (bn) => batchNorm(bn, z, { scale: false }));
      });
      const z = scope.in('depthwise', (inner) =>
        depthwiseConv2d(inner, y, { kernel: 3, name: 'depthwise_kernel', bias: false }),
      );
      return scope.in('dense', (inner) => dense(inner, z, { units: 4 }));
    };
    const specs = declareVariables(network, INPUT);
    assert.deepEqual(
      specs.map(({ path, shape, role }) => `${path} [${shape.join(', ')}] ${role}`),
      [
        'stem/conv/kernel [3, 5, 1, 6] kernel',
        'stem/conv/bias [6] bias',
        'stem/bn/beta [6] bias',
        'stem/bn/moving_mean [6] statistic',
        'stem/bn/moving_variance [6] statistic',
        'depthwise/depthwise_kernel [3, 3, 6, 1] kernel',
        'dense/kernel [6, 4] kernel',
        'dense/bias [4] bias',
      ],
    );
    assert.deepEqual(
      specs.filter((spec) => !isTrainable(spec)).map(({ path }) => path),
      ['stem/bn/moving_mean', 'stem/bn/moving_variance'],
    );
  });

  test('gives new statistics in training only', () => {
    const network: Network = (scope, x) => scope.in('bn', (inner) => batchNorm(inner, x));
    tracing((x) => {
      const values = Object.fromEntries(
        ['gamma', 'beta', 'moving_mean', 'moving_variance'].map((name) => [`bn/${name}`, full([3], 1, 'float32')]),
      );
      const trained = applyNetwork(network, values, x, { training: true });
      assert.deepEqual(Object.keys(trained.updates), ['bn/moving_mean', 'bn/moving_variance']);
      assert.deepEqual(applyNetwork(network, values, x, { training: false }).updates, {});
    });
  });

  test('that drops all there is, or more, is refused', () => {
    for (const rate of [1, 50, -0.1, NaN]) {
      const message = `there is no dropping a share of ${rate}`;
      for (const layer of [dropout, dropPath]) {
        assert.throws(() => declareVariables((scope, x) => layer(scope, x, rate), INPUT), { code: 'NETWORK', message });
      }
    }
  });

  test('with two variables of one name is refused', () => {
    const twice: Network = (scope, x) => {
      scope.variable('kernel', [3], 'kernel', ones);
      return add(x, scope.variable('kernel', [3], 'kernel', zeros));
    };
    assert.throws(() => declareVariables(twice, INPUT), {
      code: 'NETWORK',
      message: 'two variables are called kernel',
    });
  });

  test('without a value for a variable, or with one of another shape, is refused', () => {
    const network: Network = (scope, x) =>
      scope.in('layer', (inner) => add(x, inner.variable('bias', [3], 'bias', zeros)));
    tracing((x) => {
      assert.throws(() => applyNetwork(network, {}, x, { training: false }), {
        code: 'NETWORK',
        message: 'variable layer/bias has no value',
      });
      const wrong = { 'layer/bias': parameter('p', { shape: [4], dtype: 'float32' }) };
      assert.throws(() => applyNetwork(network, wrong, x, { training: false }), {
        code: 'NETWORK',
        message: 'variable layer/bias is [4], the model has [3]',
      });
    });
  });

  test('that draws random numbers without a key is refused, in training only', () => {
    const network: Network = (scope, x) => scope.in('drop', (inner) => dropout(inner, x, 0.5));
    tracing((x) => {
      assert.throws(() => applyNetwork(network, {}, x, { training: true }), {
        code: 'NETWORK',
        message: /^drop draws random numbers/,
      });
      assert.equal(applyNetwork(network, {}, x, { training: false }).output, x);
    });
  });
});
