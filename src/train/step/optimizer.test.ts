import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import type { Backend } from '../../runtime/index.ts';
import type { Tensor } from '../../xla/index.ts';
import { testBackend, skipWithoutTestDevice as skip } from '../../../test/backend.ts';
import { evaluate, literal } from '../../../test/evaluate.ts';
import { clipByGlobalNorm, makeOptimizer, optimizerSchema } from './optimizer.ts';

const VALUE = [1, -2];
/** Gradients of three steps. */
const GRADIENTS = [
  [0.5, 0.25],
  [-1, 0.25],
  [0.1, 0],
];
const RATE = 0.1;

const row = (values: readonly number[]): Tensor => literal('float32', [values.length], values);

suite('an optimiser', { skip }, () => {
  let backend: Backend | undefined;
  after(() => backend?.close());

  /** The variable after each step, as a kernel and as a bias. */
  async function steps(settings: Readonly<Record<string, unknown>>): Promise<{ kernel: number[][]; bias: number[][] }> {
    backend ??= await testBackend();
    const optimizer = makeOptimizer(optimizerSchema.parse(settings));
    const results = await evaluate(backend, () =>
      (['kernel', 'bias'] as const).flatMap((role) => {
        let value = row(VALUE);
        let slots: Readonly<Record<string, Tensor>> = Object.fromEntries(
          optimizer.slots.map((name) => [name, row([0, 0])]),
        );
        return GRADIENTS.map((gradient, i) => {
          const step = literal('float32', [], [i + 1]);
          const learningRate = literal('float32', [], [RATE]);
          ({ value, slots } = optimizer.update({ value, gradient: row(gradient), slots, learningRate, step, role }));
          assert.deepEqual(Object.keys(slots), optimizer.slots);
          return value;
        });
      }),
    );
    return { kernel: results.slice(0, 3), bias: results.slice(3) };
  }

  /** The same by plain arithmetic, an element at a time. */
  function byHand(move: (value: number, gradient: number, i: number) => number): number[][] {
    const values = [...VALUE];
    return GRADIENTS.map((gradient) => gradient.map((slope, i) => (values[i] = move(values[i], slope, i))));
  }

  function assertClose(found: readonly number[][], expected: readonly number[][]): void {
    for (const [step, values] of expected.entries()) {
      for (const [i, value] of values.entries()) {
        assert.ok(Math.abs(found[step][i] - value) < 2e-6, `step ${step + 1}, ${i}: ${found[step][i]}, ${value}`);
      }
    }
  }

  test('SGD', async () => {
    assertClose(
      (await steps({ name: 'sgd' })).kernel,
      byHand((value, slope) => value - RATE * slope),
    );
  });

  test('SGD with momentum and weight decay, which leaves biases alone', async () => {
    const { kernel, bias } = await steps({ name: 'sgd', momentum: 0.9, weightDecay: 0.1 });
    const withDecay = (decay: number) => {
      const moved = [0, 0];
      return byHand((value, slope, i) => value - RATE * (moved[i] = 0.9 * moved[i] + slope + decay * value));
    };
    assertClose(kernel, withDecay(0.1));
    assertClose(bias, withDecay(0));
  });

  test('SGD with Nesterov momentum looks ahead', async () => {
    const moved = [0, 0];
    const { kernel } = await steps({ name: 'sgd', momentum: 0.9, nesterov: true });
    const expected = byHand((value, slope, i) => {
      moved[i] = 0.9 * moved[i] + slope;
      return value - RATE * (slope + 0.9 * moved[i]);
    });
    assertClose(kernel, expected);
    // First step by hand: 1 − 0.1 · 0.5 · 1.9.
    assert.ok(Math.abs(kernel[0][0] - 0.905) < 1e-6);
  });

  const adam = (decay: number, beta1: number, beta2: number, epsilon: number) => {
    const state = VALUE.map(() => ({ mean: 0, variance: 0, step: 0 }));
    return byHand((value, slope, i) => {
      const one = state[i];
      one.step++;
      one.mean = beta1 * one.mean + (1 - beta1) * slope;
      one.variance = beta2 * one.variance + (1 - beta2) * slope * slope;
      const mean = one.mean / (1 - beta1 ** one.step);
      const variance = one.variance / (1 - beta2 ** one.step);
      return value - RATE * (mean / (Math.sqrt(variance) + epsilon) + decay * value);
    });
  };

  test('Adam', async () => {
    const { kernel } = await steps({ name: 'adam' });
    assertClose(kernel, adam(0, 0.9, 0.999, 1e-8));
    assertClose((await steps({ name: 'adam', beta1: 0, beta2: 0.5 })).kernel, adam(0, 0, 0.5, 1e-8));
    // The first step is the learning rate, whatever the gradient's size.
    assert.ok(Math.abs(kernel[0][0] - 0.9) < 1e-5 && Math.abs(kernel[0][1] + 2.1) < 1e-5);
  });

  test('AdamW takes its weight decay beside the gradient, and leaves biases alone', async () => {
    const { kernel, bias } = await steps({ name: 'adamw', weightDecay: 0.2, beta1: 0.8, beta2: 0.9, epsilon: 1e-3 });
    assertClose(kernel, adam(0.2, 0.8, 0.9, 1e-3));
    assertClose(bias, adam(0, 0.8, 0.9, 1e-3));
  });

  test('RMSprop agrees with PyTorch 2.15, plain and centred with momentum', async () => {
    assertClose((await steps({ name: 'rmsprop', epsilon: 1e-7 })).kernel, [
      [0.683772434, -2.316227366],
      [0.969486638, -2.545642889],
      [0.939505379, -2.545642889],
    ]);
    const settings = { name: 'rmsprop', epsilon: 1e-7, momentum: 0.9, centered: true };
    assertClose((await steps(settings)).kernel, [
      [0.666666889, -2.333332889],
      [0.655975696, -2.8882386],
      [0.61615988, -3.38765374],
    ]);
  });

  test('LAMB agrees with Keras 3 without decay and with timm with it', async () => {
    const { kernel, bias } = await steps({ name: 'lamb' });
    assertClose(kernel, [
      [0.841885924, -2.158113718],
      [0.921525121, -2.375644922],
      [0.992717803, -2.620309114],
    ]);
    assertClose((await steps({ name: 'lamb', weightDecay: 0.2 })).kernel, [
      [0.7999998, -2.0999996],
      [0.875245687, -2.311749539],
      [0.914433408, -2.555812507],
    ]);
    assertClose((await steps({ name: 'lamb', weightDecay: 0.2 })).bias, bias);
  });

  test('Lion agrees with Keras 3', async () => {
    assertClose((await steps({ name: 'lion', weightDecay: 0.2 })).kernel, [
      [0.879999995, -2.05999994],
      [0.962400019, -2.11879992],
      [0.843151987, -2.17642379],
    ]);
  });

  test('clipping scales all gradients together to the norm, and leaves smaller ones as they are', async () => {
    backend ??= await testBackend();
    const results = await evaluate(backend, () => {
      const gradients = () => [row([3, 0]), row([0, 4])];
      const none = () => [row([0, 0])];
      return [clipByGlobalNorm(gradients(), 1), clipByGlobalNorm(gradients(), 10), clipByGlobalNorm(none(), 1)].flat();
    });
    const [a, b, c, d, zero] = results;
    assert.ok(Math.abs(a[0] - 0.6) < 1e-6 && Math.abs(b[1] - 0.8) < 1e-6);
    assert.deepEqual(
      [c, d, zero],
      [
        [3, 0],
        [0, 4],
        [0, 0],
      ],
    );
  });
});
