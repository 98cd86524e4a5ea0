import {
  all,
  and,
  concatenate,
  convert,
  div,
  elementCount,
  isFinite,
  maximum,
  optimizationBarrier,
  reshape,
  sqrt,
  square,
  stack,
  sum,
  type Tensor,
  type TensorType,
} from '../xla/index.ts';

/** What a step says of its own numbers. They are equal on every replica. */
export interface StepCheck {
  /** 1 where all numbers are finite, else 0; mean loss of the batch; L2 norm of all gradients together; float32 [3]. */
  readonly summary: Tensor;
  /**
   * Squared gradients added up over all axes but the last, one parameter after the other; float32. It is read only where
   * something is not finite, to name the parameter.
   */
  readonly channels: Tensor;
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
  const [channels] = optimizationBarrier([flat(gradients.map(squaresByChannel))]);
  const norm = sqrt(sum(channels));
  const sound = [isFinite(loss), isFinite(norm), ...(statistics.length === 0 ? [] : [all(isFinite(flat(statistics)))])];
  // Without the barrier every variable's update would look again.
  const [finite] = optimizationBarrier([sound.reduce((a, b) => and(a, b))]);
  return { finite, summary: stack([convert(finite, 'float32'), div(loss, maximum(examples, 1)), norm]), channels };
}

/** In two steps, kept apart by a barrier: XLA adds up a whole tensor at once one number after the other on a CPU. */
function squaresByChannel(gradient: Tensor): Tensor {
  const squares = square(convert(gradient, 'float32'));
  const axes = Array.from({ length: Math.max(0, gradient.rank - 1) }, (_, axis) => axis);
  return axes.length === 0 ? squares : sum(squares, { axes });
}

const flat = (tensors: readonly Tensor[]): Tensor =>
  concatenate(
    tensors.map((tensor) => reshape(tensor, [elementCount(tensor.shape)])),
    0,
  );

/** The channels of `StepCheck` that belong to each parameter, as [from, to). */
export function channelRanges(params: Readonly<Record<string, TensorType>>): Map<string, readonly [number, number]> {
  let at = 0;
  return new Map(
    Object.entries(params).map(([path, { shape }]) => {
      const from = at;
      at += shape.length === 0 ? 1 : shape[shape.length - 1];
      return [path, [from, at]];
    }),
  );
}

/** Parameters whose gradients are not finite, in the order of the model. */
export function unsoundParameters(params: Readonly<Record<string, TensorType>>, channels: Float32Array): string[] {
  return [...channelRanges(params)].flatMap(([path, [from, to]]) =>
    channels.subarray(from, to).every(Number.isFinite) ? [] : [path],
  );
}
