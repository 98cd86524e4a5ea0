import { layerOf } from '../../nn/index.ts';
import {
  abs,
  add,
  allReduce,
  convert,
  elementCount,
  foldIn,
  gradient,
  isFinite,
  max,
  mul,
  not,
  replicaId,
  stack,
  sum,
  where,
  type Tensor,
  type TensorType,
} from '../../xla/index.ts';
import type { BatchTensors } from '../step/batch-tensors.ts';
import { layerOutputs } from '../insight/layer-outputs.ts';
import { forwardPart, type ForwardSettings } from '../step/step-part.ts';
import { mergeWeights, type Weights } from '../step/train-state.ts';

/** How the numbers of a tensor are. */
export interface Soundness {
  readonly count: number;
  /** How many are NaN or infinite. */
  readonly unsound: number;
  /** The greatest of the others, without its sign. */
  readonly greatest: number;
}

/** A layer in a step that was run again. */
export interface LayerSoundness {
  /** Path of the layer; `input` for what the network is given. */
  readonly layer: string;
  readonly output: Soundness;
  /** Of the loss with respect to the output. */
  readonly gradient?: Soundness;
  /** Gradients of the layer's own variables, where they are trained. */
  readonly parameters: readonly { readonly path: string; readonly gradient: Soundness }[];
}

export interface Inspected {
  /** In the order in which they compute. */
  readonly layers: readonly LayerSoundness[];
  /** New values of moving statistics. */
  readonly statistics: readonly { readonly path: string; readonly value: Soundness }[];
}

export const inspectionInputs = {
  key: { shape: [2], dtype: 'uint32' },
  step: { shape: [], dtype: 'uint32' },
  /** Rows of the replica's batch before the part. */
  offset: { shape: [], dtype: 'uint32' },
  /** Of the whole batch. */
  examples: { shape: [], dtype: 'float32' },
} as const satisfies Record<string, TensorType>;

type Inputs = Readonly<Record<keyof typeof inspectionInputs, Tensor>>;

export interface InspectionSettings extends ForwardSettings {
  /** Paths of the variables that are trained. */
  readonly trained: readonly string[];
  /** Rows of a replica's batch, of which the program takes a part. */
  readonly rows: number;
}

/** Tensors of a step in the order of the program's figures. */
interface Place {
  readonly kind: 'output' | 'layerGradient' | 'gradient' | 'statistic';
  /** Of the layer or the variable. */
  readonly path: string;
  readonly count: number;
}

/** A step's computation that says of each of its tensors how many numbers are not finite, and how great the others are. */
export class Inspection {
  readonly #settings: InspectionSettings;
  #places: readonly Place[] = [];
  #sums: readonly { unsound: number; greatest: number }[] = [];

  constructor(settings: InspectionSettings) {
    // What is computed again for the gradient is not the tensors that are looked at.
    this.#settings = { ...settings, recipe: { ...settings.recipe, remat: 'none' } };
  }

  /** To be traced, once. The figures are float32 [tensors, 2], equal on every replica. */
  readonly body = (
    weights: Weights,
    rows: BatchTensors,
    inputs: Inputs,
  ): { readonly figures: Tensor; readonly losses: Tensor } => {
    const { trained, rows: perReplica, replicas } = this.#settings;
    const { loss, losses, input, updates } = forwardPart(this.#settings, {
      rows,
      weights: mergeWeights(weights, { params: {}, statistics: {} }),
      key: foldIn(inputs.key, inputs.step),
      firstExample: add(mul(replicaId(), perReplica), inputs.offset),
      examples: inputs.examples,
    });
    const layers = layerOutputs(loss);
    const gradients = gradient(loss, [...layers.map(({ output }) => output), ...trained.map((path) => weights.params[path])]); // prettier-ignore
    const looked: readonly (readonly [Place['kind'], string, Tensor])[] = [
      ['output', 'input', input],
      ...layers.map(({ layer, output }) => ['output', layer, output] as const),
      ...layers.map(({ layer }, i) => ['layerGradient', layer, gradients[i]] as const),
      ...trained.map((path, i) => ['gradient', path, gradients[layers.length + i]] as const),
      ...Object.entries(updates).map(([path, value]) => ['statistic', path, value] as const),
    ];
    this.#places = looked.map(([kind, path, { shape }]) => ({ kind, path, count: elementCount(shape) * replicas }));
    this.#sums = looked.map(() => ({ unsound: 0, greatest: 0 }));
    const [unsound] = allReduce([stack(looked.map(([, , tensor]) => unsoundIn(tensor)))]);
    const [greatest] = allReduce([stack(looked.map(([, , tensor]) => greatestOf(tensor)))], 'max');
    return { figures: stack([unsound, greatest], 1), losses };
  };

  /** Takes the figures of a part of the batch. */
  add(figures: Float32Array): void {
    this.#sums = this.#sums.map(({ unsound, greatest }, i) => ({
      unsound: unsound + figures[2 * i],
      greatest: Math.max(greatest, figures[2 * i + 1]),
    }));
  }

  /** What was found in all parts. */
  result(): Inspected {
    const parts = this.#settings.recipe.accumulate;
    const found = this.#places.map(({ count, ...place }, i) => ({ ...place, sound: { count: count * parts, ...this.#sums[i] } })); // prettier-ignore
    const of = (kind: Place['kind']) => found.filter((each) => each.kind === kind);
    const gradients = new Map(of('layerGradient').map(({ path, sound }) => [path, sound]));
    const own = Map.groupBy(of('gradient'), ({ path }) => layerOf(path));
    return {
      layers: of('output').map(({ path: layer, sound: output }) => ({
        layer,
        output,
        gradient: gradients.get(layer),
        parameters: (own.get(layer) ?? []).map(({ path, sound }) => ({ path, gradient: sound })),
      })),
      statistics: of('statistic').map(({ path, sound }) => ({ path, value: sound })),
    };
  }
}

const unsoundIn = (tensor: Tensor): Tensor => sum(convert(not(isFinite(convert(tensor, 'float32'))), 'float32'));

function greatestOf(tensor: Tensor): Tensor {
  const values = convert(tensor, 'float32');
  return max(where(isFinite(values), abs(values), 0));
}
