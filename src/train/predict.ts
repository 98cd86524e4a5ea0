import type { Dataset } from '../data/index.ts';
import type { Model } from '../models/index.ts';
import { jit, type ArraysOf, type Backend } from '../runtime/index.ts';
import { evaluationBatches, placeRows } from './step/device-batches.ts';
import { batchTypes, predictionStep, rowsPerReplica } from './step/step.ts';
import { variableTypes, type Weights } from './step/train-state.ts';
import { predictViews, type Tta } from './tta.ts';
import type { Tensor } from '../xla/index.ts';

/** Class probabilities of every picture of a data set, [examples, classes]. */
export type Predictor = (
  weights: ArraysOf<Weights>,
  data: Dataset,
  options?: { readonly signal?: AbortSignal; readonly onProgress?: (examples: number) => void },
) => Promise<Float32Array>;

/** How pictures are predicted. */
export interface PredictorOptions {
  /** Which views of each picture are averaged. */
  readonly tta?: Tta;
  /** How many pictures there are, where they will be predicted once: a program for few is made in less time. */
  readonly pictures?: number;
}

/** Compiles prediction for a model. `batchSize` is over all replicas. */
export async function compilePredictor(
  backend: Backend,
  model: Model,
  batchSize: number,
  { tta = 'none', pictures = Infinity }: PredictorOptions = {},
): Promise<Predictor & { dispose(): void }> {
  const { images } = batchTypes(model, rowsPerReplica(batchSize, backend.replicas));
  const predict = predictionStep(model);
  const body = (weights: Weights, pixels: Tensor) => predictViews(pixels, tta, (views) => predict(weights, views));
  const step = await jit(backend, body, [variableTypes(model), images], {
    name: `${model.name}_predict`,
    forInference: { weights: 0, calls: Math.ceil(pictures / batchSize) },
  });
  const predictor: Predictor = async (weights, data, { signal, onProgress } = {}) => {
    const { classes } = model;
    const probabilities = new Float32Array(data.count * classes);
    let done = 0;
    for await (const batch of evaluationBatches(backend, data, model.input, batchSize)) {
      try {
        signal?.throwIfAborted();
        const output = await step({ params: weights.params, statistics: weights.statistics }, batch.arrays.images);
        const rows = await backend.gather(output).finally(() => output.dispose());
        placeRows(batch, rows as Float32Array, classes, probabilities);
      } finally {
        batch.dispose();
      }
      done += batch.examples;
      onProgress?.(done);
    }
    return probabilities;
  };
  return Object.assign(predictor, { dispose: () => step.dispose() });
}
