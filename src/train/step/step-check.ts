import {
  all,
  and,
  convert,
  div,
  isFinite,
  maximum,
  optimizationBarrier,
  sqrt,
  stack,
  sum,
  type Tensor,
  type TensorType,
} from '../../xla/index.ts';
import { flat, squareRanges, sumsOfSquares } from './gradient-squares.ts';

/** What a step says of its own numbers. They are equal on every replica. */
export interface StepCheck {
  /** 1 where all numbers are finite, else 0; mean loss of the batch; L2 norm of all gradients together; float32 [3]. */
  readonly summary: Tensor;
  /** Sums of squared gradients, some of each parameter; they are read only where something is not finite, to name the parameter. */
  readonly squares: Tensor;
}

/** What is looked at: everything that a step's new state is made of. */
export interface CheckedNumbers {
  /** Summed over the replicas. */
  readonly gradients: readonly Tensor[];
  /** Those that this step has changed. */
  readonly statistics: readonly Tensor[];
  /** Summed over the batch and the replicas. */
  readonly loss: Tensor;
  readonly examples: Tensor;
}

/**
 * Looks whether all of a step's numbers are finite. A gradient whose square is not counts as one that isn't either: an
 * optimiser that keeps squares would keep infinity.
 */
export function checkStep({ gradients, statistics, loss, examples }: CheckedNumbers): StepCheck & { finite: Tensor } {
  // Kept apart, so that XLA doesn't add up all of it at once.
  const [squares] = optimizationBarrier([sumsOfSquares(gradients)]);
  const norm = sqrt(sum(squares));
  const sound = [isFinite(loss), isFinite(norm), ...(statistics.length === 0 ? [] : [all(isFinite(flat(statistics)))])];
  // Without the barrier every variable's update would look again.
  const [finite] = optimizationBarrier([sound.reduce((a, b) => and(a, b))]);
  return { finite, summary: stack([convert(finite, 'float32'), div(loss, maximum(examples, 1)), norm]), squares };
}

/** Parameters whose gradients are not finite, in the order of the model. */
export function unsoundParameters(params: Readonly<Record<string, TensorType>>, squares: Float32Array): string[] {
  const ranges = squareRanges(Object.values(params).map(({ shape }) => shape));
  return Object.keys(params).filter((_, i) => !squares.subarray(...ranges[i]).every(Number.isFinite));
}
