import assert from 'node:assert/strict';
import { Random } from '../src/base/index.ts';
import { jit, type Backend } from '../src/runtime/index.ts';
import {
  concatenate,
  constant,
  convert,
  elementCount,
  gradient,
  mul,
  reshape,
  sliceAxis,
  sum,
  type Shape,
  type Tensor,
} from '../src/xla/index.ts';
import { reachableNodes } from '../src/xla/graph.ts';
import type { OpName } from '../src/xla/ir.ts';

/** A function whose gradient is compared with differences of its values. */
export interface GradientCase {
  /** The op whose rule is tested: it must be a node of the traced function. */
  readonly op: OpName;
  readonly name: string;
  readonly shapes: readonly Shape[];
  readonly f: (...inputs: Tensor[]) => Tensor;
  /** Where the inputs lie; −1.5 to 1.5 by default. */
  readonly range?: readonly [low: number, high: number];
  /** The inputs, for a point where the function has a corner. */
  readonly values?: readonly (readonly number[])[];
  /** The function that the differences are taken of, where the gradient is meant to be another one than `f`'s. */
  readonly truth?: (...inputs: Tensor[]) => Tensor;
}

const STEP = 1e-5;
const TOLERANCE = 1e-6;
/** Inputs of a case that are moved on their own. */
const PROBES = 40;
const DTYPE = 'float64';

/** Builds a case's loss on inputs of a dtype: its function's value, weighted so that every element counts differently. */
export function caseLoss({ name, f }: Pick<GradientCase, 'name' | 'f'>, inputs: readonly Tensor[]): Tensor {
  const y = f(...inputs);
  const random = new Random(2, name);
  const weights = Float64Array.from({ length: elementCount(y.shape) }, () => random.uniform(0.3, 1.7));
  return sum(mul(y, convert(constant(weights, y.shape, DTYPE), y.dtype)));
}

/** Whether a case's function holds the op that the case is about. */
export function holdsOp(loss: Tensor, op: OpName): boolean {
  return reachableNodes([loss]).some((node) => node.op === op);
}

/**
 * Compares the gradients of all cases with central differences in float64.
 *
 * The cases share two programs, one for the gradients and one for the values, and one vector of inputs; each run of the
 * second moves inputs of every case at once.
 */
export async function checkGradients(backend: Backend, cases: readonly GradientCase[]): Promise<void> {
  const sizes = cases.map(({ shapes }) => shapes.reduce((total, shape) => total + elementCount(shape), 0));
  const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((total, size) => total + size, 0));
  const vector = { shape: [sizes.reduce((total, size) => total + size, 0)], dtype: DTYPE } as const;

  const inputsOf = (i: number, all: Tensor): Tensor[] => {
    let at = starts[i];
    return cases[i].shapes.map((shape) => {
      const start = at;
      at += elementCount(shape);
      return reshape(sliceAxis(all, 0, start, at), shape);
    });
  };
  const flat = (tensor: Tensor) => reshape(tensor, [elementCount(tensor.shape)]);

  const slopes = await jit(
    backend,
    (all: Tensor) =>
      concatenate(
        cases.flatMap((one, i) => {
          const inputs = inputsOf(i, all);
          const loss = caseLoss(one, inputs);
          assert.ok(holdsOp(loss, one.op), `${one.op}, ${one.name}: the function has no such op`);
          return gradient(loss, inputs).map(flat);
        }),
        0,
      ),
    [vector],
    { name: 'gradients' },
  );
  const values = await jit(
    backend,
    (all: Tensor) =>
      concatenate(
        cases.map((one, i) => flat(caseLoss({ name: one.name, f: one.truth ?? one.f }, inputsOf(i, all)))),
        0,
      ),
    [vector],
    { name: 'values' },
  );
  const call = async (program: typeof slopes, data: Float64Array): Promise<Float64Array> => {
    const input = await backend.replicate(data, vector);
    const output = await program(input);
    const result = await output.toHost();
    input.dispose();
    output.dispose();
    return result as Float64Array;
  };

  const point = Float64Array.from(cases.flatMap(pointOf));
  const analytic = await call(slopes, point);
  const wrong: string[] = [];
  for (const [n, direction] of [...directions(sizes, starts)].entries()) {
    const moved = (step: number) =>
      call(
        values,
        point.map((value, at) => value + step * direction[at]),
      );
    const above = await moved(STEP);
    const below = await moved(-STEP);
    for (const [i, { op, name }] of cases.entries()) {
      const numeric = (above[i] - below[i]) / (2 * STEP);
      let found = 0;
      for (let at = starts[i]; at < starts[i] + sizes[i]; at++) found += analytic[at] * direction[at];
      if (!(Math.abs(found - numeric) <= TOLERANCE * (1 + Math.abs(numeric)))) {
        wrong.push(`${op}, ${name}, direction ${n}: gradient ${found}, differences ${numeric}`);
      }
    }
  }
  slopes.program.dispose();
  values.program.dispose();
  assert.deepEqual(wrong, []);
}

/** One direction of all inputs at once, then single inputs: every one of a small case, a sample of a large one. */
function* directions(sizes: readonly number[], starts: readonly number[]): Generator<Float64Array> {
  const total = sizes.reduce((all, size) => all + size, 0);
  const random = new Random(3, total);
  yield Float64Array.from({ length: total }, () => random.uniform(-1, 1));
  const orders = sizes.map((size) => random.permutation(size));
  for (let n = 0; n < Math.min(PROBES, Math.max(...sizes)); n++) {
    const direction = new Float64Array(total);
    for (const [i, order] of orders.entries()) if (n < order.length) direction[starts[i] + order[n]] = 1;
    yield direction;
  }
}

function pointOf({ name, shapes, range = [-1.5, 1.5], values }: GradientCase): number[] {
  const random = new Random(1, name);
  return shapes.flatMap(
    (shape, i) => values?.[i] ?? Array.from({ length: elementCount(shape) }, () => random.uniform(...range)),
  );
}
