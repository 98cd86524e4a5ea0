import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import { cpuBackend, skipWithoutCpuPlugin as skip } from '../../../test/backend.ts';
import { add, broadcastTo, conv2d, mul, rsqrt, sum, type Tensor } from '../../xla/index.ts';
import type { Backend } from '../backend.ts';
import type { DeviceArray } from '../device-array.ts';
import { InferenceProgram } from './inference-program.ts';
import { jit } from '../jit.ts';

const opened = skip === false ? await cpuBackend() : undefined;
after(() => opened?.close());
function backend(): Backend {
  assert.ok(opened);
  return opened;
}

const KERNEL = { shape: [3, 3, 2, 4], dtype: 'float32' } as const;
const VECTOR = { shape: [4], dtype: 'float32' } as const;
const TOTAL = { shape: [], dtype: 'float32' } as const;
const types = { kernel: KERNEL, variance: VECTOR, bias: VECTOR };
const imagesOf = (batch: number) => ({ shape: [batch, 6, 6, 2], dtype: 'float32' }) as const;

/** A convolution with batch norm, and the sum of all that was seen. */
function layer(total: Tensor, { kernel, variance, bias }: { [K in keyof typeof types]: Tensor }, images: Tensor) {
  const y = conv2d(images, kernel);
  const normalised = add(mul(y, broadcastTo(rsqrt(variance), y.shape)), broadcastTo(bias, y.shape));
  const sums = sum(normalised, { axes: [1, 2] });
  return { sums, total: add(total, sum(sums)) };
}

const compile = async (batch: number, fast = true) =>
  jit(backend(), layer, [TOTAL, types, imagesOf(batch)], {
    name: 'layer',
    donate: [0],
    forInference: fast ? { weights: 1 } : undefined,
  });

const numbers = (count: number, seed: number) =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(i * 7 + seed) + 1.5);

async function weightsOf(seed: number) {
  return {
    kernel: await backend().replicate(numbers(72, seed), KERNEL),
    variance: await backend().replicate(numbers(4, seed + 1), VECTOR),
    bias: await backend().replicate(numbers(4, seed + 2), VECTOR),
  };
}

const pixels = async (batch: number) => backend().replicate(numbers(batch * 72, 9), imagesOf(batch));
const zero = async () => backend().replicate(Float32Array.of(0), TOTAL);
const free = (arrays: Readonly<Record<string, DeviceArray>> | readonly DeviceArray[]) =>
  Object.values(arrays).forEach((array) => array.dispose());

type Run = Awaited<ReturnType<typeof compile>>;

async function sumsBy(run: Run, weights: Awaited<ReturnType<typeof weightsOf>>, images: DeviceArray) {
  const result = await run(await zero(), weights, images);
  const [sums, total] = [await result.sums.toHost(), await result.total.toHost()];
  free(result);
  return [...sums, ...total].map(Number);
}

function assertClose(actual: readonly number[], expected: readonly number[]): void {
  const scale = Math.max(...expected.map(Math.abs));
  for (const [i, value] of expected.entries()) assert.ok(Math.abs(value - actual[i]) <= 1e-5 * scale, `${i}`);
}

suite('programs in two parts', { skip }, () => {
  test('weights may change between calls, come back, and be used by two calls at once', async () => {
    const [plain, fast] = [await compile(2, false), await compile(2)];
    assert.ok(fast.program instanceof InferenceProgram);
    const images = await pixels(2);
    const [first, second] = [await weightsOf(1), await weightsOf(2)];
    const expected = [await sumsBy(plain, first, images), await sumsBy(plain, second, images)];
    assert.notDeepEqual(expected[0], expected[1]);
    for (const [i, weights] of [first, first, second, first].entries()) {
      assertClose(await sumsBy(fast, weights, images), expected[i === 2 ? 1 : 0]);
    }
    const both = await Promise.all([first, second, first].map((weights) => sumsBy(fast, weights, images)));
    for (const [i, sums] of both.entries()) assertClose(sums, expected[i % 2]);
    // One array of a set is another one.
    const mixed = { ...first, variance: second.variance };
    assertClose(await sumsBy(fast, mixed, images), await sumsBy(plain, mixed, images));
    for (const arrays of [first, second, [images]]) free(arrays);
    for (const run of [plain, fast]) run.dispose();
  });

  test('what was made of weights goes with them, and with the last program that reads it', async () => {
    const { client } = backend();
    const before = client.liveBufferCount;
    const weights = await weightsOf(3);
    const images = [await pixels(2), await pixels(4)];
    const [small, large] = [await compile(2), await compile(4)];
    const given = client.liveBufferCount;
    await sumsBy(small, weights, images[0]);
    const made = client.liveBufferCount - given;
    assert.ok(made > 0);
    await sumsBy(large, weights, images[1]);
    assert.equal(client.liveBufferCount - given, made, 'batches of two sizes share it');
    small.dispose();
    assert.equal(client.liveBufferCount - given, made);
    await sumsBy(large, weights, images[1]);

    const step = await jit(backend(), (kernel: Tensor) => mul(kernel, 2), [KERNEL], { donate: [0] });
    const kernel = await step(weights.kernel);
    await new Promise(setImmediate);
    assert.equal(client.liveBufferCount - given, 0, 'a step that takes the weights over frees it');
    const next = { ...weights, kernel };
    const plain = await compile(4, false);
    assertClose(await sumsBy(large, next, images[1]), await sumsBy(plain, next, images[1]));
    large.dispose();
    await new Promise(setImmediate);
    assert.equal(client.liveBufferCount - given, 0, 'so does the end of the last program');
    for (const arrays of [next, images]) free(arrays);
    for (const run of [step, plain]) run.dispose();
    assert.equal(client.liveBufferCount, before);
  });

  test('a program that is disposed of twice leaves what it shares with another', async () => {
    const [first, second] = [await compile(2), await compile(2)];
    const [weights, images] = [await weightsOf(6), await pixels(2)];
    const expected = await sumsBy(first, weights, images);
    first.dispose();
    first.dispose();
    await new Promise(setImmediate);
    assertClose(await sumsBy(second, weights, images), expected);
    second.dispose();
    for (const arrays of [weights, [images]]) free(arrays);
  });

  test('an array that is missing, wrong or disposed of is named, and the next call works', async () => {
    const fast = await compile(2);
    const images = await pixels(2);
    const weights = await weightsOf(4);
    const expected = await sumsBy(fast, weights, images);
    const call = fast as unknown as (...args: unknown[]) => Promise<unknown>;
    await assert.rejects(call(await zero(), { ...weights, variance: weights.kernel }, images), {
      code: 'ARGUMENTS',
      message: 'argument 1/variance is float32[3,3,2,4], the program takes float32[4]',
    });
    const gone = await weightsOf(5);
    gone.kernel.dispose();
    await assert.rejects(call(await zero(), gone, images), { code: 'DISPOSED' });
    await assert.rejects(call(await zero(), weights, weights.bias), { code: 'ARGUMENTS' });
    assertClose(await sumsBy(fast, weights, images), expected);
    for (const arrays of [weights, [images]]) free(arrays);
    fast.dispose();
  });
});
