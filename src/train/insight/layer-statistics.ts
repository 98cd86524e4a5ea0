import { treeLeaves } from '../../base/index.ts';
import type { Dataset } from '../../data/index.ts';
import { layerOf } from '../../nn/index.ts';
import { isDeviceArray, jit, type Backend } from '../../runtime/index.ts';
import {
  allReduce,
  convert,
  elementCount,
  equal,
  full,
  gradient,
  mul,
  replicaId,
  square,
  stack,
  sum,
  type Tensor,
} from '../../xla/index.ts';
import type { BatchTensors } from '../step/batch-tensors.ts';
import { freezing } from '../recipe/freeze.ts';
import { layerOutputs } from './layer-outputs.ts';
import { phasesOf } from '../phase/phase.ts';
import type { TrainedModel } from '../run/run-weights.ts';
import { classWeightsOf } from '../step/loss.ts';
import { forwardPart } from '../step/step-part.ts';
import { batchTypes, rowsPerReplica } from '../step/step.ts';
import { variableTypes, type Weights } from '../step/train-state.ts';

/** What a layer does with a batch in training, and what the loss asks of it. */
export interface LayerStatistics {
  readonly layer: string;
  /** Of its outputs. */
  readonly mean: number;
  readonly std: number;
  /** Share of its outputs that are 0, 0 to 1: near 1 behind a ReLU, the layer is dead. */
  readonly zeros: number;
  /** Root mean square of the loss's gradient with respect to its outputs. */
  readonly outputGradient: number;
  /** L2 norms over the layer's own trained variables; undefined for a layer that has none. */
  readonly weights?: { readonly norm: number; readonly gradientNorm: number };
}

/**
 * Statistics of every layer over the first batch of a data set, without augmentation; 0 at a batch's padding.
 *
 * The loss is that of training, with its class weights. Balanced ones are those of the labels of `data`: a run doesn't keep how
 * many examples of each class it was trained on.
 */
export async function layerStatistics(
  backend: Backend,
  { model, info, weights }: Pick<TrainedModel, 'model' | 'info' | 'weights'>,
  data: Dataset,
): Promise<LayerStatistics[]> {
  const phases = phasesOf(info.recipe);
  // What is computed again for the gradient is not the outputs that are looked at.
  const recipe = { ...phases[phases.length - 1], accumulate: 1, freeze: 'none', remat: 'none' as const };
  const { batchSize } = recipe;
  const perReplica = rowsPerReplica(batchSize, backend.replicas);
  const frozen = freezing(model, recipe);
  const classWeights = classWeightsOf(recipe.classWeights, model.classes, data.labels);
  const trained = frozen.trained.map(({ path }) => path);
  let layers: readonly { readonly layer: string; readonly count: number }[] = [];
  const body = (known: Weights, rows: BatchTensors) => {
    const [examples] = allReduce([sum(convert(rows.mask, 'float32'))]);
    const { loss } = forwardPart(
      { classifier: model, recipe, freezing: frozen, classWeights, augment: undefined, replicas: backend.replicas },
      { rows, weights: known, key: full([2], 0, 'uint32'), firstExample: mul(replicaId(), perReplica), examples },
    );
    const found = layerOutputs(loss);
    layers = found.map(({ layer, output }) => ({ layer, count: elementCount(output.shape) * backend.replicas }));
    const slopes = gradient(loss, [...found.map(({ output }) => output), ...trained.map((path) => known.params[path])]);
    const own = allReduce(slopes.slice(found.length));
    const outputs = found.flatMap(({ output }, i) => [
      sum(real(output)),
      sumOfSquares(output),
      sum(convert(equal(output, 0), 'float32')),
      sumOfSquares(slopes[i]),
    ]);
    const [figures] = allReduce([stack(outputs)]);
    const variables = trained.flatMap((path, i) => [sumOfSquares(known.params[path]), sumOfSquares(own[i])]);
    return { figures, variables: stack(variables) };
  };
  const program = await jit(backend, body, [variableTypes(model), batchTypes(model, perReplica)], {
    name: `${model.name}_layers`,
  });
  try {
    for await (const batch of data.batches({ batchSize })) {
      const types = batchTypes(model, batchSize);
      const arrays = {
        images: await backend.shard(batch.images, types.images),
        labels: await backend.shard(batch.labels, types.labels),
        mask: await backend.shard(batch.mask, types.mask),
      };
      const result = await program({ params: weights.params, statistics: weights.statistics }, arrays);
      const figures = (await result.figures.toHost()) as Float32Array;
      const variables = (await result.variables.toHost()) as Float32Array;
      for (const array of treeLeaves([arrays, result], isDeviceArray)) array.dispose();
      batch.release();
      return read(layers, figures, trained, variables);
    }
    return [];
  } finally {
    program.dispose();
  }
}

const real = (tensor: Tensor): Tensor => convert(tensor, 'float32');
const sumOfSquares = (tensor: Tensor): Tensor => sum(square(real(tensor)));

function read(
  layers: readonly { readonly layer: string; readonly count: number }[],
  figures: Float32Array,
  trained: readonly string[],
  variables: Float32Array,
): LayerStatistics[] {
  const norms = new Map<string, { norm: number; gradientNorm: number }>();
  for (const [layer, paths] of Map.groupBy(trained.entries(), ([, path]) => layerOf(path))) {
    const total = (offset: number) => Math.sqrt(paths.reduce((all, [i]) => all + variables[2 * i + offset], 0));
    norms.set(layer, { norm: total(0), gradientNorm: total(1) });
  }
  return layers.map(({ layer, count }, i) => {
    const [total, squares, zeros, slopes] = figures.subarray(4 * i, 4 * i + 4);
    const mean = total / count;
    return {
      layer,
      mean,
      std: Math.sqrt(Math.max(0, squares / count - mean ** 2)),
      zeros: zeros / count,
      outputGradient: Math.sqrt(slopes / count),
      weights: norms.get(layer),
    };
  });
}
