import { mapTree } from '../../base/index.ts';
import type { Classifier } from '../../models/index.ts';
import { initialValues, isTrainable, type VariableSpec } from '../../nn/index.ts';
import type { ArraysOf, Backend } from '../../runtime/index.ts';
import {
  elementCount,
  hostArray,
  isTensorType,
  type DType,
  type HostArray,
  type HostTensor,
  type Tensor,
  type TensorType,
} from '../../xla/index.ts';
import type { Freezing } from '../recipe/freeze.ts';
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

/** Values of variables by path, as types, numbers on the host, tensors or arrays on the devices. */
export interface WeightsOf<Leaf> {
  /** Variables that can be trained. */
  readonly params: Readonly<Record<string, Leaf>>;
  /** Batch-norm statistics. */
  readonly statistics: Readonly<Record<string, Leaf>>;
}

/** Values of a model's variables, as inference needs them. */
export type Weights = WeightsOf<Tensor>;

/** A state's form with types, or with numbers on the host, in place of tensors. */
export interface StateOf<Leaf> extends WeightsOf<Leaf> {
  /** Optimiser slots by slot name and path. */
  readonly slots: Readonly<Record<string, Readonly<Record<string, Leaf>>>>;
  /** Moving averages of `params` and `statistics`; empty where the recipe has none. */
  readonly ema: WeightsOf<Leaf>;
  readonly metrics: { readonly loss: Leaf; readonly count: Leaf; readonly confusion: Leaf };
  /** Steps done in the run; uint32 scalar. */
  readonly step: Leaf;
  /** Steps done since the optimiser started, which it does anew in each phase; uint32 scalar. */
  readonly updates: Leaf;
}

/**
 * All that training changes; it stays on the devices, equal on every replica, and each step takes its memory over. What is
 * frozen is not in it.
 */
export type TrainState = StateOf<Tensor>;

export type DeviceState = ArraysOf<TrainState>;

const typeOf = ({ shape, dtype }: TensorType): TensorType => ({ shape, dtype });

const byPath = <T>(specs: readonly VariableSpec[], value: (spec: VariableSpec) => T): Record<string, T> =>
  Object.fromEntries(specs.map((spec) => [spec.path, value(spec)]));

/** A value for each variable, in the form of weights. */
export const weightsBy = <T>(specs: readonly VariableSpec[], value: (spec: VariableSpec) => T): WeightsOf<T> => ({
  params: byPath(specs.filter(isTrainable), value),
  statistics: byPath(
    specs.filter((spec) => !isTrainable(spec)),
    value,
  ),
});

/** Weights of two disjoint sets of variables as one. */
export const mergeWeights = <T>(one: WeightsOf<T>, other: WeightsOf<T>): WeightsOf<T> => ({
  params: { ...one.params, ...other.params },
  statistics: { ...one.statistics, ...other.statistics },
});

/** Those weights that belong to these variables. */
export const pickWeights = <T>({ params, statistics }: WeightsOf<T>, specs: readonly VariableSpec[]): WeightsOf<T> =>
  weightsBy(specs, (spec) => (isTrainable(spec) ? params : statistics)[spec.path]);

const NO_WEIGHTS: WeightsOf<never> = { params: {}, statistics: {} };

export function metricTypes(classes: number): StateOf<TensorType>['metrics'] {
  const scalar: TensorType = { shape: [], dtype: 'float32' };
  return { loss: scalar, count: scalar, confusion: { shape: [classes, classes], dtype: 'float32' } };
}

/** Types of variables; by default, of a model's. */
export function variableTypes({ variables }: Pick<Classifier, 'variables'>): WeightsOf<TensorType> {
  return weightsBy(variables, typeOf);
}

/** What decides on the form of a training state. */
export interface StateSettings {
  readonly classes: number;
  readonly optimizer: Optimizer;
  readonly freezing: Pick<Freezing, 'trained' | 'moving'>;
  readonly ema: number | undefined;
}

/** Types of a training state. */
export function stateTypes({ classes, optimizer, freezing, ema }: StateSettings): StateOf<TensorType> {
  const { trained, moving } = freezing;
  const weights = weightsBy([...trained, ...moving], typeOf);
  const counter: TensorType = { shape: [], dtype: 'uint32' };
  return {
    ...weights,
    slots: Object.fromEntries(optimizer.slots.map((slot) => [slot, byPath(trained, typeOf)])),
    ema: ema === undefined ? NO_WEIGHTS : weights,
    metrics: metricTypes(classes),
    step: counter,
    updates: counter,
  };
}

/** First values of a variable of the model. */
export type InitialValue = (spec: VariableSpec) => HostArray;

export const seededValues =
  (seed: number): InitialValue =>
  (spec) =>
    initialValues(spec.initializer, spec.shape, seed, spec.path);

/** Values of all variables on the host. */
export function initialWeights(
  { variables }: Pick<Classifier, 'variables'>,
  value: InitialValue,
): WeightsOf<HostTensor> {
  return weightsBy(variables, (spec) => ({ ...typeOf(spec), data: value(spec) }));
}

/** Makes tensors of zeros on the host that share their memory: an optimiser's slots are as large as all variables, once or twice. */
function zeroMaker(): (type: TensorType) => HostTensor {
  const largest = new Map<DType, HostArray>();
  return ({ shape, dtype }) => {
    const count = elementCount(shape);
    let zeros = largest.get(dtype);
    if (zeros === undefined || zeros.length < count) largest.set(dtype, (zeros = hostArray(dtype, count)));
    return { shape, dtype, data: zeros.subarray(0, count) };
  };
}

/** A fresh state on the host at a step of the run: variables from `weights`, averages beginning there, all else 0. */
export function initialState(settings: StateSettings, weights: WeightsOf<HostTensor>, step = 0): StateOf<HostTensor> {
  const { trained, moving } = settings.freezing;
  const changing = pickWeights(weights, [...trained, ...moving]);
  return {
    ...mapTree(stateTypes(settings), isTensorType, zeroMaker()),
    ...changing,
    ema: settings.ema === undefined ? NO_WEIGHTS : changing,
    step: { shape: [], dtype: 'uint32', data: Uint32Array.of(step) },
  };
}

/** Sums of an empty epoch on the devices. */
export async function emptyMetrics(backend: Backend, classes: number): Promise<DeviceState['metrics']> {
  return backend.replicateTree(mapTree(metricTypes(classes), isTensorType, zeroMaker()));
}
