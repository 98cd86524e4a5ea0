import type { Network, VariableSpec } from '../nn/index.ts';
import type { Tensor, TensorType } from '../xla/index.ts';

/** A network from inputs of some form to logits: a whole model takes images, its head alone takes their features. */
export interface Classifier {
  readonly name: string;
  readonly classes: number;
  /** One example's input, without the batch's axis. */
  readonly input: TensorType;
  /** What the network computes on, from a batch of inputs. */
  readonly prepare: (inputs: Tensor) => Tensor;
  /** The same for predictions, which are given whole pictures and may look at their middle alone. */
  readonly prepareWhole: (inputs: Tensor) => Tensor;
  readonly network: Network;
  readonly variables: readonly VariableSpec[];
}
