import { mapTree } from '../base/index.ts';
import type { Model } from '../models/index.ts';
import { initialValues, isTrainable, type VariableSpec } from '../nn/index.ts';
import type { ArraysOf, Backend } from '../runtime/index.ts';
import {
  elementCount,
  hostArray,
  isTensorType,
  type HostArray,
  type HostTensor,
  type Tensor,
  type TensorType,
} from '../xla/index.ts';
import type { Optimizer } from './optimizer.ts';

/** Sums over the examples of an epoch so far. */
export interface MetricSums {
  /** Sum of the examples' losses; float32 scalar. */
  readonly loss: Tensor;
  /** Number of examples; float32 scalar. */
  readonly count: Tensor;
  /** [label, predicted] counts; float32, exact up to 2^24 a cell. */
  readonly confusion: Tensor;
}

/**
 * All that training changes; it stays on the devices, equal on every replica, and each step takes its memory over.
 */
export interface TrainState {
  /** Trainable variables by path. */
  readonly params: Readonly<Record<string, Tensor>>;
  /** Batch-norm statistics by path. */
  readonly statistics: Readonly<Record<string, Tensor>>;
  /** Optimiser slots by slot name and path. */
  readonly slots: Readonly<Record<string, Readonly<Record<string, Tensor>>>>;
  readonly metrics: MetricSums;
  /** Steps done; uint32 scalar. */
  readonly step: Tensor;
}

/** A state's form with types, or with numbers on the host, in place of tensors. */
export type StateOf<Leaf> = {
  readonly params: Readonly<Record<string, Leaf>>;
  readonly statistics: Readonly<Record<string, Leaf>>;
  readonly slots: Readonly<Record<string, Readonly<Record<string, Leaf>>>>;
  readonly metrics: { readonly loss: Leaf; readonly count: Leaf; readonly confusion: Leaf };
  readonly step: Leaf;
};

export type DeviceState = ArraysOf<TrainState>;

const byPath = <T>(specs: readonly VariableSpec[], value: (spec: VariableSpec) => T): Record<string, T> =>
  Object.fromEntries(specs.map((spec) => [spec.path, value(spec)]));

const typeOf = ({ shape, dtype }: TensorType): TensorType => ({ shape, dtype });

export function metricTypes(classes: number): StateOf<TensorType>['metrics'] {
  const scalar: TensorType = { shape: [], dtype: 'float32' };
  return { loss: scalar, count: scalar, confusion: { shape: [classes, classes], dtype: 'float32' } };
}

/** Types of a model's variables. */
export function variableTypes(model: Model): Pick<StateOf<TensorType>, 'params' | 'statistics'> {
  return {
    params: byPath(model.variables.filter(isTrainable), typeOf),
    statistics: byPath(
      model.variables.filter((spec) => !isTrainable(spec)),
      typeOf,
    ),
  };
}

/** Types of a model's training state. */
export function stateTypes(model: Model, optimizer: Optimizer): StateOf<TensorType> {
  const trainable = model.variables.filter(isTrainable);
  return {
    ...variableTypes(model),
    slots: Object.fromEntries(optimizer.slots.map((slot) => [slot, byPath(trainable, typeOf)])),
    metrics: metricTypes(model.classes),
    step: { shape: [], dtype: 'uint32' },
  };
}

/** First values of a variable of the model. */
export type InitialValue = (spec: VariableSpec) => HostArray;

export const seededValues =
  (seed: number): InitialValue =>
  (spec) =>
    initialValues(spec.initializer, spec.shape, seed, spec.path);

/** A tensor of zeros on the host. */
const zeros = ({ shape, dtype }: TensorType): HostTensor => ({
  shape,
  dtype,
  data: hostArray(dtype, elementCount(shape)),
});

/** A fresh state on the host: variables from `value`, all else 0. */
export function initialState(model: Model, optimizer: Optimizer, value: InitialValue): StateOf<HostTensor> {
  const filled = (spec: VariableSpec): HostTensor => ({ ...typeOf(spec), data: value(spec) });
  return {
    ...mapTree(stateTypes(model, optimizer), isTensorType, zeros),
    params: byPath(model.variables.filter(isTrainable), filled),
    statistics: byPath(
      model.variables.filter((spec) => !isTrainable(spec)),
      filled,
    ),
  };
}

/** Sums of an empty epoch on the devices. */
export async function emptyMetrics(backend: Backend, classes: number): Promise<DeviceState['metrics']> {
  return backend.replicateTree(mapTree(metricTypes(classes), isTensorType, zeros));
}
