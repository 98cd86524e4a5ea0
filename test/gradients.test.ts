import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { jit, type DeviceArray } from '../src/runtime/index.ts';
import { GRADIENTS } from '../src/xla/gradients.ts';
import type { OpName } from '../src/xla/ir.ts';
import {
  allReduce,
  convert,
  exp,
  gradient,
  max,
  maxPool2d,
  mul,
  parameter,
  relu,
  replicaId,
  sum,
  tanh,
  add,
  type DType,
  type Tensor,
} from '../src/xla/index.ts';
import { cpuBackend, skipWithoutCpuPlugin, skipWithoutTestDevice as skip, testBackend } from './backend.ts';
import { caseLoss, checkGradients, type GradientCase } from './finite-differences.ts';
import { BINARY_CASES, CHOICE_CASES, UNARY_CASES } from './gradient-cases-elementwise.ts';
import { DOT_CASES, MOVE_CASES } from './gradient-cases-structure.ts';
import {
  CONV_CASES,
  POOL_CASES,
  REDUCE_CASES,
  SECOND_ORDER_CONV_CASES,
  WINDOW_CASES,
} from './gradient-cases-window.ts';

/** Cases that share two compiled programs. */
const FAMILIES: Record<string, readonly GradientCase[]> = {
  'functions of one number': UNARY_CASES,
  'functions of two numbers': BINARY_CASES,
  'choices, masks and cuts': CHOICE_CASES,
  'moving elements': MOVE_CASES,
  products: DOT_CASES,
  convolutions: CONV_CASES,
  'convolutions, second order': SECOND_ORDER_CONV_CASES,
  'windows and pooling': [...WINDOW_CASES, ...POOL_CASES],
  reductions: REDUCE_CASES,
};
const CASES = Object.values(FAMILIES).flat();
const NO_RULE = Object.keys(GRADIENTS).filter((op) => GRADIENTS[op as OpName] === 'unsupported');

const backend = skip === false ? await testBackend() : undefined;
after(() => backend?.close());

for (const [name, cases] of Object.entries(FAMILIES)) {
  test(`gradients agree with differences: ${name}`, { skip }, async () => {
    assert.ok(backend);
    await checkGradients(backend, cases);
  });
}

test('ties: max shares equally, pooling takes the first, relu takes nothing at 0', { skip }, async () => {
  assert.ok(backend);
  const image = { shape: [1, 2, 4, 1], dtype: 'float32' } as const;
  const program = await jit(
    backend,
    (x: Tensor) => {
      const slope = (loss: Tensor) => gradient(loss, [x])[0];
      return [slope(max(x)), slope(sum(maxPool2d(x, { window: [2, 2] }))), slope(sum(relu(x)))];
    },
    [image],
  );
  const results = await program(await backend.replicate(Float32Array.of(5, 5, 0, -1, 5, 5, -1, 0), image));
  const [shared, first, atZero] = await Promise.all(results.map(async (result) => [...(await result.toHost())]));
  assert.deepEqual(shared, [0.25, 0.25, 0, 0, 0.25, 0.25, 0, 0]);
  assert.deepEqual(first, [1, 0, 1, 0, 0, 0, 0, 0]);
  assert.deepEqual(atZero, [1, 1, 0, 0, 1, 1, 0, 0]);
});

test(
  'the gradient of an all-reduce is that of the sum of all replicas’ losses',
  { skip: skipWithoutCpuPlugin },
  async () => {
    const pair = await cpuBackend({ replicas: 2 });
    try {
      const type = { shape: [3], dtype: 'float64' } as const;
      const loss = (x: Tensor): Tensor => {
        const weight = convert(add(replicaId(), 1), x.dtype);
        const [total] = allReduce([tanh(mul(x, weight))]);
        return sum(mul(exp(total), mul(x, weight)));
      };
      const values = await jit(pair, loss, [type], { name: 'loss' });
      const slopes = await jit(pair, (x: Tensor) => gradient(loss(x), [x])[0], [type], { name: 'slope' });
      const point = Float64Array.of(0.3, -0.4, 0.9, -0.2, 0.5, 0.1);
      const call = async (program: (x: DeviceArray) => Promise<DeviceArray>, data: Float64Array) =>
        (await pair.gather(await program(await pair.shard(data, { shape: [6], dtype: 'float64' })))) as Float64Array;

      const found = await call(slopes, point);
      const step = 1e-5;
      for (const n of point.keys()) {
        const total = async (by: number) => {
          const [first, second] = await call(values, point.with(n, point[n] + by));
          return first + second;
        };
        const numeric = ((await total(step)) - (await total(-step))) / (2 * step);
        assert.ok(Math.abs(found[n] - numeric) < 1e-7, `input ${n}: gradient ${found[n]}, differences ${numeric}`);
      }
    } finally {
      await pair.close();
    }
  },
);

test('every gradient rule has a case', () => {
  const covered = new Set<string>([...CASES.map(({ op }) => op), ...NO_RULE]);
  const missing = Object.keys(GRADIENTS).filter((op) => !covered.has(op));
  assert.deepEqual(missing, [], `no case for op ${missing.join(', ')}`);
});

test('case names are unique, as they seed the inputs', () => {
  const names = CASES.map(({ op, name }) => `${op}, ${name}`);
  assert.equal(new Set(names).size, names.length);
});

test('a gradient has the shape and dtype of its tensor', () => {
  for (const one of CASES) {
    for (const dtype of ['float32', 'bfloat16'] satisfies DType[]) {
      // 16 bits have no integer type that the case shifts.
      if (one.op === 'bitcast' && dtype === 'bfloat16') continue;
      const inputs = one.shapes.map((shape, i) => parameter(`x${i}`, { shape, dtype }));
      const gradients = gradient(caseLoss(one, inputs), inputs);
      assert.deepEqual(
        gradients.map(({ shape, dtype: found }) => ({ shape, dtype: found })),
        one.shapes.map((shape) => ({ shape, dtype })),
        `${one.op}, ${one.name}`,
      );
    }
  }
});
