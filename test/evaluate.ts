import assert from 'node:assert/strict';
import type { Random } from '../src/base/index.ts';
import { compile, type Backend } from '../src/runtime/index.ts';
import {
  constant,
  elementCount,
  fromBfloat16Bits,
  fromFloat16Bits,
  hostArray,
  toBfloat16Bits,
  toFloat16Bits,
  trace,
  type DType,
  type Graph,
  type HostArray,
  type HostTensor,
  type Shape,
  type Tensor,
} from '../src/xla/index.ts';

/** A host tensor of numbers; 16-bit floats are rounded to theirs. */
export function host(dtype: DType, shape: Shape, values: Iterable<number>): HostTensor {
  const list = [...values];
  const data = hostArray(dtype, list.length);
  for (const [i, value] of list.entries()) {
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[i] = BigInt(value);
    else if (dtype === 'bfloat16') data[i] = toBfloat16Bits(value);
    else if (dtype === 'float16') data[i] = toFloat16Bits(value);
    else data[i] = value;
  }
  return { dtype, shape, data };
}

/** A constant of the program with these numbers. */
export function literal(dtype: DType, shape: Shape, values: Iterable<number>): Tensor {
  return constant(host(dtype, shape, values).data, shape, dtype);
}

/** A host array as plain numbers. */
export function numbers(data: HostArray, dtype: DType): number[] {
  if (dtype === 'bfloat16') return Array.from(data as Uint16Array, fromBfloat16Bits);
  if (dtype === 'float16') return Array.from(data as Uint16Array, fromFloat16Bits);
  return Array.from(data, Number);
}

/** Numbers from -1 to 1 for a program's parameters, the same each time. */
export function drawInputs(graph: Graph, random: Random): HostTensor[] {
  return graph.parameters.map(({ dtype, shape }) =>
    host(
      dtype,
      shape,
      Array.from({ length: elementCount(shape) }, () => random.uniform(-1, 1)),
    ),
  );
}

/** Runs a function of tensors once; gives the numbers of each result. */
export async function evaluate(
  backend: Backend,
  body: (...inputs: Tensor[]) => readonly Tensor[],
  inputs: readonly HostTensor[] = [],
): Promise<number[][]> {
  return evaluateGraph(backend, trace(inputs, body), inputs);
}

/** Runs a traced program once; gives the numbers of each result. */
export async function evaluateGraph(
  backend: Backend,
  graph: Graph,
  inputs: readonly HostTensor[],
): Promise<number[][]> {
  const program = await compile(backend, graph, { name: 'evaluate' });
  const args = await Promise.all(inputs.map((input) => backend.replicate(input.data, input)));
  const results = await program.run(args);
  const values = await Promise.all(results.map(async (result) => numbers(await result.toHost(), result.dtype)));
  for (const array of [...args, ...results]) array.dispose();
  program.dispose();
  return values;
}

/** Fails where two programs give different numbers, on the same inputs, or where the first gives none above 1. */
export async function assertSameNumbers(backend: Backend, plain: Graph, other: Graph, random: Random): Promise<void> {
  const inputs = drawInputs(plain, random);
  const [expected] = await evaluateGraph(backend, plain, inputs);
  const [found] = await evaluateGraph(backend, other, inputs);
  assert.ok(expected.some((value) => value > 1));
  for (const [i, value] of expected.entries()) {
    assert.ok(Math.abs(found[i] - value) < 1e-11 * (1 + Math.abs(value)), `element ${i}: ${found[i]}, plain ${value}`);
  }
}

/** Fails where a number is further than `tolerance` (relative, absolute below 1) from what it should be. */
export function assertClose(
  found: readonly number[],
  expected: readonly number[],
  what: string,
  tolerance = 1e-12,
): void {
  assert.equal(found.length, expected.length, what);
  for (const [i, value] of expected.entries()) {
    const close = Object.is(found[i], value) || Math.abs(found[i] - value) <= tolerance * (1 + Math.abs(value));
    assert.ok(close, `${what}, element ${i}: ${found[i]}, expected ${value}`);
  }
}

/** Runs all functions in one program and compares each with what is known. */
export async function assertResults(
  backend: Backend,
  cases: readonly (readonly [name: string, body: () => Tensor, expected: readonly number[]])[],
  tolerance = 0,
): Promise<void> {
  const results = await evaluate(backend, () => cases.map(([, body]) => body()));
  for (const [i, [name, , expected]] of cases.entries()) assertClose(results[i], expected, name, tolerance);
}
