import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Random } from '../src/base/index.ts';
import { Program, type Backend, type DeviceArray } from '../src/runtime/index.ts';
import { emit } from '../src/xla/emit.ts';
import {
  add,
  convert,
  div,
  elementCount,
  exp,
  expm1,
  gradient,
  inOneKernel,
  less,
  lowerToStableHlo,
  maxPool2d,
  mul,
  neg,
  relu,
  reshape,
  scalar,
  square,
  sub,
  sum,
  trace,
  vjp,
  whileLoop,
  type DType,
  type Graph,
  type HostTensor,
  type Platform,
  type Shape,
  type Tensor,
} from '../src/xla/index.ts';
import type { OpName, WindowParams } from '../src/xla/ir.ts';
import { CPU_REWRITES } from '../src/xla/lower/cpu.ts';
import { CPU_ONEDNN_REWRITES } from '../src/xla/lower/cpu-onednn.ts';
import { FORWARD_REDUCTIONS } from '../src/xla/lower/cpu-reduce.ts';
import { rewrite, type RewriteTable } from '../src/xla/lower/rewrite.ts';
import { TPU_REWRITES } from '../src/xla/lower/tpu.ts';
import { cpuBackend, skipWithoutCpuPlugin as skip } from './backend.ts';
import { host, numbers } from './evaluate.ts';
import { caseLoss, type GradientCase } from './finite-differences.ts';
import { BINARY_CASES, CHOICE_CASES, UNARY_CASES } from './gradient-cases-elementwise.ts';
import { DOT_CASES, MOVE_CASES } from './gradient-cases-structure.ts';
import { CONV_CASES, POOL_CASES, REDUCE_CASES, WINDOW_CASES } from './gradient-cases-window.ts';

/** Convolutions and pooling as large as a rule may ask for, before it applies. */
const LAYERS: readonly GradientCase[] = [
  layer('1×1', [2, 6, 6, 32], [1, 1, 32, 24], [1, 1], 1),
  layer('1×1, stride 2', [2, 7, 7, 32], [1, 1, 32, 24], [2, 2], 1),
  layer('3×3', [2, 8, 8, 16], [3, 3, 16, 16], [1, 1], 1),
  layer('3×3, stride 2', [2, 9, 9, 16], [3, 3, 16, 16], [2, 2], 1),
  layer('3×3, of a middling map', [2, 9, 9, 16], [3, 3, 16, 8], [1, 1], 1),
  layer('3×3, of three large maps', [3, 11, 12, 16], [3, 3, 16, 8], [1, 1], 1),
  layer('3×3, of a large map', [2, 11, 12, 16], [3, 3, 16, 8], [1, 1], 1),
  layer('3×3, of many channels to few', [2, 11, 12, 64], [3, 3, 64, 8], [1, 1], 1),
  layer('2×3, of many channels to few', [1, 12, 11, 64], [2, 3, 64, 8], [1, 1], 1),
  layer('3×3, of many channels', [1, 8, 6, 80], [3, 3, 80, 72], [1, 1], 1),
  layer('3×3, of many channels, on an odd map', [2, 7, 5, 72], [3, 3, 72, 96], [1, 1], 1),
  layer('3×3, of many channels, on many maps', [13, 14, 14, 72], [3, 3, 72, 72], [1, 1], 1),
  layer('3×3, stride 2, of a large map', [2, 21, 20, 16], [3, 3, 16, 8], [2, 2], 1),
  layer('3×3, of an image', [2, 11, 12, 3], [3, 3, 3, 8], [1, 1], 1),
  layer('7×7, stride 2, of an image', [1, 20, 20, 3], [7, 7, 3, 8], [2, 2], 1),
  layer('depthwise 3×3', [2, 9, 9, 32], [3, 3, 1, 32], [1, 1], 32),
  layer('depthwise 3×3, stride 2', [2, 9, 9, 32], [3, 3, 1, 32], [2, 2], 32),
  layer('depthwise 5×5', [2, 8, 8, 24], [5, 5, 1, 24], [1, 1], 24),
  layer('depthwise 5×5, stride 2', [2, 8, 8, 24], [5, 5, 1, 24], [2, 2], 24),
  layer('depthwise 7×7, on less than its size', [2, 5, 6, 8], [7, 7, 1, 8], [1, 1], 8),
  layer('depthwise 3×3, rows too long for one step', [1, 3, 500, 81], [3, 3, 1, 81], [1, 1], 81),
  layer('depthwise 2×3, strides 1 and 2', [1, 6, 7, 8], [2, 3, 1, 8], [1, 2], 8),
  layer('depthwise with two outputs a channel', [2, 6, 6, 16], [3, 3, 1, 32], [1, 1], 16),
  // The pixels are scaled on the way, as a network's first layer has it.
  layer('3×3, stride 2, of pixels', [2, 9, 9, 3], [3, 3, 3, 8], [2, 2], 1, (a) => mul(sub(a, 0.5), 2)),
  layer('four groups', [2, 6, 6, 16], [3, 3, 4, 16], [1, 1], 4),
  pool('max pooling 3×3, stride 2', (a) => a),
  // Half of the numbers are 0 then: the first of equal ones takes the gradient.
  pool('max pooling of equal numbers', relu),
];

/** Sums over all axes but the last, of as many numbers as a rule may ask for. */
const SUMS: readonly GradientCase[] = [
  sums('few numbers', [4, 16, 8, 16], (a) => a),
  sums('few products', [4, 16, 8, 16], (a, mean) => mul(exp(a), sub(a, mean))),
  sums('few squares', [512, 9], (a, mean) => square(sub(a, mean))),
  sums('many numbers', [40, 16, 32, 31], (a) => a),
  sums('many products', [20, 16, 32, 31], (a, mean) => mul(exp(a), sub(a, mean))),
  sums('many squares', [20, 16, 32, 31], (a, mean) => square(sub(a, mean))),
  // What is taken away is no mean of channels.
  sums('many other products', [20, 16, 31, 31], (a, row) => mul(a, sub(a, reshape(row, [31, 1])))),
];

function sums(name: string, shape: Shape, of: (a: Tensor, b: Tensor) => Tensor): GradientCase {
  const axes = shape.slice(0, -1).map((_, axis) => axis);
  const f = (a: Tensor, b: Tensor): Tensor => sum(of(a, b), { axes });
  return { op: 'reduce', name, shapes: [shape, shape.slice(-1)], f };
}

function pool(name: string, before: (x: Tensor) => Tensor): GradientCase {
  const f = (a: Tensor) => maxPool2d(before(a), { window: [3, 3], strides: [2, 2], padding: [[1, 1], [1, 1]] }); // prettier-ignore
  return { op: 'windowMax', name, shapes: [[2, 12, 12, 8]], f };
}

function layer(
  name: string,
  input: Shape,
  kernel: Shape,
  strides: readonly [number, number],
  groups: number,
  before = (x: Tensor): Tensor => x,
): GradientCase {
  const padding = [0, 1].map((axis) => {
    const total = kernel[axis] - 1;
    return [Math.floor(total / 2), Math.ceil(total / 2)] as const;
  });
  const params = { strides, padding, dilation: [1, 1], groups };
  return { op: 'conv', name, shapes: [input, kernel], f: (a, b) => emit('conv', params, [before(a), b]) };
}

const CASES = [
  ...LAYERS,
  ...SUMS,
  ...UNARY_CASES,
  ...BINARY_CASES,
  ...CHOICE_CASES,
  ...MOVE_CASES,
  ...DOT_CASES,
  // Their gradients are the other two ops of the family.
  ...CONV_CASES.filter(({ op }) => op === 'conv'),
  ...WINDOW_CASES,
  ...POOL_CASES,
  ...REDUCE_CASES,
];

const typesOf = ({ shapes }: GradientCase) => shapes.map((shape) => ({ shape, dtype: 'float64' }) as const);

/** A case's value and its gradients. */
function outputsOf(one: GradientCase, inputs: readonly Tensor[]): Tensor[] {
  return [one.f(...inputs), ...gradient(caseLoss(one, inputs), inputs)];
}

const changedBy = (one: GradientCase, rules: RewriteTable): boolean => {
  const graph = trace(typesOf(one), (...inputs) => outputsOf(one, inputs));
  return rewrite(graph, rules) !== graph;
};

/** Tables of rules, with the cases that they change. */
const TABLES = (
  [
    ['cpu', CPU_REWRITES],
    ['cpu-onednn', CPU_ONEDNN_REWRITES],
    // Its other rules are those for `cpu`.
    ['cpu-few', FORWARD_REDUCTIONS],
    ['tpu', TPU_REWRITES],
  ] as const
).map(([platform, rules]) => ({ platform, rules, cases: CASES.filter((one) => changedBy(one, rules)) }));

for (const { platform, rules, cases } of TABLES) {
  test(`every rewrite rule for ${platform} has a case that it applies to`, () => {
    const idle = (Object.keys(rules) as OpName[]).filter(
      (op) => !cases.some((one) => changedBy(one, { [op]: rules[op] })),
    );
    assert.deepEqual(idle, [], `no case for the rewrite of ${idle.join(', ')}`);
  });
}

const backend = skip === false ? await cpuBackend() : undefined;
after(() => backend?.close());

/** Cases that share a program: compiling one large program takes less time than many small ones. */
const CASES_PER_PROGRAM = 15;

test('a program whose loops read rewritten tensors gives the same numbers', { skip }, async () => {
  assert.ok(backend);
  const type = { shape: [2], dtype: 'float64' } as const;
  const graph = trace([type], (a) => {
    const factor = exp(a);
    return whileLoop(
      [scalar(0, 'int32'), a],
      (i, value) => less(add(i, convert(sum(mul(value, 0)), 'int32')), 3),
      (i, value) => {
        const [, inner] = whileLoop(
          [scalar(0, 'int32'), value],
          (j) => less(j, i),
          (j, x) => [add(j, 1), add(mul(x, factor), exp(neg(value)))],
        );
        return [add(i, 1), inner];
      },
    );
  });
  // e^x as 1 / e^−x.
  const other = rewrite(graph, { exp: (_params, [x]) => [div(1, add(expm1(neg(x)), 1))] });
  assert.notEqual(other, graph);
  const input = host('float64', [2], [0.3, -0.4]);
  const args = [await backend.replicate(input.data, input)];
  const [, plain] = await runText(backend, graph, lowerToStableHlo(graph), args);
  const [, rewritten] = await runText(backend, graph, lowerToStableHlo(other), args);
  assert.ok(
    plain.every((value, i) => Math.abs(value - rewritten[i]) < 1e-12),
    `${plain.join()} and ${rewritten.join()}`,
  );
});

test('what is done in one kernel on CPUs gives the same numbers, in a loop too', { skip }, async () => {
  assert.ok(backend);
  const type = { shape: [3], dtype: 'float64' } as const;
  const graph = trace([type, type], (a, b) => {
    const both = () => inOneKernel(() => [exp(mul(a, b)), add(sum(a), b), convert(sum(b), 'float32')]);
    const [product, , total] = both();
    const [, looped] = whileLoop(
      [scalar(0, 'int32'), a],
      (i) => less(i, 3),
      (i, x) => [add(i, 1), inOneKernel(() => [add(mul(x, 0.5), mul(b, product))])[0]],
    );
    return [product, total, looped];
  });
  const inputs = [host('float64', [3], [0.3, -0.4, 2]), host('float64', [3], [1, 0.5, -1])];
  const args = await Promise.all(inputs.map((input) => backend.replicate(input.data, input)));
  const plain = await runText(backend, graph, lowerToStableHlo(graph), args);
  const inOne = await runText(backend, graph, lowerToStableHlo(graph, { platform: 'cpu' }), args);
  for (const [i, values] of plain.entries()) {
    assert.ok(
      [...values].every((value, k) => Math.abs(value - inOne[i][k]) < 1e-12),
      `${[...values].join()} and ${[...inOne[i]].join()}`,
    );
  }
});

for (const { platform, cases } of TABLES) {
  test(`programs lowered for ${platform} give the same numbers as the plain ones`, { skip }, async () => {
    assert.ok(backend);
    for (let start = 0; start < cases.length; start += CASES_PER_PROGRAM) {
      await compareLowerings(backend, platform, cases.slice(start, start + CASES_PER_PROGRAM));
    }
  });
}

/** Sums of so many numbers that 16 bits lose count of them. */
const LONG_SUMS: readonly GradientCase[] = [
  layer('depthwise 3×3, of many rows', [16, 24, 24, 8], [3, 3, 1, 8], [1, 1], 8),
  layer('3×3, of many maps', [64, 10, 10, 16], [3, 3, 16, 16], [1, 1], 1),
  layer('3×3, of many maps of many channels to few', [64, 10, 10, 64], [3, 3, 64, 8], [1, 1], 1),
  layer('3×3, of many images', [64, 10, 10, 3], [3, 3, 3, 8], [1, 1], 1),
];

test(
  'max pooling on CPUs gives its gradient to the first of equal places, to none of the border',
  { skip },
  async () => {
    assert.ok(backend);
    const slopesOf = async (dtype: DType, shape: Shape, params: WindowParams, values: readonly number[]) => {
      const graph = trace([{ shape, dtype }], (a) => gradient(sum(emit('windowMax', params, [a])), [a]));
      const input = host(dtype, shape, values);
      const text = lowerToStableHlo(graph, { platform: 'cpu' });
      return (await runText(backend, graph, text, [await backend.replicate(input.data, input)]))[0];
    };
    const apart: WindowParams = { window: [2, 2], strides: [2, 2], padding: [[0, 0], [0, 1]] }; // prettier-ignore
    assert.deepEqual(await slopesOf('float32', [2, 3], apart, [0, 5, 5, 5, 5, 5]), [0, 1, 1, 0, 0, 0]);
    const bordered: WindowParams = { window: [3], strides: [2], padding: [[1, 1]] };
    for (const dtype of ['float32', 'float64', 'bfloat16', 'float16'] as const)
      assert.deepEqual(await slopesOf(dtype, [3], bordered, Array(3).fill(-Infinity)), [1, 1, 0]);
  },
);

test('layers of no images are compiled as of many', { skip }, async () => {
  assert.ok(backend);
  const cases = LAYERS.filter(({ name }) => !name.includes('of many'));
  const empty = cases.map((one): GradientCase => ({ ...one, shapes: [[0, ...one.shapes[0].slice(1)], ...one.shapes.slice(1)] })); // prettier-ignore
  const graph = trace(empty.flatMap(typesOf), (...inputs) => {
    let next = 0;
    return empty.flatMap((one) => outputsOf(one, inputs.slice(next, (next += one.shapes.length))));
  });
  const args = await Promise.all(empty.flatMap(inputsOf).map((input) => backend.replicate(input.data, input)));
  const found = await runText(backend, graph, lowerToStableHlo(graph, { platform: 'cpu' }), args);
  assert.ok(found.flat().every((value) => value === 0));
});

for (const [dtype, cases] of [
  ['bfloat16', [...LAYERS, ...LONG_SUMS]],
  ['float16', LONG_SUMS],
] as const) {
  test(`forms for CPUs add up as well as the plain ops in ${dtype}`, { skip }, async () => {
    assert.ok(backend);
    const exact = await layerOutputs(backend, cases, 'float64');
    const plain = await layerOutputs(backend, cases, dtype);
    const fast = await layerOutputs(backend, cases, dtype, 'cpu');
    for (const [i, { name, values }] of exact.entries()) {
      const most = 2 * relativeError(plain[i].values, values);
      const found = relativeError(fast[i].values, values);
      assert.ok(found <= most, `${name}: error ${found}, wanted at most ${most}`);
    }
  });
}

/** The values and the gradients of layers, on numbers that fit into 16 bits, none of them below 0, so that sums only grow. */
async function layerOutputs(
  on: Backend,
  cases: readonly GradientCase[],
  dtype: DType,
  platform?: Platform,
): Promise<{ name: string; values: number[] }[]> {
  const shapes = cases.map((one) => [...one.shapes, trace(typesOf(one), (...own) => [one.f(...own)]).outputs[0].shape]);
  const names: string[] = [];
  const types = shapes.flat().map((shape) => ({ shape, dtype }));
  const graph = trace(types, (...inputs) => {
    let next = 0;
    return cases.flatMap((one) => {
      const own = inputs.slice(next, (next += one.shapes.length));
      const output = one.f(...own);
      const all = [output, ...vjp([output], [inputs[next++]], own)];
      names.push(...all.map((_, i) => `${one.name}, output ${i}`));
      return all;
    });
  });
  const random = new Random(6);
  const args = await Promise.all(
    types.map((type) => {
      const drawn = Array.from({ length: elementCount(type.shape) }, () => random.integer(129) / 128);
      return on.replicate(host(dtype, type.shape, drawn).data, type);
    }),
  );
  const results = await runText(on, graph, lowerToStableHlo(graph, { platform }), args);
  for (const arg of args) arg.dispose();
  return results.map((values, i) => ({ name: names[i], values }));
}

function relativeError(found: readonly number[], truth: readonly number[]): number {
  const squares = truth.reduce((total, value) => total + value ** 2, 0);
  return Math.sqrt(truth.reduce((total, value, i) => total + (found[i] - value) ** 2, 0) / squares);
}

/** Both forms on the CPU: another platform's is as good a program there, if slower. */
async function compareLowerings(on: Backend, platform: Platform, cases: readonly GradientCase[]): Promise<void> {
  const names: string[] = [];
  const graph = trace(cases.flatMap(typesOf), (...inputs) => {
    let next = 0;
    return cases.flatMap((one) => {
      const outputs = outputsOf(one, inputs.slice(next, (next += one.shapes.length)));
      names.push(...outputs.map((_, i) => `${one.op}, ${one.name}, output ${i}`));
      return outputs;
    });
  });
  const args = await Promise.all(cases.flatMap(inputsOf).map((input) => on.replicate(input.data, input)));
  const run = (form?: Platform) => runText(on, graph, lowerToStableHlo(graph, { platform: form }), args);
  const [plain, fast] = await Promise.all([run(), run(platform)]);
  for (const arg of args) arg.dispose();
  for (const [output, values] of plain.entries()) {
    for (const [i, value] of values.entries()) {
      const close = Math.abs(fast[output][i] - value) <= 1e-11 * (1 + Math.abs(value));
      assert.ok(close, `${names[output]}, element ${i}: ${fast[output][i]}, plain ${value}`);
    }
  }
}

/** Compiles a graph's text without the cache and runs it once. */
async function runText(on: Backend, graph: Graph, text: string, args: readonly DeviceArray[]): Promise<number[][]> {
  const options = { replicas: 1, deviceIds: on.devices.map(({ id }) => id) };
  const program = new Program(graph, await on.client.compile(text, options), [], { seconds: 0, fromCache: false });
  const outputs = await program.run(args);
  const values = await Promise.all(outputs.map(async (output) => numbers(await output.toHost(), output.dtype)));
  for (const output of outputs) output.dispose();
  program.dispose();
  return values;
}

function inputsOf({ op, name, shapes, range = [-1.5, 1.5], values }: GradientCase): HostTensor[] {
  const random = new Random(5, op, name);
  return shapes.map((shape, i) => {
    const drawn = Array.from({ length: elementCount(shape) }, () => random.uniform(...range));
    return host('float64', shape, values?.[i] ?? drawn);
  });
}
