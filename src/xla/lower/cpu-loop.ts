import { whileLoop } from '../control.ts';
import { full } from '../creation.ts';
import { add, less } from '../elementwise.ts';
import type { Tensor } from '../ir.ts';

/** Loops that one sum is split into. */
const LOOPS = 2;

/**
 * Bytes that one sum may touch in a step of a loop of many steps. XLA spreads what touches half a MiB over threads, and leaves a task
 * behind for each thread that was busy meanwhile. With some hundred steps a queue of tasks is full, and then Eigen's products go
 * wrong (docs/cpu.md).
 */
export const STEP_BYTES = 480 * 2 ** 10;

/**
 * Sums over steps 0 to `steps`, starting from `empty` tensors: `body` gets a step and the sums so far.
 *
 * What a loop of many steps holds is to be too small for XLA to spread over cores (`STEP_BYTES`), so one loop keeps one core busy
 * while the others wait. Loops that don't depend on each other run side by side. How steps are split is the same on every machine:
 * so are the sums.
 */
export function sumInLoops(
  steps: number,
  empty: readonly Tensor[],
  body: (step: Tensor, ...sums: Tensor[]) => readonly Tensor[],
): Tensor[] {
  const size = Math.ceil(steps / Math.min(LOOPS, steps));
  const parts: Tensor[][] = [];
  for (let start = 0; start < steps; start += size) {
    const end = Math.min(steps, start + size);
    const [, ...totals] = whileLoop(
      [full([], start, 'int32'), ...empty],
      (step) => less(step, end),
      (step, ...sums) => [add(step, 1), ...body(step, ...sums)],
    );
    parts.push(totals);
  }
  return parts.reduce((a, b) => a.map((sum, i) => add(sum, b[i])));
}
